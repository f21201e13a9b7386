import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { SqliteRunHistory } from '../../../shared/embedded/sqlite-run-history.ts';
import { ROLLBACK_LEASE } from '../../../shared/flows/leases.ts';
import { complete } from '../../../shared/flows/complete.ts';
import { openAsk } from '../../../shared/flows/open.ts';
import { planRollback } from '../../../shared/flows/rollback/plan.ts';
import { rollBack } from '../../../shared/flows/rollback/roll-back.ts';
import { orderBackfill } from '../../../shared/flows/staged/orders.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { phaseCompleteSchema } from '../../../shared/requests/messages.ts';
import { paused } from '../../../shared/staged/transitions.ts';
import { askOf } from '../../core-builders.ts';
import { counts, FROM, kim, OVERWRITTEN, RollbackBench, scopeOf } from './bench.ts';

describe('flows/rollback/roll-back', () => {
  let bench: RollbackBench;
  beforeEach(async () => { bench = await RollbackBench.open(); });
  afterEach(() => bench.close());

  it('brings back what a bad version overwrote, row for row, with the old trace, and holds it', async () => {
    const before = await bench.tables();
    const last = (await bench.record('TeamForm', FROM)).last;
    const id = await bench.badBackfill();
    const bad = await bench.tables();
    assert.deepEqual(OVERWRITTEN.filter((name) => JSON.stringify(bad.get(name)) === JSON.stringify(before.get(name))), [], 'it was bad indeed');
    const result = await bench.back(scopeOf(id));
    assert.deepEqual(counts(result), { restored: result.cells.length });
    assert.deepEqual(new Set(result.cells.map(({ processor }) => processor)), new Set(OVERWRITTEN));
    assert.deepEqual(await bench.tables(), before);
    const { last: now, failure, request, overwrites } = await bench.record('TeamForm', FROM);
    assert.deepEqual(now, last);
    assert.deepEqual([failure?.outcome, failure?.coolsUntil, request], ['rolled_back', null, null]);
    assert.match(failure?.message ?? '', /rolled back by kim: the new version counts points twice/);
    assert.equal(overwrites?.[0]?.rolledBack?.by, 'kim');
    await bench.site.engine.reread();
    assert.equal(bench.status('TeamForm', FROM), 'held');
    const alert = bench.site.alerts.at(-1);
    assert.deepEqual([alert?.severity, alert?.event], ['critical', 'rolled_back']);
    assert.match(alert?.title ?? '', new RegExp(`^${id} rolled back: ${result.cells.length} cells have their rows of before, 0 have none`));
    assert.equal((await bench.site.store.leases()).some(({ name }) => name === ROLLBACK_LEASE), false);
    const entry = (await bench.site.store.backfill(id))?.journal.at(-1);
    assert.deepEqual([entry?.by, entry?.event, entry?.text], ['kim', 'rollback', `${kim.reason}: ${result.cells.length} cells have their rows of before, 0 have none`]);
  });

  it('twice is once', async () => {
    const id = await bench.badBackfill();
    await bench.back(scopeOf(id));
    const [rows, runs, alerts] = [await bench.tables(), bench.outside.runs.length, bench.site.alerts.length];
    const again = await bench.back(scopeOf(id));
    assert.deepEqual(counts(again), { done: again.cells.length });
    assert.match(again.cells[0]?.decision.kind === 'done' ? again.cells[0].decision.reason : '', /rolled back already, by kim at 2024-/);
    assert.deepEqual([await bench.tables(), bench.outside.runs.length, bench.site.alerts.length], [rows, runs, alerts]);
  });

  it('stays held where a message of the run that it undid comes late, or twice', async () => {
    const id = await bench.badBackfill();
    const run = (await bench.record('TeamForm', FROM)).last?.runId;
    await bench.back(scopeOf(id));
    const before = await bench.record('TeamForm', FROM);
    const message = phaseCompleteSchema.parse({ phase: bench.site.processor('TeamForm').phase.name, processor_name: 'TeamForm', game_date: FROM, status: 'success', run_id: run, backfill_mode: true });
    assert.partialDeepStrictEqual(await complete(bench.site.engine, message, 'late'), { kind: 'recorded', external: false });
    assert.deepEqual(await bench.record('TeamForm', FROM), before);
  });

  it('tells of what is back, and of its end, also where the state can not be written any more', async () => {
    const id = await bench.badBackfill();
    const scope = scopeOf(id);
    const plan = await planRollback(bench.site.engine, scope);
    const { engine } = bench.site;
    const change = engine.change.bind(engine);
    let ended = 0;
    engine.change = (reads, decide) => (ended < 3 ? change(reads, decide) : Promise.reject(new Error('no state')));
    const broken = rollBack(engine, plan, scope, { ...kim, signal: bench.site.stop.signal, on: () => { ended += 1; } });
    await assert.rejects(bench.wait(broken), /no state/);
    const [begun, over] = bench.site.alerts.filter(({ event }) => event.startsWith('roll'));
    assert.deepEqual([begun?.event, begun?.severity, begun?.command], ['rollback_begun', 'warning', `smart-backfill rollback --backfill ${id} --dry-run`]);
    assert.match(begun?.title ?? '', new RegExp(`^${id}: a rollback of ${plan.steps.length} cells has begun`));
    assert.match(over?.title ?? '', new RegExp(`^${id} rolled back: 3 cells have their rows of before`));
    assert.match(over?.lines.join('\n') ?? '', /broken off: no state/);
    const entry = (await bench.site.store.backfill(id))?.journal.at(-1);
    assert.deepEqual([entry?.event, entry?.text], ['rollback', `${kim.reason}: a rollback of ${plan.steps.length} cells begins`]);
  });

  it('adds a row of history, and takes none away', async () => {
    const id = await bench.badBackfill();
    const history = () => new SqliteRunHistory(bench.site.database).runs({ limit: 10_000 });
    const before = await history();
    const result = await bench.back(scopeOf(id));
    const after = await history();
    assert.deepEqual(after.slice(-before.length), before);
    const added = after.filter((row) => row.status === 'rolled_back');
    assert.equal(added.length, result.cells.length);
    const metadata: unknown = JSON.parse(added[0]?.metadata ?? '{}');
    assert.partialDeepStrictEqual(metadata, { by: 'kim', backfill_id: id, rows_from: 'kept' });
  });

  it('of one date and some processors, whoever overwrote them', async () => {
    const before = await bench.tables();
    await bench.badBackfill();
    const bad = await bench.tables();
    const result = await bench.back(scopeOf(null, { day: dayOf(FROM), processors: new Set(['TeamForm', 'Context', 'Ratings']) }));
    assert.deepEqual(result.cells.map(({ processor, outcome, decision }) => [processor, outcome, decision.kind === 'refuse' ? decision.code : decision.kind]), [
      ['Ratings', 'left', 'nothing_kept'], ['TeamForm', 'restored', 'restore'], ['Context', 'restored', 'restore'],
    ].sort((a, b) => bench.site.processor(a[0]!).rank - bench.site.processor(b[0]!).rank).sort((a, b) => (a[1] === 'left' ? -1 : b[1] === 'left' ? 1 : 0)));
    const now = await bench.tables();
    assert.deepEqual(now.get('Box'), bad.get('Box'));
    const at = (rows: readonly Row[] | undefined) => rows?.filter((row) => row['game_date'] === FROM);
    assert.deepEqual(at(now.get('TeamForm')), at(before.get('TeamForm')));
  });

  it('is held back while the backfill runs, while another rollback does, and of an unknown one refused', async () => {
    const { id } = await bench.start();
    await assert.rejects(planRollback(bench.site.engine, scopeOf(id)), new RegExp(`backfill ${id} is running: .*first: smart-backfill backfill pause ${id} --reason`));
    await orderBackfill(bench.site.engine, id, (current, now) => ({ ...current, state: 'paused', note: 'a quota is used up', goesOn: { since: now, at: now + 1000 } }));
    await assert.rejects(planRollback(bench.site.engine, scopeOf(id)), new RegExp(`backfill ${id} goes on by itself \\(a quota is used up\\): .*first: smart-backfill backfill pause ${id} --reason`));
    await assert.rejects(planRollback(bench.site.engine, scopeOf('whole-2042')), /received the backfill 'whole-2042', which there is not/);
    await orderBackfill(bench.site.engine, id, (current, now) => paused(current, kim, now));
    assert.deepEqual((await planRollback(bench.site.engine, scopeOf(id))).steps, []);
  });

  it('leaves a cell alone on which a request is open', async () => {
    const id = await bench.badBackfill();
    await openAsk(bench.site.engine, askOf({ id: 'by-hand', by: 'kim', reason: 'again', at: bench.league.clock.now(), reprocess: 'completed' }), [{ processor: 'TeamForm', day: dayOf(FROM) }]);
    const result = await bench.back(scopeOf(id));
    assert.deepEqual(result.cells.filter((cell) => cell.outcome === 'left').map(({ processor, day, decision }) => [processor, formatDay(day), decision.kind === 'refuse' && decision.code]), [['TeamForm', FROM, 'open']]);
  });

  it('stops when it is told to, and goes on with what is left', async () => {
    const before = await bench.tables();
    const id = await bench.badBackfill();
    const scope = scopeOf(id);
    const plan = await planRollback(bench.site.engine, scope);
    const stop = new AbortController();
    let ended = 0;
    const first = await bench.wait(rollBack(bench.site.engine, plan, scope, { ...kim, signal: stop.signal, on: () => { if ((ended += 1) === 3) stop.abort(); } }));
    assert.equal(first.interrupted, true);
    const second = await bench.back(scope);
    assert.equal((counts(second)['restored'] ?? 0) + first.cells.filter(({ outcome }) => outcome === 'restored').length, plan.steps.length);
    assert.deepEqual(await bench.tables(), before);
  });
});
