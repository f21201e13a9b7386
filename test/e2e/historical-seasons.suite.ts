import assert from 'node:assert/strict';
import { launcher, Sandbox, type Ended } from '../cli/harness.ts';
import { nbaPipeline } from '../pipelines/nba/built-season.ts';
import { pipelineDirectory } from '../pipelines/nba/support.ts';
import { buildHistory, expectedCells, FIRST, historyOf, LAST } from './historical-state.ts';
import { historyRows, shownBy } from './operator.ts';

/** Three seasons at their real size: some minutes. `npm run test:integration` runs it; `npm test` has its dry run, and its first weeks. */
describe('the historical state of source document 004, run at its full size', function () {
  this.timeout(1_800_000);
  const sandbox = new Sandbox();
  after(() => sandbox.remove());

  const run = (state: string, ...words: readonly string[]): Promise<Ended> => sandbox.start([...words, '--pipeline', pipelineDirectory, '--state', state, '--now', '2024-11-29'], { script: launcher }).ended;

  it('ends at 100 %, and runs each cell that was missing or suspect once, and no other', async () => {
    const state = sandbox.state();
    const history = await historyOf(FIRST, LAST);
    await buildHistory(state, history);
    const ended = await run(state, 'backfill', 'start', '--definition', 'season', '--from', FIRST, '--to', LAST, '--reason', 'phases 3 and 4 were never finished', '--yes', '--json');
    assert.equal(ended.code, 0, ended.stderr);
    const record = shownBy(ended);
    assert.deepEqual([record.state, record.failures], ['finished', []]);
    assert.ok(record.stages.every((stage) => stage.gate?.passed !== false));
    const { calendar, analytics, suspect, precompute } = expectedCells(history);
    const validation = record.stages.at(-1)?.started_at ?? '';
    const runs = historyRows(state);
    const cellsOf = (rows: typeof runs): string[] => rows.map((row) => `${row.processor_name} ${row.data_date}`);
    assert.deepEqual(cellsOf(runs.filter((row) => row.created_at < validation)).sort(), [...calendar, ...analytics, ...suspect, ...precompute].sort());
    // The rough rows of phase 3 come out otherwise where the canary is run again: then what reads them is redone as well.
    const canary = cellsOf(runs.filter((row) => row.created_at >= validation));
    assert.equal(new Set(canary).size, canary.length);
    assert.deepEqual(canary.filter((cell) => cell.endsWith(' 2024-04-14')).sort(), nbaPipeline().processors.map(({ name }) => `${name} 2024-04-14`).sort());
    assert.ok(canary.every((cell) => cell.slice(-10) >= '2024-04-14'));
    assert.equal((await run(state, 'verify', '--from', FIRST, '--to', LAST)).code, 0);
    assert.equal((await run(state, 'gaps', '--from', FIRST, '--to', LAST)).code, 0);
  });
});
