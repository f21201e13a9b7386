import assert from 'node:assert/strict';
import { formatDay } from '../../../shared/calendar/day.ts';
import type { Asked, BackfillRecord, BackfillState } from '../../../shared/staged/record.ts';
import type { ErrorPolicy } from '../../../shared/staged/schema.ts';
import { resumed } from '../../../shared/staged/transitions.ts';
import { cellName, reachableFrom } from '../../simulation/mini-pipeline.ts';
import { broken, EmptySeason, kim, lost, SEASON_STAGES } from './empty-season.ts';

const MEMORY = { type: 'MemoryError', message: 'Resources exceeded during query execution' };
type Thrown = typeof broken;

interface Case {
  readonly what: string;
  readonly policy: ErrorPolicy;
  readonly order?: 'parallel' | 'by_date';
  readonly retries?: number;
  readonly asked?: Partial<Asked>;
  /** By cell: how its next runs end. */
  readonly failing: Readonly<Record<string, readonly Thrown[]>>;
  readonly ends: BackfillState;
  /** Cells that are out of retries. */
  readonly failed: readonly string[];
  /** Everything that reads these has no rows either; null: what else was run is not fixed. */
  readonly without: readonly string[] | null;
  /** Of the cells without rows: what the record says of them. */
  readonly readers?: 'skipped' | 'open' | 'not tried';
}

const CASES: readonly Case[] = [
  { what: 'stop, a bug', policy: 'stop', failing: { 'Box 2024-01-05': [broken] }, ends: 'stopped', failed: ['Box 2024-01-05'], without: null },
  { what: 'stop, date by date', policy: 'stop', order: 'by_date', failing: { 'TeamForm 2024-01-08': [broken] }, ends: 'stopped', failed: ['TeamForm 2024-01-08'], without: null },
  { what: 'stop, one cell at a time', policy: 'stop', asked: { concurrency: 1 }, failing: { 'BoxPage 2024-01-02': [broken] }, ends: 'stopped', failed: ['BoxPage 2024-01-02'], without: null },
  { what: 'stop, a lost connection once too often', policy: 'stop', retries: 2, failing: { 'Box 2024-01-05': [lost, lost, lost] }, ends: 'stopped', failed: ['Box 2024-01-05'], without: null },
  { what: 'stop, a lost connection within its retries', policy: 'stop', retries: 2, failing: { 'Box 2024-01-05': [lost, lost] }, ends: 'finished', failed: [], without: [] },
  { what: 'stop, memory within its retries', policy: 'stop', retries: 1, failing: { 'Box 2024-01-05': [MEMORY] }, ends: 'finished', failed: [], without: [] },
  { what: 'stop, no retry at all', policy: 'stop', retries: 0, failing: { 'Box 2024-01-05': [MEMORY] }, ends: 'stopped', failed: ['Box 2024-01-05'], without: null },
  { what: 'continue, two bugs', policy: 'continue', failing: { 'Box 2024-01-05': [broken], 'TeamForm 2024-01-15': [broken] }, ends: 'gate_held', failed: ['Box 2024-01-05', 'TeamForm 2024-01-15'], without: ['Box 2024-01-05', 'TeamForm 2024-01-15'], readers: 'open' },
  { what: 'continue, date by date', policy: 'continue', order: 'by_date', failing: { 'Box 2024-01-05': [broken] }, ends: 'gate_held', failed: ['Box 2024-01-05'], without: ['Box 2024-01-05'], readers: 'open' },
  { what: 'continue, one retry and two lost connections', policy: 'continue', retries: 1, failing: { 'Box 2024-01-18': [lost, lost], 'Box 2024-01-17': [lost] }, ends: 'gate_held', failed: ['Box 2024-01-18'], without: ['Box 2024-01-18'], readers: 'open' },
  { what: 'skip-deps, a page', policy: 'skip-deps', failing: { 'BoxPage 2024-01-12': [broken] }, ends: 'gate_held', failed: ['BoxPage 2024-01-12'], without: ['BoxPage 2024-01-12'], readers: 'skipped' },
  { what: 'skip-deps, a page and one of its readers', policy: 'skip-deps', order: 'by_date', failing: { 'BoxPage 2024-01-12': [broken], 'Box 2024-01-12': [broken], 'TeamForm 2024-01-03': [broken] }, ends: 'gate_held', failed: ['BoxPage 2024-01-12', 'TeamForm 2024-01-03'], without: ['BoxPage 2024-01-12', 'TeamForm 2024-01-03'], readers: 'skipped' },
  { what: 'skip-deps of the order to start, over the definition’s stop', policy: 'stop', asked: { errorPolicy: 'skip-deps' }, failing: { 'Box 2024-01-18': [broken] }, ends: 'gate_held', failed: ['Box 2024-01-18'], without: ['Box 2024-01-18'], readers: 'skipped' },
  { what: 'continue with at most two failures', policy: 'continue', asked: { maxFailures: 2, concurrency: 1 }, failing: { 'BoxPage 2024-01-17': [broken], 'BoxPage 2024-01-18': [broken], 'BoxPage 2024-01-19': [broken] }, ends: 'stopped', failed: ['BoxPage 2024-01-17', 'BoxPage 2024-01-18'], without: null },
  { what: 'skip-deps with at most two failures, of which skipped cells are none', policy: 'skip-deps', asked: { maxFailures: 2, concurrency: 1 }, failing: { 'BoxPage 2024-01-12': [broken] }, ends: 'gate_held', failed: ['BoxPage 2024-01-12'], without: ['BoxPage 2024-01-12'], readers: 'skipped' },
];

const PHASES = ['phase_1_scrapers', 'phase_2_raw', 'phase_3_analytics'];
const cellsOf = (record: BackfillRecord, became: 'open' | 'skipped', reads: boolean): string[] =>
  record.failures.filter((failure) => failure.became === became && (failure.category === 'defensive_block') === reads).map((failure) => `${failure.processor} ${formatDay(failure.day)}`).sort();

describe('flows/staged: error policies', function () {
  this.timeout(60_000);
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  for (const { what, policy, order = 'parallel', retries = 1, asked, failing, ends, failed, without, readers } of CASES) {
    it(`${what}: ends ${ends.replace('_', ' ')}, and one resume runs exactly what is left`, async () => {
      const stages = [SEASON_STAGES[0]!, { name: 'rest', phases: PHASES, order, retries, error_policy: policy, gate: { coverage_percent: 100 } }];
      for (const [cell, errors] of Object.entries(failing)) season.outside.fail(cell, ...errors);
      const { id } = await season.start([{ ...stages[0]!, error_policy: policy }, stages[1]!], asked);
      // What may still start once a cell is out of retries under `stop`: only what had its request by then.
      let open: ReadonlySet<string> | null = null;
      let startedBefore = 0;
      season.site.engine.written.add((record) => {
        if (record.failure === null || open !== null) return;
        open = new Set(season.site.engine.world.openCells().map(cellName));
        startedBefore = season.outside.started.length;
      });
      const record = await season.advance(id);
      assert.ok(record);
      assert.equal(record.state, ends, record.note);
      assert.deepEqual(cellsOf(record, 'open', false), failed, 'what is out of retries');
      for (const [cell, errors] of Object.entries(failing)) {
        const tries = season.outside.started.filter((started) => started === cell).length;
        if (tries > 0) assert.equal(tries, errors[0] === broken ? 1 : Math.min(errors.length, retries) + 1, `${cell} was tried ${tries} times`);
      }
      assert.deepEqual(await season.openCells(), [], 'nothing is left under way');
      const stops = (asked?.errorPolicy ?? policy) === 'stop';
      if (stops && ends === 'stopped') assert.deepEqual(season.outside.started.slice(startedBefore).filter((cell) => !(open ?? new Set()).has(cell)), [], 'nothing new starts');
      if (without !== null) {
        const lacking = [...season.state.rows.keys()].filter((cell) => !/^(?:Features|Ratings|Outlook) /.test(cell) && reachableFrom(season.state.pipeline, without).has(cell)).sort();
        const wrong = (await season.wrong()).filter((cell) => !/^(?:Features|Ratings|Outlook) /.test(cell)).sort();
        assert.deepEqual(wrong, lacking, 'all others were tried, and have their rows');
        const told = lacking.filter((cell) => !failed.includes(cell));
        assert.deepEqual(cellsOf(record, 'skipped', true), readers === 'skipped' ? told : [], 'skipped, each with its reason');
        assert.deepEqual(cellsOf(record, 'open', true), readers === 'open' ? told : [], 'unresolved, since an input failed');
      }
      if (ends === 'finished') return;

      const before = [...season.outside.runs];
      season.outside.failures.clear();
      await season.order(id, (current, now) => resumed(current, kim, now));
      assert.equal((await season.advance(id))?.state, 'finished');
      const again = season.outside.runs.slice(before.length);
      assert.deepEqual(again.filter((cell) => before.includes(cell)), [], 'nothing that was done is done again');
      assert.equal(new Set(again).size, again.length);
      assert.deepEqual((await season.wrong()).filter((cell) => !/^(?:Features|Ratings|Outlook) /.test(cell)), []);
      if (stops && order === 'by_date') assert.equal(again[0]?.slice(-10), failed[0]?.slice(-10), 'it goes on at the date that failed');
    });
  }

  it('waits between two attempts as the stage says, not as the pipeline does', async () => {
    const at: number[] = [];
    season.outside.fail('Box 2024-01-05', lost, lost);
    season.outside.during = (cell, when) => { if (when === 'before' && cell === 'Box 2024-01-05') at.push(season.clock.now()); };
    const { id } = await season.start([SEASON_STAGES[0]!, { ...SEASON_STAGES[1]!, retries: 2, retry_delay_seconds: 120 }]);
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.equal(at.length, 3);
    assert.ok(at.slice(1).every((instant, index) => instant - at[index]! >= 120_000), at.join());
  });
});
