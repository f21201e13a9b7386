import assert from 'node:assert/strict';
import { z } from 'zod';
import { compareWarehouses } from '../../scripts/demo/proof.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { launcher, Sandbox, type Ended } from '../cli/harness.ts';
import { pipelineDirectory } from '../pipelines/nba/support.ts';
import { nbaPipeline } from '../pipelines/nba/built-season.ts';
import { historyRows } from './embedded-operator.ts';
import { recordSchema } from './operator.ts';
import { buildHistory, DOCUMENTED, expectedCells, FIRST, historyOf, LAST } from './historical-state.ts';

const planned = z.looseObject({ stages: z.array(z.looseObject({ stage: z.string(), cells: z.array(z.looseObject({ processor: z.string(), game_date: z.string(), action: z.string(), reason: z.string() })), left_out: z.array(z.looseObject({ processor: z.string(), game_date: z.string(), reason: z.string() })) })) });

describe('the historical state of source document 004', function () {
  this.timeout(600_000);
  const sandbox = new Sandbox();
  after(() => sandbox.remove());

  const run = (state: string, ...words: readonly string[]): Promise<Ended> => sandbox.start([...words, '--pipeline', pipelineDirectory, '--state', state, '--now', '2024-11-29'], { script: launcher }).ended;

  it('at its full size: the dry run lists exactly the missing and suspect cells', async () => {
    const state = sandbox.state();
    const history = await historyOf(FIRST, LAST);
    assert.deepEqual(DOCUMENTED.map(({ year }) => history.gameDates.filter((date) => date.startsWith(year)).length), DOCUMENTED.map(({ dates }) => dates));
    assert.equal(history.gameDates.length, 633);
    assert.deepEqual(DOCUMENTED.map(({ year }) => [...history.phase3].filter((date) => date.startsWith(year)).length), [34, 91, 112, 74]);
    await buildHistory(state, history);
    const dry = await run(state, 'backfill', 'start', '--definition', 'season', '--from', FIRST, '--to', LAST, '--dry-run', '--json');
    assert.equal(dry.code, 0, dry.stderr);
    const { stages } = planned.parse(JSON.parse(dry.stdout));
    const cellsOf = (name: string, ...actions: readonly string[]): string[] => stages.find(({ stage }) => stage === name)?.cells.filter(({ action }) => actions.includes(action)).map((cell) => `${cell.processor} ${cell.game_date}`).sort() ?? [];
    const expected = expectedCells(history);
    assert.deepEqual(cellsOf('preflight', 'fill', 'redo', 'rerun', 'check'), [...expected.calendar].sort());
    assert.deepEqual(cellsOf('raw', 'fill', 'redo', 'rerun', 'check'), []);
    assert.deepEqual(cellsOf('analytics', 'fill'), [...expected.analytics].sort());
    assert.deepEqual(cellsOf('analytics', 'redo'), [...expected.suspect].sort());
    assert.deepEqual(cellsOf('analytics', 'rerun', 'check'), []);
    assert.deepEqual(cellsOf('precompute', 'fill', 'redo', 'rerun', 'check'), [...expected.precompute].sort());
    // The definition ends with one date again through all phases.
    assert.deepEqual([...new Set(stages.at(-1)?.cells.map((cell) => `${cell.action} ${cell.game_date}`))], ['rerun 2024-04-14']);
  });

  it('in its first weeks: the run takes what the dry run has listed, each cell once, and ends at 100 %', async () => {
    const [from, to] = ['2021-10-19', '2021-11-03'];
    const state = sandbox.state();
    const history = await historyOf(from, to, new Set(['2021-10-19', '2021-10-20', '2021-10-21', '2021-10-22', '2021-10-23', '2021-10-24', '2021-10-28', '2021-10-29', '2021-10-30', '2021-11-02']));
    const whole = sandbox.state();
    const recovered = await run(whole, 'recover', '--from', from, '--to', to, '--all', '--yes', '--quiet');
    assert.equal(recovered.code, 0, recovered.stderr);
    await buildHistory(state, history, whole);
    const { calendar, analytics, suspect, precompute } = expectedCells(history);
    assert.ok(calendar.length === 0 && analytics.length > 20 && suspect.length > 5);
    const started = await run(state, 'backfill', 'start', '--definition', 'season', '--from', from, '--to', to, '--reason', 'phases 3 and 4 were never finished', '--yes', '--json');
    assert.equal(started.code, 0, started.stderr);
    const record = recordSchema.parse(JSON.parse(started.stdout));
    assert.deepEqual([record.state, record.failures], ['finished', []]);
    const validated = nbaPipeline().processors.map(({ name }) => `${name} ${to}`);
    assert.deepEqual(historyRows(state).map((row) => `${row.processor_name} ${row.data_date}`).sort(), [...analytics, ...suspect, ...precompute, ...validated].sort());
    const proofs = await compareWarehouses(nbaPipeline(), whole, state, dayOf(from), dayOf(to));
    assert.deepEqual(proofs.filter((proof) => proof.differing > 0 || proof.rows === 0), [], 'what was computed on incomplete history has been computed again');
    const verified = await run(state, 'verify', '--from', from, '--to', to);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.equal((await run(state, 'gaps', '--from', from, '--to', to)).code, 0);
  });
});
