import assert from 'node:assert/strict';
import { TimeBudget } from '../../shared/flows/time-budget.ts';
import { Worker } from '../../shared/flows/worker.ts';
import { askOf } from '../core-builders.ts';
import { WholeSeason } from '../simulation/season.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { dayOf } from '../../shared/calendar/day.ts';

const DATES = ['2024-01-08', '2024-01-09', '2024-01-12'] as const;
const never = new AbortController().signal;

describe('the worker of a process', () => {
  let season: WholeSeason;
  beforeEach(async () => {
    season = await WholeSeason.open();
    for (const date of DATES) season.write('Box', date, null);
    const { engine } = season.site;
    await engine.refresh(dayOf(DATES[0]), dayOf(DATES[2]));
    await openAsk(engine, askOf({ id: 'by-hand', at: season.clock.now() }), DATES.map((date) => ({ processor: 'Box', day: dayOf(date) })));
  });
  afterEach(() => season.close());

  it('works off what is queued when it is rung, and answers those who ring meanwhile at once', async () => {
    const worker = new Worker(season.site.engine, { waitsForRetryMs: 0 });
    const first = worker.ring(never);
    assert.deepEqual(await worker.ring(never), { joined: true, worked: [] });
    const rung = await season.wait(first);
    assert.equal(rung.joined, false);
    assert.deepEqual(rung.worked.map((worked) => worked.outcome), ['ran', 'ran', 'ran']);
    assert.ok(rung.worked.every((worked) => worked.cause === 'by-hand'), 'each names the ask that it goes back to');
    assert.deepEqual(await season.open(), []);
  });

  it('starts nothing that cannot be finished in the time there is, and says that something is left (P2)', async () => {
    const worker = new Worker(season.site.engine, { waitsForRetryMs: 0 });
    const needs = season.site.processor('Box').timeoutSeconds * 1000;
    const short = new TimeBudget(season.clock.now() + needs - 1);
    assert.deepEqual((await season.wait(worker.ring(never, short))).worked, []);
    assert.equal(short.ranOut, true);
    assert.equal((await season.open()).length, 3);
    const enough = new TimeBudget(season.clock.now() + needs);
    assert.equal((await season.wait(worker.ring(never, enough))).worked.length, 3);
    assert.equal(enough.ranOut, false);
  });

  it('waits for a request that backs off, as long as it may', async () => {
    season.outside.fail(`Box ${DATES[0]}`, { type: 'ConnectionError', message: 'connection reset by peer' });
    const impatient = new Worker(season.site.engine, { waitsForRetryMs: 0 });
    assert.deepEqual((await season.wait(impatient.ring(never))).worked.map((worked) => worked.outcome).sort(), ['ran', 'ran', 'retry']);
    const patient = new Worker(season.site.engine, { waitsForRetryMs: 60_000 });
    assert.deepEqual((await season.wait(patient.ring(never))).worked.map((worked) => worked.outcome), ['ran']);
  });

  it('is woken by a ring while it waits for a request that backs off', async () => {
    season.outside.fail(`Box ${DATES[0]}`, { type: 'ConnectionError', message: 'connection reset by peer' });
    season.outside.down = (cell) => (cell === `Box ${DATES[0]}` ? { type: 'ConnectionError', message: 'connection reset by peer' } : null);
    const { engine } = season.site;
    const patient = new Worker(engine, { waitsForRetryMs: 60_000 });
    const before = season.clock.now();
    const first = patient.ring(never);
    const late = (async () => {
      await season.clock.sleep(1000);
      await openAsk(engine, askOf({ id: 'later', at: season.clock.now() }), [{ processor: 'Box', day: dayOf('2024-01-08') }]);
      assert.equal((await patient.ring(never)).joined, true);
      return season.clock.now() - before;
    })();
    assert.equal(await season.wait(late), 1000, 'who rings is answered at once');
    season.outside.down = () => null;
    const { worked } = await season.wait(first);
    assert.deepEqual(worked.map((one) => one.outcome).sort(), ['ran', 'ran', 'ran', 'retry']);
  });

  it('hands over to a ring that has more time, once its own is too short for a run', async () => {
    const longest = Math.max(...season.site.pipeline.processors.map(({ timeoutSeconds }) => timeoutSeconds * 1000));
    const worker = new Worker(season.site.engine, { waitsForRetryMs: 0 });
    let second: ReturnType<Worker['ring']> | null = null;
    season.outside.during = () => {
      if (second) return;
      season.clock.advance(1);
      second = worker.ring(never, new TimeBudget(season.clock.now() + longest));
    };
    const short = new TimeBudget(season.clock.now() + longest);
    const { worked } = await season.wait(worker.ring(never, short));
    assert.ok(second);
    const rung = await season.wait<Awaited<ReturnType<Worker['ring']>>>(second);
    assert.equal(rung.joined, false);
    assert.deepEqual([...worked, ...rung.worked].map(({ outcome }) => outcome), ['ran', 'ran', 'ran'], 'each cell by one of the two');
    assert.ok(worked.length > 0 && rung.worked.length > 0);
  });

  it('can be rung again after a ring that failed', async () => {
    const worker = new Worker(season.site.engine, { waitsForRetryMs: 0, onEnd: () => { throw new Error('the log is full'); } });
    await assert.rejects(season.wait(worker.ring(never)), /the log is full/);
    await assert.rejects(season.wait(worker.ring(never)), /the log is full/);
  });
});

describe('the time of an event', () => {
  it('is enough for what is only started by it, when it is not for a run of the same length', async () => {
    const season = await WholeSeason.open();
    const processor = { ...season.site.processor('Box'), timeoutSeconds: 400 };
    const now = season.clock.now();
    assert.equal(new TimeBudget(now + 60_000).hasRoomFor(processor, now), false);
    assert.equal(new TimeBudget(now + 60_000).hasRoomFor({ ...processor, target: { cloud_run_job: 'box' } }, now), true);
    assert.equal(new TimeBudget(now + 480_000).hasRoomFor({ ...processor, timeoutSeconds: 3600 }, now), true, 'no run is waited for longer than 480 s');
    season.close();
  });
});
