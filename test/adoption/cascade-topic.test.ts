import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded, type EmbeddedRuntime } from '../../scripts/runtime/embedded.ts';
import { ManualClock } from '../manual-clock.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { complete } from '../../shared/flows/complete.ts';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import { cascadeTriggerSchema } from '../../shared/requests/messages.ts';
import { parseCompletion } from '../../shared/requests/parse-completion.ts';

const text = readFileSync(join(import.meta.dirname, '../fixtures/adoption/pipeline.yaml'), 'utf8');
const LISTENER = '{ name: models, completion_topic: models-done, mode: observe }';

const BOOK = "INSERT INTO betting_raw.odds VALUES (DATE '2023-11-13', 'A', 'book', 1.5)";

describe('an adopted phase that is started by a topic of its own', () => {
  let folder: string;
  let runtime: EmbeddedRuntime;
  let heard = 0;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'sbf-cascade-topic-')); });
  afterEach(async () => {
    await runtime.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(mode: string): Promise<void> {
    assert.ok(text.includes(LISTENER));
    const yaml = text.replace('raw-done, mode: observe', `raw-done, mode: ${mode}`).replace(LISTENER, `{ name: models, completion_topic: models-done, mode: ${mode}, cascade_target: { topic: start-models } }`);
    const loaded = loadPipeline('p', { readText: (path) => (path === join('p', 'pipeline.yaml') ? yaml : undefined) });
    assert.ok(loaded.kind === 'ok', JSON.stringify(loaded));
    runtime = await openEmbedded({
      pipeline: loaded.pipeline, stateDirectory: folder, database: SqliteDatabase.open(join(folder, 'state.sqlite')), notifier: { notify: async () => undefined }, startAt: null,
      clock: new ManualClock(Date.parse('2023-11-14T14:00:00Z')),
    });
    await runtime.warehouse.outside(`INSERT INTO betting_raw.feed VALUES (DATE '2023-11-13', 'A', 1); INSERT INTO betting_raw.odds VALUES (DATE '2023-11-13', 'A', 'espn', 1.5)`);
  }

  async function hears(processor: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const parsed = parseCompletion(runtime.pipeline, 'raw-done', JSON.stringify({ processor, date: '20231113', state: 'OK', ...more }));
    assert.ok(parsed.kind === 'ok', JSON.stringify(parsed));
    await complete(runtime.engine, parsed.value, `m-${heard += 1}`);
  }

  async function triggers(): Promise<string[]> {
    return (await runtime.store.unsent(10)).filter(({ topic }) => topic === 'start-models').map(({ body }) => body);
  }

  it('is triggered once, when the last of the phase before it is complete, and gets no requests', async () => {
    await open('enforce');
    await hears('feed');
    await hears('odds.espn');
    assert.deepEqual(await triggers(), []);
    await runtime.warehouse.outside(BOOK);
    await hears('odds.book');
    await hears('odds.book');
    const [trigger, ...more] = await triggers();
    assert.deepEqual(more, []);
    assert.deepEqual(cascadeTriggerSchema.parse(JSON.parse(trigger ?? 'null')), {
      phase: 'models', completed_phase: 'raw', game_date: '2023-11-13', status: 'success', trigger_reason: 'cascade', backfill_mode: false, skip_downstream_trigger: false,
      cells: [{ processor_name: 'Model', game_date: '2023-11-13' }], cause_id: null,
    });
    assert.deepEqual(await runtime.store.openCells(), []);
  });

  it("is not triggered by a backfill of the team's own, however often its messages come", async () => {
    await open('enforce');
    await runtime.warehouse.outside(BOOK);
    for (const processor of ['feed', 'odds.espn', 'odds.book']) {
      for (const _time of [1, 2]) await hears(processor, { meta: { job: `job-${processor}` }, backfill_mode: true });
    }
    assert.deepEqual(await triggers(), []);
  });

  it('believes a success that comes under the id of a run that failed, and news under the id of one that succeeded', async () => {
    await open('enforce');
    const odds = async () => runtime.store.cell({ processor: 'BookmakerOdds', day: dayOf('2023-11-13') });
    await hears('odds.book', { state: 'ERROR', meta: { job: 'nightly' } });
    assert.equal((await odds()).failure?.reported, true);
    await runtime.warehouse.outside(BOOK);
    await hears('odds.book', { meta: { job: 'nightly' } });
    const first = await odds();
    assert.deepEqual([first.failure, first.last?.runId], [null, 'nightly']);
    await runtime.warehouse.outside("UPDATE betting_raw.odds SET odds = 2.5 WHERE source = 'book'");
    await hears('odds.book', { meta: { job: 'nightly' } });
    assert.notEqual((await odds()).last?.fingerprint, first.last?.fingerprint);
  });

  for (const mode of ['observe', 'assist']) {
    it(`is triggered by nothing of ours in ${mode}: the pipeline's own listener starts it`, async () => {
      await open(mode);
      await runtime.warehouse.outside(BOOK);
      for (const processor of ['feed', 'odds.espn', 'odds.book']) await hears(processor);
      assert.deepEqual(await triggers(), []);
    });
  }
});
