import assert from 'node:assert/strict';
import type { BigQuery } from '@google-cloud/bigquery';
import { z } from 'zod';
import { LoadedTables } from '../../../pipelines/nba/service/loaded-tables.ts';
import { bigQueryClient } from '../../../scripts/local-cloud/bigquery/client.ts';
import { startBigQuery, type FakeBigQuery } from '../../../scripts/local-cloud/bigquery/server.ts';
import { dayOf } from '../../../shared/calendar/day.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { rowsOfLines } from '../../../shared/rows/json-lines.ts';
import { builtThrough, nbaPipeline, openAt } from './built-season.ts';
import { processed, serviceIn, type ServiceUnderTest } from './service-support.ts';
import { withFolder } from './support.ts';

/** The service through Google's own client, in front of the stand-in for BigQuery. */

const DATE = '2023-10-25';
const pipeline = nbaPipeline();
const raw = pipeline.processors.filter(({ phase }) => phase.name === 'phase_2_raw');
const scrapers = pipeline.processors.filter(({ phase }) => phase.name === 'phase_1_scrapers');
const byText = (a: string, b: string): number => (a < b ? -1 : 1);

const API_TYPES = { STRING: 'STRING', INT64: 'INTEGER', FLOAT64: 'FLOAT', NUMERIC: 'NUMERIC', BOOL: 'BOOLEAN', DATE: 'DATE', TIMESTAMP: 'TIMESTAMP' } as const;

async function makeTables(client: BigQuery): Promise<void> {
  await client.createDataset('nba_raw');
  for (const { output, columns, key, dateColumn } of raw) {
    if (output.kind !== 'table') continue;
    const fields = columns.map(({ name, type }) => ({ name, type: API_TYPES[type], mode: [...key, dateColumn].includes(name) ? 'REQUIRED' : 'NULLABLE' }));
    await client.dataset('nba_raw').createTable(output.table, { schema: { fields }, timePartitioning: { type: 'DAY', field: dateColumn } });
  }
}

/** In any order, without the column that tells when they were made. */
function comparable(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return rows.map((row) => JSON.stringify(Object.keys(row).filter((name) => name !== 'processed_at').sort(byText).map((name) => [name, row[name]]))).sort(byText);
}

const answered = z.array(z.record(z.string(), z.union([z.object({ value: z.string() }).transform(({ value }) => value), z.string(), z.number(), z.boolean(), z.null()])));

describe('The nba-sources service, loading into BigQuery', function () {
  this.timeout(60_000);
  let fake: FakeBigQuery;
  let client: BigQuery;
  const embedded = new Map<string, readonly Row[]>();

  before(async () => {
    const opened = await openAt(await builtThrough(DATE), '2023-10-26');
    try {
      for (const processor of [...scrapers, ...raw]) embedded.set(processor.name, await opened.runtime.warehouse.rows(processor, { from: dayOf(DATE), to: dayOf(DATE) }, null));
    } finally {
      await opened.close();
    }
  });

  beforeEach(async () => {
    fake = await startBigQuery({ projectId: 'nba-test' });
    client = bigQueryClient(fake);
    await makeTables(client);
  });
  afterEach(() => fake.close());

  const withService = (use: (service: ServiceUnderTest) => Promise<void>) => (): Promise<void> => withFolder((folder) => use(serviceIn(folder, new LoadedTables(async () => client, 'US'))));
  const rowsIn = async (table: string, date = DATE): Promise<Readonly<Record<string, unknown>>[]> => {
    const [rows] = await client.query(`SELECT * FROM nba_raw.${table} WHERE game_date = DATE '${date}'`);
    return answered.parse(rows.map((row: object) => ({ ...row })));
  };

  it('gives every processor of both phases the rows of the embedded pipeline', withService(async ({ parts, landing }) => {
    for (const { name, output } of scrapers) {
      assert.equal((await processed(parts, name, DATE)).status, 'success');
      const file = await landing.read(output.kind === 'landing' ? `${output.folder}/game_date=${DATE}/${output.folder}.jsonl` : '');
      assert.ok(embedded.get(name)!.length > 0);
      assert.deepEqual(comparable(rowsOfLines(new TextDecoder().decode(file!.bytes), name)), comparable(embedded.get(name)!), name);
    }
    for (const { name, output } of raw) {
      const answer = await processed(parts, name, DATE);
      assert.deepEqual([answer.status, answer.rows_processed, answer.error], ['success', embedded.get(name)!.length, null]);
      assert.deepEqual(comparable(await rowsIn(output.kind === 'table' ? output.table : '')), comparable(embedded.get(name)!), name);
    }
  }));

  it('replaces a date as a whole by a load job, twice the same, and leaves other dates alone', withService(async ({ parts }) => {
    const next = '2023-10-26';
    for (const date of [DATE, next]) {
      await processed(parts, 'NbacTeamBoxscoreScraper', date);
      assert.equal((await processed(parts, 'NbacTeamBoxscoreProcessor', date)).status, 'success');
    }
    const [first, other] = [await rowsIn('nbac_team_boxscore'), await rowsIn('nbac_team_boxscore', next)];
    await fake.outside(`UPDATE nba_raw.nbac_team_boxscore SET points = 0 WHERE game_date = DATE '${DATE}'`);
    assert.equal((await processed(parts, 'NbacTeamBoxscoreProcessor', DATE, { run_id: 'run-2' })).status, 'success');
    assert.deepEqual(comparable(await rowsIn('nbac_team_boxscore')), comparable(first));
    assert.deepEqual(comparable(await rowsIn('nbac_team_boxscore', next)), comparable(other));
    assert.deepEqual([...new Set(fake.requests().map(({ path }) => path).filter((path) => path.includes('insertAll')))], [], 'nothing is streamed (P18)');
    assert.equal(fake.jobs().filter(({ kind }) => kind === 'load').length, 3);
  }));

  it('empties a date whose schedule has no games', withService(async ({ parts }) => {
    const offDay = '2023-11-23';
    await fake.outside(`INSERT INTO nba_raw.nbac_schedule (game_date, game_id) VALUES (DATE '${offDay}', '0022300999')`);
    await processed(parts, 'NbacScheduleScraper', offDay);
    const answer = await processed(parts, 'NbacScheduleProcessor', offDay);
    assert.deepEqual([answer.status, answer.rows_processed], ['success', 0]);
    assert.deepEqual(await rowsIn('nbac_schedule', offDay), []);
  }));

  for (const { type, ...fault } of [{ at: 'job', reason: 'backendError', type: 'ConnectionError' }, { at: 'request', reason: 'accessDenied', type: 'PermissionError' }] as const) {
    it(`fails as ${type} when the load is refused at ${fault.at} level, and leaves the date as it was`, withService(async ({ parts }) => {
      await processed(parts, 'NbacScheduleScraper', DATE);
      await processed(parts, 'NbacScheduleProcessor', DATE);
      const before = await rowsIn('nbac_schedule');
      fake.failNext({ ...fault, path: /\/upload\//, times: 5 });
      const failed = await processed(parts, 'NbacScheduleProcessor', DATE, { run_id: 'run-2' });
      fake.clearFaults();
      assert.deepEqual([failed.status, failed.error?.type], ['failed', type]);
      assert.ok(failed.error!.message.includes(fault.reason), failed.error!.message);
      assert.deepEqual(await rowsIn('nbac_schedule'), before);
    }));
  }

  it('fails when its table is not there, and makes none', withService(async ({ parts }) => {
    await client.dataset('nba_raw').table('nbac_schedule').delete();
    await processed(parts, 'NbacScheduleScraper', DATE);
    const failed = await processed(parts, 'NbacScheduleProcessor', DATE);
    assert.deepEqual([failed.status, failed.error?.type], ['failed', 'FileNotFoundError']);
    assert.equal((await client.dataset('nba_raw').table('nbac_schedule').exists())[0], false);
  }));

  it('fails when its table is not partitioned by the date, or lacks a column, and says which', withService(async ({ parts }) => {
    const table = client.dataset('nba_raw').table('nbac_schedule');
    await processed(parts, 'NbacScheduleScraper', DATE);
    const fields = [{ name: 'game_date', type: 'DATE' }, { name: 'game_id', type: 'STRING' }];
    for (const [made, says] of [[{ schema: { fields } }, /nba_raw\.nbac_schedule is not partitioned/], [{ schema: { fields }, timePartitioning: { type: 'DAY', field: 'game_date' } }, /lacks the columns season, season_type/]] as const) {
      await table.delete();
      await client.dataset('nba_raw').createTable('nbac_schedule', { ...made, schema: { fields: [...fields] } });
      const failed = await processed(parts, 'NbacScheduleProcessor', DATE);
      assert.equal(failed.status, 'failed');
      assert.match(failed.error!.message, says);
    }
  }));
});
