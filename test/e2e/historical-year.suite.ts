import assert from 'node:assert/strict';
import { launcher, Sandbox, type Ended } from '../cli/harness.ts';
import { nbaPipeline } from '../pipelines/nba/built-season.ts';
import { pipelineDirectory } from '../pipelines/nba/support.ts';
import { buildHistory, expectedCells, FIRST, historyOf, LAST } from './historical-state.ts';
import { historyRows } from './embedded-operator.ts';
import { shownBy } from './operator.ts';

const TO = '2021-12-31';

/**
 * The first of its four years. All of them are 4,700 cells, some minutes of work: `npm test` has their dry run, at full size,
 * and the run of the first weeks; `npm run test:integration` has this.
 */
describe('the year 2021 of the historical state of source document 004', function () {
  this.timeout(900_000);
  const sandbox = new Sandbox();
  after(() => sandbox.remove());

  const run = (state: string, ...words: readonly string[]): Promise<Ended> => sandbox.start([...words, '--pipeline', pipelineDirectory, '--state', state, '--now', '2024-11-29'], { script: launcher }).ended;

  it('ends at 100 %, and runs each cell that was missing or suspect once, and no other', async () => {
    const state = sandbox.state();
    const all = await historyOf(FIRST, LAST);
    const history = await historyOf(FIRST, TO, new Set([...all.phase3].filter((date) => date <= TO)));
    assert.deepEqual([history.gameDates.length, history.phase3.size], [72, 34]);
    await buildHistory(state, history);
    const ended = await run(state, 'backfill', 'start', '--definition', 'season', '--from', FIRST, '--to', TO, '--reason', 'phases 3 and 4 were never finished', '--yes', '--json');
    assert.equal(ended.code, 0, ended.stderr);
    const record = shownBy(ended);
    assert.deepEqual([record.state, record.failures], ['finished', []]);
    assert.ok(record.stages.every((stage) => stage.gate?.passed !== false));
    const { calendar, analytics, suspect, precompute } = expectedCells(history);
    const validation = record.stages.at(-1)?.started_at ?? '';
    const runs = historyRows(state);
    const cellsOf = (rows: typeof runs): string[] => rows.map((row) => `${row.processor_name} ${row.data_date}`);
    assert.deepEqual(cellsOf(runs.filter((row) => row.created_at < validation)).sort(), [...calendar, ...analytics, ...suspect, ...precompute].sort());
    assert.deepEqual(cellsOf(runs.filter((row) => row.created_at >= validation)).sort(), nbaPipeline().processors.map(({ name }) => `${name} ${TO}`).sort());
    assert.equal((await run(state, 'verify', '--from', FIRST, '--to', TO)).code, 0);
    assert.equal((await run(state, 'gaps', '--from', FIRST, '--to', TO)).code, 0);
  });
});
