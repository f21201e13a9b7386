import assert from 'node:assert/strict';
import { dayOf, formatDay, type Day } from '../../shared/calendar/day.ts';
import { SqliteRunHistory } from '../../shared/embedded/sqlite-run-history.ts';
import { ROLLBACK_LEASE } from '../../shared/flows/leases.ts';
import { complete } from '../../shared/flows/complete.ts';
import { detectGaps } from '../../shared/flows/detect-gaps.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { makePlan } from '../../shared/flows/recover.ts';
import { planRollback, type RollbackPlan, type RollbackScope } from '../../shared/flows/rollback-plan.ts';
import { rollBack, type RolledBack } from '../../shared/flows/rollback.ts';
import { advanceBackfill } from '../../shared/flows/staged.ts';
import { orderBackfill, startBackfill } from '../../shared/flows/staged-orders.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { statusOf } from '../../shared/gaps/facts.ts';
import { compilePipeline } from '../../shared/pipeline/compile.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { ProcessorRunner, RunAnswer, RunOrder } from '../../shared/ports/processor-runner.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import type { CellRecord } from '../../shared/requests/cell.ts';
import { phaseCompleteSchema } from '../../shared/requests/messages.ts';
import { planStage } from '../../shared/staged/plan.ts';
import type { Asked, BackfillRecord } from '../../shared/staged/record.ts';
import { paused } from '../../shared/staged/transitions.ts';
import { callsUnderWay, Fuse } from '../simulation/crash.ts';
import { miniBench, type Bench } from '../simulation/convergence.ts';
import { miniOnDuckDb } from '../simulation/duckdb-bench.ts';
import { miniDefinition } from '../simulation/mini-pipeline.ts';
import { inManualTime, Outside, SimulatedRunner, Site } from '../simulation/site.ts';
import { asked, definitionOf } from '../staged/builders.ts';

const kim = { by: 'kim', reason: 'the new version counts points twice' };
const [FROM, TO] = ['2024-01-08', '2024-01-12'] as const;
const STAGES = [{ name: 'raw', phases: ['phase_2_raw'], concurrency: 5 }, { name: 'analytics', phases: ['phase_3_analytics'], concurrency: 5 }];
/** What the backfill below overwrites. */
const OVERWRITTEN = ['Box', 'Context', 'TeamForm'];

/** The mini pipeline with another version of its code. */
function versioned(version: string): Pipeline {
  const definition = miniDefinition();
  const processors = Object.fromEntries(Object.entries(definition.processors).map(([name, one]) => [name, OVERWRITTEN.includes(name) ? { ...one, code_version: version } : one]));
  return compilePipeline({ ...definition, processors }, { directory: '', sql: new Map() });
}

/** Runs what the mini pipeline runs; while it is `bad`, with the points doubled. */
class Versioned implements ProcessorRunner {
  bad = 0;
  readonly #runner: SimulatedRunner;

  constructor(outside: Outside) {
    this.#runner = new SimulatedRunner(outside, Fuse.never());
  }

  async run(order: RunOrder): Promise<RunAnswer> {
    const answer = await this.#runner.run(order);
    if (this.bad === 0 || answer.kind !== 'rows') return answer;
    return { kind: 'rows', rows: answer.rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, name.startsWith('points') && typeof value === 'number' ? value + this.bad : value]))) };
  }
  cancel(): Promise<null> { return this.#runner.cancel(); }
  sourceHas(): Promise<'unknown'> { return this.#runner.sourceHas(); }
}

describe('flows/rollback', () => {
  let bench: Bench;
  let outside: Outside;
  let runner: Versioned;
  let site: Site;

  async function open(fuse = Fuse.never()): Promise<void> {
    const pipeline = runner.bad === 0 ? bench.pipeline : versioned(`version ${runner.bad}`);
    site = await Site.open({ pipeline, databasePath: bench.databasePath, warehouse: bench.warehouse, clock: bench.clock, outside, runner, lanes: 2, fuse });
  }
  beforeEach(async () => {
    bench = await miniOnDuckDb(false);
    outside = new Outside();
    runner = new Versioned(outside);
    await open();
  });
  afterEach(async () => {
    site.close();
    await bench.dispose();
  });

  const wait = <T>(work: Promise<T>): Promise<T> => inManualTime(bench.clock, work);
  async function tables(): Promise<ReadonlyMap<string, readonly Row[]>> {
    const [from, to] = [bench.days[0]!, bench.days.at(-1)!];
    return new Map(await Promise.all(bench.pipeline.processors.map(async (processor) => [processor.name, await bench.warehouse.rows(processor, { from, to }, null)] as const)));
  }
  async function backfill(changes: Partial<Asked> = {}): Promise<BackfillRecord> {
    const { id } = await startBackfill(site.engine, definitionOf(STAGES), { ...asked(FROM, TO), at: bench.clock.now(), reprocess: 'completed', ...changes }, '2024');
    const record = await wait(advanceBackfill(site.engine, id, { signal: site.stop.signal }));
    assert.equal(record?.state, 'finished', record?.note);
    return record;
  }
  async function deploy(bad: number): Promise<void> {
    runner.bad = bad;
    site.close();
    await open();
  }
  /** Backfills by a version that is wrong, and stays deployed. */
  async function badBackfill(bad = 100, changes: Partial<Asked> = {}): Promise<string> {
    await deploy(bad);
    return (await backfill(changes)).id;
  }
  const scopeOf = (backfillId: string | null, changes: Partial<RollbackScope> = {}): RollbackScope => ({ backfillId, day: null, processors: null, force: false, deletes: false, ...changes });
  async function back(scope: RollbackScope, signal = site.stop.signal): Promise<RolledBack & { readonly plan: RollbackPlan }> {
    const plan = await planRollback(site.engine, scope);
    return { plan, ...await wait(rollBack(site.engine, plan, scope, { ...kim, signal })) };
  }
  const counts = ({ cells }: RolledBack): Readonly<Record<string, number>> => Object.fromEntries(Map.groupBy(cells, (cell) => cell.outcome === 'left' ? (cell.decision.kind === 'refuse' ? cell.decision.code : cell.decision.kind) : cell.outcome).entries().map(([key, cells]) => [key, cells.length] as const));
  const record = (processor: string, date: string): Promise<CellRecord> => site.store.cell({ processor, day: dayOf(date) });
  const status = (processor: string, date: string): string => statusOf(factsOf(site.engine.world, site.processor(processor), dayOf(date)));
  const loses = (processor: string, day: Day) => bench.change(site.processor(processor), day, null);

  it('brings back what a bad version overwrote, row for row, with the old trace, and holds it', async () => {
    const before = await tables();
    const last = (await record('TeamForm', FROM)).last;
    const id = await badBackfill();
    const bad = await tables();
    assert.deepEqual(OVERWRITTEN.filter((name) => JSON.stringify(bad.get(name)) === JSON.stringify(before.get(name))), [], 'it was bad indeed');
    const result = await back(scopeOf(id));
    assert.deepEqual(counts(result), { restored: result.cells.length });
    assert.deepEqual(new Set(result.cells.map(({ processor }) => processor)), new Set(OVERWRITTEN));
    assert.deepEqual(await tables(), before);
    const { last: now, failure, request, overwrites } = await record('TeamForm', FROM);
    assert.deepEqual(now, last);
    assert.deepEqual([failure?.outcome, failure?.coolsUntil, request], ['rolled_back', null, null]);
    assert.match(failure?.message ?? '', /rolled back by kim: the new version counts points twice/);
    assert.equal(overwrites?.[0]?.rolledBack?.by, 'kim');
    await site.engine.reread();
    assert.equal(status('TeamForm', FROM), 'held');
    const alert = site.alerts.at(-1);
    assert.deepEqual([alert?.severity, alert?.event], ['critical', 'rolled_back']);
    assert.match(alert?.title ?? '', new RegExp(`^${id} rolled back: ${result.cells.length} cells have their rows of before, 0 have none`));
    assert.equal((await site.store.leases()).some(({ name }) => name === ROLLBACK_LEASE), false);
    const entry = (await site.store.backfill(id))?.journal.at(-1);
    assert.deepEqual([entry?.by, entry?.event, entry?.text], ['kim', 'rollback', `${kim.reason}: ${result.cells.length} cells have their rows of before, 0 have none`]);
  });

  it('twice is once', async () => {
    const id = await badBackfill();
    await back(scopeOf(id));
    const [rows, runs, alerts] = [await tables(), outside.runs.length, site.alerts.length];
    const again = await back(scopeOf(id));
    assert.deepEqual(counts(again), { done: again.cells.length });
    assert.match(again.cells[0]?.decision.kind === 'done' ? again.cells[0].decision.reason : '', /rolled back already, by kim at 2024-/);
    assert.deepEqual([await tables(), outside.runs.length, site.alerts.length], [rows, runs, alerts]);
  });

  it('stays held where a message of the run that it undid comes late, or twice', async () => {
    const id = await badBackfill();
    const run = (await record('TeamForm', FROM)).last?.runId;
    await back(scopeOf(id));
    const before = await record('TeamForm', FROM);
    const message = phaseCompleteSchema.parse({ phase: site.processor('TeamForm').phase.name, processor_name: 'TeamForm', game_date: FROM, status: 'success', run_id: run, backfill_mode: true });
    assert.partialDeepStrictEqual(await complete(site.engine, message, 'late'), { kind: 'recorded', external: false });
    assert.deepEqual(await record('TeamForm', FROM), before);
  });

  it('tells of what is back, and of its end, also where the state can not be written any more', async () => {
    const id = await badBackfill();
    const scope = scopeOf(id);
    const plan = await planRollback(site.engine, scope);
    const { engine } = site;
    const change = engine.change.bind(engine);
    let ended = 0;
    engine.change = (reads, decide) => (ended < 3 ? change(reads, decide) : Promise.reject(new Error('no state')));
    const broken = rollBack(engine, plan, scope, { ...kim, signal: site.stop.signal, on: () => { ended += 1; } });
    await assert.rejects(wait(broken), /no state/);
    const [begun, over] = site.alerts.filter(({ event }) => event.startsWith('roll'));
    assert.deepEqual([begun?.event, begun?.severity, begun?.command], ['rollback_begun', 'warning', `smart-backfill rollback --backfill ${id} --dry-run`]);
    assert.match(begun?.title ?? '', new RegExp(`^${id}: a rollback of ${plan.steps.length} cells has begun`));
    assert.match(over?.title ?? '', new RegExp(`^${id} rolled back: 3 cells have their rows of before`));
    assert.match(over?.lines.join('\n') ?? '', /broken off: no state/);
    const entry = (await site.store.backfill(id))?.journal.at(-1);
    assert.deepEqual([entry?.event, entry?.text], ['rollback', `${kim.reason}: a rollback of ${plan.steps.length} cells begins`]);
  });

  it('adds a row of history, and takes none away', async () => {
    const id = await badBackfill();
    const history = () => new SqliteRunHistory(site.database).runs({ limit: 10_000 });
    const before = await history();
    const result = await back(scopeOf(id));
    const after = await history();
    assert.deepEqual(after.slice(-before.length), before);
    const added = after.filter((row) => row.status === 'rolled_back');
    assert.equal(added.length, result.cells.length);
    const metadata: unknown = JSON.parse(added[0]?.metadata ?? '{}');
    assert.partialDeepStrictEqual(metadata, { by: 'kim', backfill_id: id, rows_from: 'kept' });
  });

  it('empties a date that had no rows, and it stays empty: no detector fills it again', async () => {
    const day = dayOf('2024-01-09');
    for (const name of OVERWRITTEN) await loses(name, day);
    await site.engine.reread();
    const before = await tables();
    const id = await badBackfill(100, { reprocess: 'none' });
    const result = await back(scopeOf(id));
    assert.deepEqual(await tables(), before);
    assert.equal(counts(result)['emptied'], 3, 'what reads them was overwritten, and is restored');
    const runs = outside.runs.length;
    for (let hours = 0; hours < 48; hours += 12) {
      bench.clock.advance(12 * 3_600_000);
      await wait(detectGaps(site.engine, { from: bench.days[0]!, to: bench.days.at(-1)!, signal: site.stop.signal }));
    }
    assert.deepEqual(outside.runs.slice(runs).filter((cell) => cell.endsWith('2024-01-09') && OVERWRITTEN.some((name) => cell.startsWith(name))), []);
    assert.equal(status('Box', '2024-01-09'), 'held');
    assert.deepEqual((await tables()).get('Box'), before.get('Box'));
  });

  it('stays held where what it reads is rolled back after it, phase by phase in the other order', async () => {
    const day = dayOf('2024-01-09');
    for (const name of OVERWRITTEN) await loses(name, day);
    await site.engine.reread();
    const id = await badBackfill(100, { reprocess: 'none' });
    await back(scopeOf(id, { processors: new Set(['TeamForm', 'Context']) }));
    await back(scopeOf(id, { processors: new Set(['Box']) }));
    await site.engine.reread();
    assert.deepEqual(OVERWRITTEN.map((name) => status(name, '2024-01-09')), ['held', 'held', 'held']);
    const runs = outside.runs.length;
    await wait(detectGaps(site.engine, { from: bench.days[0]!, to: bench.days.at(-1)!, signal: site.stop.signal }));
    assert.deepEqual(outside.runs.slice(runs).filter((cell) => cell.endsWith('2024-01-09') && OVERWRITTEN.some((name) => cell.startsWith(name))), []);
  });

  it('is taken up again by a person, by a staged backfill that is started, and when what it reads changes', async () => {
    const day = dayOf('2024-01-09');
    await loses('Box', day);
    await site.engine.reread();
    const id = await badBackfill(100, { reprocess: 'none', from: day, to: day });
    await back(scopeOf(id));
    const scope = { from: day, to: day, processors: new Set(['Box']) };
    const [held] = (await makePlan(site.engine, { scope, by: 'detector', all: false, altered: 'policy' })).leftOut;
    assert.deepEqual([held?.code, held?.reason.startsWith('its last run rolled_back: ')], ['held', true]);
    assert.deepEqual((await makePlan(site.engine, { scope, by: 'person', all: true, altered: 'policy' })).steps.filter(({ action }) => action !== 'check').map(({ processor, action }) => [processor, action]), [['Box', 'fill']]);
    const next = await startBackfill(site.engine, definitionOf(STAGES), { ...asked(FROM, TO), at: bench.clock.now() }, 'next');
    assert.ok(planStage(site.engine.world, next, 0).cells.some((cell) => cell.processor === 'Box' && cell.day === day && cell.action === 'fill'));
    await orderBackfill(site.engine, next.id, (current, now) => paused(current, kim, now));
    await bench.change(site.processor('BoxPage'), day, (await bench.warehouse.rows(site.processor('BoxPage'), { from: day, to: day }, null)).map((row) => ({ ...row, points: 1 })));
    await site.engine.reread();
    assert.notEqual(status('Box', '2024-01-09'), 'held', 'another page is another input');
  });

  it('says who is stale because of it, with the command that redoes those and no others', async () => {
    const id = await badBackfill();
    await wait(detectGaps(site.engine, { from: bench.days[0]!, to: bench.days.at(-1)!, signal: site.stop.signal }));
    const { plan, readers } = await back(scopeOf(id));
    assert.deepEqual(plan.readers.stale, [], 'before it, nobody was');
    assert.deepEqual(readers.stale.map(({ processor }) => processor).filter((name) => ['Features', 'Ratings', 'Outlook'].includes(name)).toSorted(), ['Features', 'Outlook', 'Ratings']);
    assert.ok(readers.stale.every(({ processor }) => plan.readers.reading.some((reader) => reader.processor === processor)), 'the plan had named them');
    assert.match(site.alerts.at(-1)?.command ?? '', /^smart-backfill recover --processor \S*Features\S* --from 2024-01-08 --to 2024-01-/);
    assert.match(site.alerts.at(-1)?.lines.join('\n') ?? '', /Features: \d+ cells are stale because of it/);
  });

  it('refuses rows that somebody has changed since, and restores them too with --force', async () => {
    const before = await tables();
    const id = await badBackfill();
    const box = site.processor('Box');
    const day = dayOf(FROM);
    await bench.change(box, day, (await bench.warehouse.rows(box, { from: day, to: day }, null)).map((row) => ({ ...row, points: 7 })));
    const result = await back(scopeOf(id));
    const [left, ...others] = result.cells.filter((cell) => cell.outcome === 'left');
    assert.deepEqual([left?.processor, left?.day, others], ['Box', day, []]);
    assert.match(left?.decision.kind === 'refuse' ? left.decision.reason : '', /its rows are not those that \S+ wrote: somebody has changed them since; --force restores all the same/);
    assert.deepEqual((await bench.warehouse.rows(box, { from: day, to: day }, ['points'])).every((row) => row['points'] === 7), true);
    assert.match(site.alerts.at(-1)?.lines.join('\n') ?? '', /1 cells were not rolled back/);
    const forced = await back(scopeOf(id, { force: true }));
    assert.deepEqual(counts(forced), { done: result.cells.length - 1, restored: 1 });
    assert.deepEqual(await tables(), before);
  });

  it('rolls back one backfill after the other, the newest first', async () => {
    const first = await tables();
    const one = await badBackfill(100);
    const second = await tables();
    const two = await badBackfill(200);
    const wrong = await back(scopeOf(one));
    assert.deepEqual(counts(wrong), { newer: wrong.cells.length });
    assert.match(wrong.cells[0]?.decision.kind === 'refuse' ? wrong.cells[0].decision.reason : '', new RegExp(`${two} wrote it after ${one}: roll that one back first \\(smart-backfill rollback --backfill ${two}\\)`));
    await back(scopeOf(two));
    assert.deepEqual(await tables(), second);
    await back(scopeOf(one));
    assert.deepEqual(await tables(), first);
  });

  it('by force goes back past a newer one, whose rows are gone with it', async () => {
    const first = await tables();
    const one = await badBackfill(100);
    const two = await badBackfill(200);
    await back(scopeOf(one, { force: true }));
    assert.deepEqual(await tables(), first);
    const rest = await back(scopeOf(two));
    assert.deepEqual(counts(rest), { done: rest.cells.length });
  });

  it('brings back what was there before a backfill that wrote the same cells twice', async () => {
    const before = await tables();
    const id = await badBackfill(100);
    await deploy(200);
    const { engine } = site;
    await engine.refresh(dayOf(FROM), dayOf(TO));
    await openAsk(engine, {
      id: 'second', asker: 'backfill', by: 'kim', reason: '', at: bench.clock.now(), priority: 'low', reprocess: 'completed', force: false, skipDownstreamTrigger: true, isBackfill: true, planId: null, backfillId: id,
      summary: '', refused: null,
    }, [{ processor: 'Box', day: dayOf(FROM) }]);
    await wait(site.worker.ring(site.stop.signal));
    assert.equal((await record('Box', FROM)).overwrites?.length, 1);
    await back(scopeOf(id));
    assert.deepEqual(await tables(), before);
  });

  it('brings back what it overwrote by a request that was open before it', async () => {
    const before = await tables();
    await deploy(100);
    const { engine } = site;
    await engine.refresh(dayOf(FROM), dayOf(TO));
    const common = { by: 'ann', reason: '', at: bench.clock.now(), priority: 'low', force: false, skipDownstreamTrigger: true, isBackfill: true, planId: null, summary: '', refused: null } as const;
    await openAsk(engine, { ...common, id: 'by-hand', asker: 'person', reprocess: 'completed', backfillId: null }, [{ processor: 'Box', day: dayOf(FROM) }]);
    await openAsk(engine, { ...common, id: 'staged', asker: 'backfill', reprocess: 'completed', backfillId: 'winter' }, [{ processor: 'Box', day: dayOf(FROM) }]);
    await wait(site.worker.ring(site.stop.signal));
    const result = await back(scopeOf('winter'));
    assert.deepEqual(counts(result), { restored: 1 });
    assert.deepEqual(await tables(), before);
  });

  it('of one date and some processors, whoever overwrote them', async () => {
    const before = await tables();
    await badBackfill();
    const bad = await tables();
    const result = await back(scopeOf(null, { day: dayOf(FROM), processors: new Set(['TeamForm', 'Context', 'Ratings']) }));
    assert.deepEqual(result.cells.map(({ processor, outcome, decision }) => [processor, outcome, decision.kind === 'refuse' ? decision.code : decision.kind]), [
      ['Ratings', 'left', 'nothing_kept'], ['TeamForm', 'restored', 'restore'], ['Context', 'restored', 'restore'],
    ].sort((a, b) => site.processor(a[0]!).rank - site.processor(b[0]!).rank).sort((a, b) => (a[1] === 'left' ? -1 : b[1] === 'left' ? 1 : 0)));
    const now = await tables();
    assert.deepEqual(now.get('Box'), bad.get('Box'));
    const at = (rows: readonly Row[] | undefined) => rows?.filter((row) => row['game_date'] === FROM);
    assert.deepEqual(at(now.get('TeamForm')), at(before.get('TeamForm')));
  });

  it('takes rows away where nothing is kept, and only if that is asked for', async () => {
    const scope = scopeOf(null, { day: dayOf(FROM), processors: new Set(['TeamForm']) });
    const refused = await back(scope);
    assert.match(refused.cells[0]?.decision.kind === 'refuse' ? refused.cells[0].decision.reason : '', /no backfill is known to have written it.*--delete takes its rows away/);
    const { cells, readers } = await back({ ...scope, deletes: true });
    assert.deepEqual(cells.map(({ outcome }) => outcome), ['emptied']);
    await site.engine.reread();
    assert.equal(status('TeamForm', FROM), 'held');
    assert.ok(readers.stale.some(({ processor }) => processor === 'Features'), 'who read rows that are gone now');
    const runs = outside.runs.length;
    await wait(detectGaps(site.engine, { from: bench.days[0]!, to: bench.days.at(-1)!, signal: site.stop.signal }));
    assert.deepEqual(outside.runs.slice(runs).filter((cell) => cell === `TeamForm ${FROM}`), []);
  });

  it('is held back while the backfill runs, while another rollback does, and of an unknown one refused', async () => {
    const { id } = await startBackfill(site.engine, definitionOf(STAGES), { ...asked(FROM, TO), at: bench.clock.now() }, '2024');
    await assert.rejects(planRollback(site.engine, scopeOf(id)), new RegExp(`backfill ${id} is running: .*first: smart-backfill backfill pause ${id} --reason`));
    await orderBackfill(site.engine, id, (current, now) => ({ ...current, state: 'paused', note: 'a quota is used up', goesOn: { since: now, at: now + 1000 } }));
    await assert.rejects(planRollback(site.engine, scopeOf(id)), new RegExp(`backfill ${id} goes on by itself \\(a quota is used up\\): .*first: smart-backfill backfill pause ${id} --reason`));
    await assert.rejects(planRollback(site.engine, scopeOf('whole-2042')), /received the backfill 'whole-2042', of which nothing is known/);
    await orderBackfill(site.engine, id, (current, now) => paused(current, kim, now));
    assert.deepEqual((await planRollback(site.engine, scopeOf(id))).steps, []);
  });

  it('leaves a cell alone on which a request is open', async () => {
    const id = await badBackfill();
    await openAsk(site.engine, {
      id: 'by-hand', asker: 'person', by: 'kim', reason: 'again', at: bench.clock.now(), priority: 'normal', reprocess: 'completed', force: false, skipDownstreamTrigger: true, isBackfill: true, planId: null, backfillId: null,
      summary: '', refused: null,
    }, [{ processor: 'TeamForm', day: dayOf(FROM) }]);
    const result = await back(scopeOf(id));
    assert.deepEqual(result.cells.filter((cell) => cell.outcome === 'left').map(({ processor, day, decision }) => [processor, formatDay(day), decision.kind === 'refuse' && decision.code]), [['TeamForm', FROM, 'open']]);
  });

  it('stops when it is told to, and goes on with what is left', async () => {
    const before = await tables();
    const id = await badBackfill();
    const scope = scopeOf(id);
    const plan = await planRollback(site.engine, scope);
    const stop = new AbortController();
    let ended = 0;
    const first = await wait(rollBack(site.engine, plan, scope, { ...kim, signal: stop.signal, on: () => { if ((ended += 1) === 3) stop.abort(); } }));
    assert.equal(first.interrupted, true);
    const second = await back(scope);
    assert.equal((counts(second)['restored'] ?? 0) + first.cells.filter(({ outcome }) => outcome === 'restored').length, plan.steps.length);
    assert.deepEqual(await tables(), before);
  });

  it('survives a crash between any two steps, of the backfill and of the rollback', async function crashes() {
    this.timeout(180_000);
    site.close();
    await bench.dispose();
    bench = await miniBench(false);
    await open();
    const before = await tables();
    const day = dayOf(FROM);
    const narrow = { from: day, to: day };
    let [died, calls] = [0, 0];
    for (const when of [true, false]) {
      for (let call = 1; ; call += 1) {
        calls += 1;
        const start = await startBackfill(site.engine, definitionOf(STAGES), { ...asked(FROM, TO), at: bench.clock.now(), reprocess: 'completed', ...narrow }, `crash-${when}-${call}`);
        runner.bad = 100 + calls;
        site.close();
        const fuse = new Fuse(call, when);
        await open(fuse).catch(() => undefined);
        await wait(advanceBackfill(site.engine, start.id, { signal: site.stop.signal })).catch(() => undefined);
        if (!fuse.blown) await back(scopeOf(start.id)).catch(() => undefined);
        while (callsUnderWay() > 0) await new Promise((resolve) => { setImmediate(resolve); });
        site.close();
        await open();
        await wait(advanceBackfill(site.engine, start.id, { signal: site.stop.signal }));
        await sweep(site.engine);
        const result = await back(scopeOf(start.id));
        assert.deepEqual(result.cells.filter(({ outcome, decision }) => outcome === 'failed' || decision.kind === 'refuse'), [], `call ${call}`);
        assert.deepEqual(await tables(), before, `call ${call}, ${when ? 'before' : 'after'} it took effect`);
        assert.deepEqual(await site.store.openCells(), []);
        if (!fuse.blown) break;
        died += 1;
        // Each round starts from cells that nothing holds.
        bench.clock.advance(60_000);
      }
    }
    assert.ok(died > 60, `${died} crashes`);
  });
});
