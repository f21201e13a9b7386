import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { Calendar } from '../../../shared/calendar/calendar.ts';
import { addDays, formatDay } from '../../../shared/calendar/day.ts';
import { MemoryWarehouse } from '../../../shared/embedded/memory-warehouse.ts';
import type { OldRows, RowSource, Staged, WriteClaim } from '../../../shared/ports/warehouse.ts';
import { Fuse } from '../../simulation/crash.ts';
import { SEASON } from '../../simulation/mini-league.ts';
import { EmptySeason } from './empty-season.ts';

const LANES = 4;

/** Knows which cells were staged once more although the same generation of them had been promoted. */
class RecordingWarehouse extends MemoryWarehouse {
  readonly again: string[] = [];
  readonly #promoted = new Set<string>();

  override async stage(claim: WriteClaim, source: RowSource | OldRows, calendar: Calendar): Promise<Staged> {
    const name = `${claim.processor.name} ${formatDay(claim.day)}, generation ${claim.generation}`;
    if (this.#promoted.has(name)) this.again.push(name);
    const staged = await super.stage(claim, source, calendar);
    const promote = async (trace: string) => {
      const outcome = await staged.promote(trace);
      if (outcome.kind !== 'fenced') this.#promoted.add(name);
      return outcome;
    };
    return { ...staged, promote };
  }
}

describe('the commits of a staged backfill', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(LANES); });
  afterEach(() => season.close());

  it('are one a cell, that of its claim: its opening and its end go with the next', async () => {
    const { store } = season.site;
    const transact = sinon.spy(store, 'transact');
    const { id } = await season.start();
    await season.advance(id);
    const cells = season.outside.runs.length;
    const counts = { now: 0, with_next: 0 };
    for (const [reads, , durable = 'now'] of transact.args) if ((reads.cells ?? []).length > 0) counts[durable] += 1;
    assert.ok(cells > 20, String(cells));
    // What comes by cascade is opened by its own commit, and waits are decided by theirs.
    assert.ok(counts.now <= 1.5 * cells, `${counts.now} for ${cells} cells`);
    assert.ok(counts.with_next >= cells, `${counts.with_next} for ${cells} cells`);
  });

  it('end right where the process is killed between two of them: ends that are not on the disk are read off the markers', async () => {
    const { id } = await season.start();
    let runs = 0;
    const kill = Promise.withResolvers<void>();
    season.outside.during = async (_cell, when) => {
      if (when === 'before' && (runs += 1) === 12) kill.resolve();
    };
    const gone = season.advance(id).catch(() => null);
    await kill.promise;
    season.site.stop.abort();
    await season.reopen();
    await gone;
    await season.advance(id);
    assert.deepEqual(await season.wrong(), []);
    const twice = season.outside.runs.filter((cell, index) => season.outside.runs.indexOf(cell) !== index);
    assert.ok(twice.length <= LANES, `no more is run twice than ran: ${twice.join(', ')}`);
    assert.equal((await season.site.store.backfill(id))?.state, 'finished');
  });

  it('leave no run to be made again whose rows were promoted, wherever the process is killed', async function kills() {
    this.timeout(60_000);
    const died: boolean[] = [];
    for (let call = 5; call < 290; call += 19) {
      for (const before of [true, false]) {
        const recorded: RecordingWarehouse[] = [];
        const killed = await EmptySeason.open(LANES, (pipeline) => {
          const warehouse = new RecordingWarehouse(pipeline);
          recorded.push(warehouse);
          return warehouse;
        });
        const { id } = await killed.start(undefined, { from: SEASON.from, to: addDays(SEASON.from, 5) });
        const fuse = new Fuse(call, before);
        await killed.reopen(fuse);
        await killed.advance(id).catch(() => null);
        died.push(fuse.blown);
        killed.site.stop.abort();
        await killed.reopen();
        await killed.advance(id);
        assert.deepEqual([recorded.flatMap(({ again }) => again), (await killed.site.store.backfill(id))?.state], [[], 'finished'], `killed ${before ? 'before' : 'after'} call ${call}`);
        killed.close();
      }
    }
    assert.ok(died.filter((one) => one).length > 20, String(died));
  });
});
