import assert from 'node:assert/strict';
import { dayOf } from '../../../shared/calendar/day.ts';
import { advanceBackfill } from '../../../shared/flows/staged/advance.ts';
import { backfillLease, takeLease } from '../../../shared/flows/leases.ts';
import { paused, resumed } from '../../../shared/staged/transitions.ts';
import { Fuse, SimulatedCrash } from '../../simulation/crash.ts';
import { Random, replayable, seeds } from '../../simulation/random.ts';
import { inManualTime, Site } from '../../simulation/site.ts';
import { definitionOf } from '../../staged/builders.ts';
import { BY_CASCADE, CANARY, EmptySeason, kim, RAW } from './empty-season.ts';

const HOUR = 3_600_000;

describe('A staged backfill', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  it('goes on when the clock is set back, also while it waits between dates and for a retry', async () => {
    season.outside.fail('Box 2024-01-04', { type: 'ConnectionError', message: 'connection reset by peer' });
    const { id } = await season.start([...RAW, BY_CASCADE], { delaySeconds: 30 });
    let runs = 0;
    season.outside.during = (_cell, when) => {
      if (when === 'before' && (runs += 1) % 25 === 0 && runs <= 100) season.clock.set(season.clock.now() - 5 * HOUR);
    };
    const started = season.clock.now();
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
    assert.ok(season.clock.now() - started < 12 * HOUR, 'it does not wait for the old time to come again');
  });

  it('goes on with the definition that it was started with, whatever that is by now', async () => {
    const first = await season.start(RAW);
    const kept = await season.site.store.backfill(first.id);
    assert.deepEqual(kept?.definition, definitionOf(RAW));
    await season.reopen();
    assert.equal((await season.advance(first.id))?.definition.hash, definitionOf(RAW).hash);
  });

  it('is not advanced by a process that has lost its lease, and loses nothing by that', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE]);
    let taken = false;
    season.outside.during = async (cell, when) => {
      if (taken || when !== 'before' || cell !== 'TeamForm 2024-01-05') return;
      taken = true;
      // This process seemed dead for so long that another one has taken the backfill over.
      await season.site.engine.change({ leases: [backfillLease(id)] }, (snapshot) => ({ writes: { leases: [{ ...snapshot.lease(backfillLease(id))!, until: 0 }] }, result: null }));
      const other = Site.beside(season.site, { pipeline: season.state.pipeline, databasePath: season.path, warehouse: season.warehouse, clock: season.clock, outside: season.outside });
      assert.notEqual(await takeLease(other.engine, backfillLease(id), '{}'), null);
    };
    season.outside.fail('TeamForm 2024-01-05', { type: 'ValueError', message: 'invalid literal for int()' });
    assert.equal(await season.advance(id), null, 'it is another one that advances it now');
    await season.reopen();
    assert.equal((await season.advance(id))?.state, 'stopped');
    await season.order(id, (record, now) => resumed(record, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
  });

  it('says in its journal whom it was taken over from, where whoever advanced it died, and nothing where that one left', async () => {
    const { id } = await season.start([...RAW, BY_CASCADE]);
    await season.reopen(new Fuse(60, false));
    const died = season.site.engine.parts.owner;
    await assert.rejects(season.advance(id), SimulatedCrash);
    season.clock.set(season.clock.now() + HOUR);
    await season.reopen();
    await season.reopen();
    await season.order(id, (record, now) => paused(record, kim, now));
    await season.advance(id);
    await season.order(id, (record, now) => resumed(record, kim, now));
    assert.equal((await season.advance(id))?.state, 'finished');
    const journal = (await season.site.store.backfill(id))?.journal.filter(({ event }) => event === 'taken_over') ?? [];
    assert.equal(journal.length, 1);
    assert.match(journal[0]?.text ?? '', new RegExp(`^from ${died}, of which nothing was heard since 2024-01-25T17:0\\d:\\d\\d\\.\\d{3}Z: `));
    assert.deepEqual(await season.site.store.leases(), []);
    assert.deepEqual(await season.wrong(), []);
  });

  it('is not advanced twice, and what has ended is left as it is', async () => {
    const { id } = await season.start(RAW);
    const both = await Promise.all([season.advance(id), season.advance(id)]);
    assert.equal(both.filter((record) => record === null).length, 1);
    const runs = season.outside.runs.length;
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.equal(season.outside.runs.length, runs);
  });
});

describe('A staged backfill with cascades, when the process dies at any call', function () {
  this.timeout(60_000);
  for (const seed of seeds(12)) {
    it(`loses nothing, and starts nothing else (seed ${seed})`, () => replayable(seed, 'dies at any call', async () => {
      const random = new Random(seed + 500);
      const season = await EmptySeason.open(1 + random.below(4));
      const { id } = await season.start([...RAW, BY_CASCADE, CANARY], { concurrency: 1 + random.below(5) });
      let ended = false;
      for (let death = 0; death < 40 && !ended; death += 1) {
        const fuse = death < 10 ? new Fuse(1 + random.below(160), random.chance(0.5)) : Fuse.never();
        try {
          await season.reopen(fuse);
          if (random.chance(0.5)) await inManualTime(season.clock, season.site.deliver());
          const record = await inManualTime(season.clock, advanceBackfill(season.site.engine, id, { signal: season.site.stop.signal }));
          ended = record?.state === 'finished';
          assert.ok(record === null || record.state === 'running' || ended, `${record?.state ?? ''}: ${record?.note ?? ''}`);
        } catch (error) {
          if (!(error instanceof SimulatedCrash) && !fuse.blown) throw error;
        }
        await season.reopen();
        season.clock.set(season.clock.now() + HOUR / 2);
      }
      assert.ok(ended);
      await inManualTime(season.clock, season.site.deliver());
      assert.deepEqual(await season.wrong(), []);
      assert.deepEqual(await season.openCells(), []);
      const cascades = await season.site.store.cascades(dayOf('2024-01-01'), dayOf('2024-01-20'));
      assert.ok(cascades.every(({ state, backfillId }) => backfillId === id || state === 'not_cascading'), 'no live one');
      season.close();
    }));
  }
});
