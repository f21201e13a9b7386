import assert from 'node:assert/strict';
import { launcher, Sandbox, type Ended } from '../cli/harness.ts';
import { nbaPipeline } from '../pipelines/nba/built-season.ts';
import { pipelineDirectory } from '../pipelines/nba/support.ts';
import { buildHistory, expectedCells, FIRST, historyOf, LAST } from './historical-state.ts';
import { historyRows } from './embedded-operator.ts';
import { shownBy } from './operator.ts';

/** The last date on which every processor has games: the definition ends with it again through all phases. */
const CANARY = '2024-04-14';
/** What reads other dates of phase 3 than its own, through how ever many tables. */
const READERS = new Set(['UpcomingTeamGameContextProcessor', 'TeamDefenseZoneAnalysisProcessor']);

/** Some 4,700 cells, minutes of work: `npm test` has the dry run, at full size, and the run of the first weeks; `npm run test:integration` has this. */
describe('the four years of the historical state of source document 004', function () {
  this.timeout(900_000);
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
    // Its own-game summaries of that date had been rough figures: who has read them is run once more.
    const [ofCanary, others] = [true, false].map((is) => runs.filter((row) => row.created_at >= validation && (row.data_date === CANARY) === is));
    assert.ok(ofCanary && others);
    assert.deepEqual(cellsOf(ofCanary).sort(), nbaPipeline().processors.map(({ name }) => `${name} ${CANARY}`).sort());
    assert.equal(new Set(cellsOf(others)).size, others.length);
    assert.deepEqual(others.filter((row) => row.data_date < CANARY || !READERS.has(row.processor_name)), []);
    assert.equal((await run(state, 'verify', '--from', FIRST, '--to', LAST)).code, 0);
    assert.equal((await run(state, 'gaps', '--from', FIRST, '--to', LAST)).code, 0);
  });
});
