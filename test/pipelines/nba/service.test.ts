import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { z } from 'zod';
import { loadPlayerBoxscore, loadSchedule, loadTeamBoxscore } from '../../../pipelines/nba/processors/raw.ts';
import { landPlayerBoxscore, landSchedule, landTeamBoxscore } from '../../../pipelines/nba/processors/land.ts';
import { answer } from '../../../pipelines/nba/service/routes.ts';
import type { ProcessorFunction } from '../../../shared/ports/processor.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { asPhaseComplete } from '../../../shared/requests/decode.ts';
import { rowsOfLines } from '../../../shared/rows/json-lines.ts';
import { orderOf, post, processed, RememberedTables, serviceIn, type ServiceUnderTest } from './service-support.ts';
import { inputOf, reads, withFolder, writeOutages } from './support.ts';

const DATE = '2023-12-05';
const chains = [
  { scraper: 'NbacScheduleScraper', folder: 'schedule', land: landSchedule, raw: 'NbacScheduleProcessor', table: 'nba_raw.nbac_schedule', load: loadSchedule },
  { scraper: 'NbacPlayerBoxscoreScraper', folder: 'player_boxscore', land: landPlayerBoxscore, raw: 'NbacPlayerBoxscoreProcessor', table: 'nba_raw.nbac_player_boxscore', load: loadPlayerBoxscore },
  { scraper: 'NbacTeamBoxscoreScraper', folder: 'team_boxscore', land: landTeamBoxscore, raw: 'NbacTeamBoxscoreProcessor', table: 'nba_raw.nbac_team_boxscore', load: loadTeamBoxscore },
] as const;

async function rowsOf(run: ProcessorFunction, date: string, read: Parameters<typeof inputOf>[1] = {}): Promise<readonly Row[]> {
  const result = await run(inputOf(date, read));
  assert.equal(result.status, 'success');
  return result.status === 'success' ? result.rows : [];
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

/** In any order, without the column that tells when they were made. */
function comparable(rows: readonly Row[]): string[] {
  return rows.map((row) => JSON.stringify(Object.keys(row).filter((name) => name !== 'processed_at').sort(byText).map((name) => [name, row[name]]))).sort(byText);
}

describe('The nba-sources service, asked to process', () => {
  let tables: RememberedTables;
  const withService = (use: (service: ServiceUnderTest) => Promise<void>) => async (): Promise<void> => withFolder((folder) => {
    tables = new RememberedTables();
    return use(serviceIn(folder, tables));
  });

  for (const { scraper, folder, land, raw, table, load } of chains) {
    it(`lands and loads what the embedded ${scraper} and ${raw} make`, withService(async ({ parts, landing }) => {
      const expected = await rowsOf(land, DATE);
      assert.deepEqual(await processed(parts, scraper, DATE), { status: 'success', rows_processed: expected.length, code_version: null, error: null });
      const file = await landing.read(`${folder}/game_date=${DATE}/${folder}.jsonl`);
      assert.deepEqual(comparable(rowsOfLines(new TextDecoder().decode(file!.bytes), 'file')), comparable(expected));
      const rows = await rowsOf(load, DATE, reads(scraper, expected));
      assert.equal((await processed(parts, raw, DATE)).rows_processed, rows.length);
      assert.deepEqual(comparable(tables.dates.get(`${table} ${DATE}`)!), comparable(rows));
    }));
  }

  it('leaves a landed file as it is when it would write the same', withService(async ({ parts, landing }) => {
    await processed(parts, 'NbacScheduleScraper', DATE);
    const first = await landing.list('');
    assert.equal((await processed(parts, 'NbacScheduleScraper', DATE, { run_id: 'run-2' })).status, 'success');
    assert.deepEqual(await landing.list(''), first);
  }));

  it('tells nobody of a run, whatever the order says of downstream: who called it does', withService(async ({ parts, published }) => {
    await processed(parts, 'NbacScheduleScraper', DATE, { skip_downstream_trigger: false, is_backfill: false, backfill_mode: false });
    assert.deepEqual(published, []);
  }));

  it('knows a day without games from one that was never landed', withService(async ({ parts }) => {
    const offDay = '2023-11-23';
    const before = await processed(parts, 'NbacScheduleProcessor', offDay);
    assert.deepEqual([before.status, before.error?.message], ['no_data', `nothing of ${offDay} has been landed by NbacScheduleScraper`]);
    assert.deepEqual([...tables.dates.keys()], [], 'the table was left alone');
    assert.deepEqual(await processed(parts, 'NbacScheduleScraper', offDay), { status: 'success', rows_processed: 0, code_version: null, error: null });
    assert.equal((await processed(parts, 'NbacScheduleProcessor', offDay)).status, 'success');
    assert.deepEqual(tables.dates.get(`nba_raw.nbac_schedule ${offDay}`), []);
  }));

  it('answers no_data where the site has nothing, and lands no file', withService(async ({ parts, landing }) => {
    const playoffs = await processed(parts, 'NbacPlayerBoxscoreScraper', '2024-06-17');
    assert.deepEqual([playoffs.status, playoffs.rows_processed], ['no_data', 0]);
    assert.equal(playoffs.error?.message, "the league's site has no player_boxscore for 2024-06-17");
    assert.equal((await processed(parts, 'NbacPlayerBoxscoreProcessor', '2024-06-17')).status, 'no_data');
    assert.deepEqual(await landing.list(''), []);
  }));

  it('obeys the outages of its source folder, and recovers when they end', withService(async ({ parts, landing, sourceDirectory }) => {
    await mkdir(sourceDirectory, { recursive: true });
    await writeOutages(sourceDirectory, { player_boxscore: { [DATE]: 'down' }, schedule: { [DATE]: 'no_data' } });
    const down = await processed(parts, 'NbacPlayerBoxscoreScraper', DATE);
    assert.deepEqual([down.status, down.error?.type], ['failed', 'ConnectionError']);
    assert.equal((await processed(parts, 'NbacScheduleScraper', DATE)).status, 'no_data');
    assert.deepEqual(await landing.list(''), []);
    await writeOutages(sourceDirectory, {});
    assert.equal((await processed(parts, 'NbacPlayerBoxscoreScraper', DATE)).status, 'success');
  }));

  it('fails when a landed file is damaged, and names the line', withService(async ({ parts, landing }) => {
    await landing.write(`schedule/game_date=${DATE}/schedule.jsonl`, Buffer.from('{"game_id"'), 'any');
    const failed = await processed(parts, 'NbacScheduleProcessor', DATE);
    assert.equal(failed.status, 'failed');
    assert.match(failed.error!.message, /schedule\.jsonl, line 1 is no JSON object/);
    assert.equal(tables.dates.size, 0);
  }));

  it('fails when the warehouse does, so that the caller tries again later, and leaves what was landed', withService(async (service) => {
    const parts = { ...service.parts, places: { ...service.parts.places, tables: { replace: () => Promise.reject(Object.assign(new Error('try again'), { errors: [{ reason: 'rateLimitExceeded' }] })) } } };
    await processed(parts, 'NbacScheduleScraper', DATE);
    assert.deepEqual((await processed(parts, 'NbacScheduleProcessor', DATE)).error, { type: 'RateLimitExceeded', message: 'try again (rateLimitExceeded)' });
    assert.equal((await service.landing.list('')).length, 1);
  }));

  it('works through a range of dates, sums their rows, and ends at the first that fails', withService(async ({ parts, landing, sourceDirectory }) => {
    const range = { start_date: '2023-12-04', end_date: '2023-12-06' };
    const all = await processed(parts, 'NbacPlayerBoxscoreScraper', DATE, range);
    const counts = await Promise.all(['2023-12-04', DATE, '2023-12-06'].map(async (date) => { const result = await landPlayerBoxscore(inputOf(date)); return result.status === 'success' ? result.rows.length : 0; }));
    assert.deepEqual([all.status, all.rows_processed], ['success', counts.reduce((sum, count) => sum + count)]);
    for (const { name } of await landing.list('')) await landing.remove(name);
    await mkdir(sourceDirectory, { recursive: true });
    await writeOutages(sourceDirectory, { player_boxscore: { [DATE]: 'down' } });
    const failed = await processed(parts, 'NbacPlayerBoxscoreScraper', DATE, range);
    assert.deepEqual([failed.status, failed.rows_processed], ['failed', counts[0]]);
    assert.match(failed.error!.message, /^2023-12-05: /);
    assert.equal((await landing.list('')).some(({ name }) => name.includes('2023-12-06')), false);
  }));

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', '', /empty message/],
    ['no JSON', '{"processor_name"', /not JSON/],
    ['a list', [], /the order is not right/],
    ['an order without dates', { processor_name: 'NbacScheduleScraper' }, /start_date/],
    ['a date that is none', orderOf('NbacScheduleScraper', '2023-02-30'), /YYYY-MM-DD/],
    ['a processor of another phase', orderOf('PlayerGameSummaryProcessor', DATE), /unknown processor 'PlayerGameSummaryProcessor'; this service runs NbacPlayerBoxscoreScraper, NbacScheduleScraper/],
    ['an end before the start', orderOf('NbacScheduleScraper', DATE, { end_date: '2023-12-04' }), /before start_date/],
    ['more than 31 dates', orderOf('NbacScheduleScraper', DATE, { end_date: '2024-12-05' }), /at most 31/],
  ];
  for (const [what, body, message] of wrong) {
    it(`answers 400 to ${what}, as a failed answer of the contract`, withService(async ({ parts, landing }) => {
      const response = await post(parts, '/process', body);
      assert.equal(response.status, 400);
      const { status, error } = z.object({ status: z.string(), error: z.object({ type: z.string(), message: z.string() }) }).parse(response.body);
      assert.deepEqual([status, error.type], ['failed', 'invalid_request']);
      assert.match(error.message, message);
      assert.deepEqual(await landing.list(''), []);
    }));
  }

  it('answers 404 to another path and 405 to another method', withService(async ({ parts }) => {
    assert.equal((await post(parts, '/')).status, 404);
    assert.equal((await answer(parts, { method: 'GET', url: '/process', body: Buffer.from('') })).status, 405);
  }));
});

describe('The nba-sources service, run live', () => {
  it('runs both phases of a date and tells each phase\'s topic', () => withFolder(async (folder) => {
    const tables = new RememberedTables();
    const { parts, published } = serviceIn(folder, tables);
    const response = await post(parts, `/live?date=${DATE}`);
    assert.equal(response.status, 200);
    assert.equal(tables.dates.size, 3);
    const messages = published.map(({ topic, body }) => {
      const message = asPhaseComplete(JSON.parse(body));
      assert.equal(message.kind, 'ok', body);
      return message.kind === 'ok' ? [topic, message.value.processor_name, message.value.game_date, message.value.status, message.value.backfill_mode, message.value.skip_downstream_trigger] : [];
    });
    assert.deepEqual(messages.map(String).sort(byText), [
      ...chains.map(({ raw }) => ['nba-phase2-raw-complete', raw, DATE, 'success', false, false]),
      ...chains.map(({ scraper }) => ['scraper-complete', scraper, DATE, 'success', false, false]),
    ].map(String).sort(byText));
  }));

  it('takes last night\'s date, by the pipeline\'s zone, where none is given', () => withFolder(async (folder) => {
    const { parts } = serviceIn(folder, new RememberedTables(), { now: () => Date.parse('2023-12-06T04:59:00Z') });
    const { body } = await post(parts, '/live');
    assert.equal(z.object({ game_date: z.string() }).parse(body).game_date, '2023-12-04');
  }));

  it('does not run what reads a scraper that failed, and says of it nothing on the topics', () => withFolder(async (folder) => {
    const tables = new RememberedTables();
    const { parts, published, sourceDirectory } = serviceIn(folder, tables);
    await mkdir(sourceDirectory, { recursive: true });
    await writeOutages(sourceDirectory, { player_boxscore: { [DATE]: 'down' } });
    const { status, body } = await post(parts, `/live?date=${DATE}`);
    const { steps } = z.object({ steps: z.array(z.object({ processor_name: z.string(), status: z.string() })) }).parse(body);
    assert.equal(status, 200);
    assert.deepEqual(steps.filter((step) => step.status !== 'success').map((step) => Object.values(step)), [['NbacPlayerBoxscoreScraper', 'failed'], ['NbacPlayerBoxscoreProcessor', 'not_run']]);
    assert.deepEqual(published.map((message) => message.body).filter((text) => text.includes('PlayerBoxscore')).map((text) => JSON.parse(text).status), ['failed']);
    assert.equal(tables.dates.has(`nba_raw.nbac_player_boxscore ${DATE}`), false);
  }));

  it('refuses a date that is none', () => withFolder(async (folder) => {
    const { parts, published } = serviceIn(folder, new RememberedTables());
    assert.equal((await post(parts, '/live?date=yesterday')).status, 400);
    assert.deepEqual(published, []);
  }));

  it('answers 500 when a completion cannot be told, so that the scheduler calls again', () => withFolder(async (folder) => {
    const { parts, logged } = serviceIn(folder, new RememberedTables(), { bus: { publish: () => Promise.reject(new Error('Pub/Sub is down')) } });
    assert.equal((await post(parts, `/live?date=${DATE}`)).status, 500);
    assert.match(logged.join('\n'), /ERROR POST \/live.*Pub\/Sub is down/);
  }));
});

describe('The outages of the nba-sources service', () => {
  const put = (parts: ServiceUnderTest['parts'], body: string) => answer(parts, { method: 'PUT', url: '/outages', body: Buffer.from(body) });

  it('are set, read and ended over HTTP where that is allowed', () => withFolder(async (folder) => {
    const { parts } = serviceIn(folder, new RememberedTables());
    const outages = { schedule: { [DATE]: 'down' } };
    assert.deepEqual(await put(parts, JSON.stringify(outages)), { status: 200, body: outages });
    assert.deepEqual(await answer(parts, { method: 'GET', url: '/outages', body: Buffer.from('') }), { status: 200, body: outages });
    assert.equal((await processed(parts, 'NbacScheduleScraper', DATE)).status, 'failed');
    await put(parts, '{}');
    assert.equal((await processed(parts, 'NbacScheduleScraper', DATE)).status, 'success');
  }));

  it('stay as they were when what is sent is wrong', () => withFolder(async (folder) => {
    const { parts } = serviceIn(folder, new RememberedTables());
    await put(parts, JSON.stringify({ schedule: { [DATE]: 'down' } }));
    for (const body of ['', '[]', '{"scores": {}}', `{"schedule": {"${DATE}": "slow"}}`]) {
      const { status, body: said } = await put(parts, body);
      assert.equal(status, 400, body);
      assert.match(JSON.stringify(said), /write \{/);
    }
    assert.equal((await processed(parts, 'NbacScheduleScraper', DATE)).status, 'failed');
  }));

  it('cannot be set where that is not allowed', () => withFolder(async (folder) => {
    const { parts } = serviceIn(folder, new RememberedTables(), { outages: null });
    assert.equal((await put(parts, '{}')).status, 405);
  }));
});
