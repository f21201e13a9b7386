import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { openAsk } from '../../../shared/flows/open.ts';
import { planRollback } from '../../../shared/flows/rollback/plan.ts';
import { rollBack } from '../../../shared/flows/rollback/roll-back.ts';
import { advanceBackfill } from '../../../shared/flows/staged/advance.ts';
import { startBackfill } from '../../../shared/flows/staged/orders.ts';
import { work } from '../../../shared/flows/work.ts';
import type { ProcessorRunner, RunAnswer, RunOrder } from '../../../shared/ports/processor-runner.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import type { Asked, BackfillRecord } from '../../../shared/staged/record.ts';
import { askOf } from '../../core-builders.ts';
import { miniBench, type Bench } from '../../simulation/convergence.ts';
import { Fuse } from '../../simulation/crash.ts';
import { inManualTime, Outside, SimulatedRunner, Site } from '../../simulation/site.ts';
import { asked, definitionOf } from '../../staged/builders.ts';

const [FROM, TO] = ['2024-01-08', '2024-01-12'] as const;
const CELL = `TeamForm ${FROM}`;
const kim = { by: 'kim', reason: 'it was wrong' };
const STAGES = [{ name: 'raw', phases: ['phase_2_raw'], concurrency: 5 }, { name: 'analytics', phases: ['phase_3_analytics'], concurrency: 5 }];

/** Runs of a backfill have 100 points more than they should, those of others 7. */
class Marked implements ProcessorRunner {
  readonly #runner: SimulatedRunner;

  constructor(outside: Outside) {
    this.#runner = new SimulatedRunner(outside, Fuse.never());
  }

  async run(order: RunOrder): Promise<RunAnswer> {
    const answer = await this.#runner.run(order);
    const more = order.backfillId === null ? 7 : 100;
    return answer.kind !== 'rows' ? answer : { kind: 'rows', rows: answer.rows.map((row) => ('points' in row ? { ...row, points: Number(row['points']) + more } : row)) };
  }
  cancel(): Promise<null> { return this.#runner.cancel(); }
  sourceHas(): Promise<'unknown'> { return this.#runner.sourceHas(); }
}

describe('A staged backfill that comes to a cell while somebody else runs it', () => {
  let bench: Bench;
  let outside: Outside;
  let site: Site;
  beforeEach(async () => {
    bench = await miniBench(false);
    outside = new Outside();
    site = await Site.open({ pipeline: bench.pipeline, databasePath: bench.databasePath, warehouse: bench.warehouse, clock: bench.clock, outside, runner: new Marked(outside), lanes: 4 });
  });
  afterEach(async () => {
    site.close();
    await bench.dispose();
  });

  async function rowsOfAll(): Promise<ReadonlyMap<string, readonly Row[]>> {
    const [from, to] = [bench.days[0]!, bench.days.at(-1)!];
    const tables = await Promise.all(bench.pipeline.processors.map(async (processor) => (await bench.warehouse.rows(processor, { from, to }, null)).map((row) => [`${processor.name} ${String(row[processor.dateColumn])}`, row] as const)));
    return new Map([...Map.groupBy(tables.flat(), ([name]) => name)].map(([name, rows]) => [name, rows.map(([, row]) => row)]));
  }

  /** Kim runs the cell, and while that is under way a backfill comes to it. */
  async function beside(changes: Partial<Asked>, stages: readonly (typeof STAGES)[number][] = STAGES): Promise<BackfillRecord> {
    await site.engine.refresh(dayOf(FROM), dayOf(TO));
    await openAsk(site.engine, askOf({ id: 'kims', asker: 'person', by: 'kim', reprocess: 'completed', at: bench.clock.now() }), [{ processor: 'TeamForm', day: dayOf(FROM) }]);
    let backfill: Promise<BackfillRecord | null> = Promise.resolve(null);
    let begun = 0;
    outside.during = async (cell, when) => {
      if (cell !== CELL || when !== 'before' || (begun += 1) > 1) return;
      const { id } = await startBackfill(site.engine, definitionOf(stages), { ...asked(FROM, TO), at: bench.clock.now(), ...changes }, '2024');
      backfill = advanceBackfill(site.engine, id, { signal: site.stop.signal });
      // The backfill has done whatever it could without this cell.
      for (let quiet = 0; quiet < 300; quiet += 1) {
        await nextTurn();
        if ((await site.store.openCells()).length > 1) quiet = 0;
      }
    };
    await inManualTime(bench.clock, work(site.engine, { signal: site.stop.signal }).then(() => backfill));
    const record = await backfill;
    assert.ok(record);
    return record;
  }

  const record = () => site.store.cell({ processor: 'TeamForm', day: dayOf(FROM) });

  it('does not take that run for its own: runs it itself when that has ended, and rollback brings back the rows of that run', async () => {
    const before = await rowsOfAll();
    const ended = await beside({ reprocess: 'completed' });
    assert.equal(ended.state, 'finished', ended.note);
    assert.equal(outside.runs.filter((cell) => cell === CELL).length, 2);
    const scope = { backfillId: ended.id, day: null, processors: null, force: false, deletes: false };
    const plan = await planRollback(site.engine, scope);
    const back = await inManualTime(bench.clock, rollBack(site.engine, plan, scope, { ...kim, signal: site.stop.signal }));
    assert.deepEqual(back.cells.filter(({ outcome }) => outcome !== 'restored').map(({ processor, day, decision }) => [processor, formatDay(day), decision]), []);
    const after = await rowsOfAll();
    const changed = [...before].filter(([name, rows]) => JSON.stringify(after.get(name)) !== JSON.stringify(rows)).map(([name]) => name);
    assert.deepEqual(changed, [CELL], 'what kim has run is hers, and not the backfill\'s to take back');
  });

  it('takes what that run has made for complete where it is, says whose it is, and does not run it', async () => {
    const processor = bench.pipeline.byName.get('TeamForm')!;
    await bench.change(processor, dayOf(FROM), null);
    const ended = await beside({});
    assert.equal(ended.state, 'finished', ended.note);
    assert.equal(outside.runs.filter((cell) => cell === CELL).length, 1);
    assert.equal((await record()).overwrites, undefined, 'a rollback of the backfill leaves it alone');
    const told = ended.journal.filter(({ event }) => event === 'others_run');
    assert.deepEqual(told.map(({ text }) => text), [`${CELL} is run by kim: judged again when that has ended, and what that writes is not this backfill's to roll back`]);
  });

  it('tries it itself where that run fails, and is not stopped by what it has not run', async () => {
    const processor = bench.pipeline.byName.get('TeamForm')!;
    await bench.change(processor, dayOf(FROM), null);
    outside.fail(CELL, { type: 'ValueError', message: 'invalid literal for int()' });
    const ended = await beside({ errorPolicy: 'stop' });
    assert.equal(ended.state, 'finished', ended.note);
    assert.deepEqual([(await record()).failure, ended.failures], [null, []]);
    assert.deepEqual(outside.runs.filter((cell) => cell === CELL).length, 1);
    assert.deepEqual(outside.started.filter((cell) => cell === CELL).length, 2);
  });
});
