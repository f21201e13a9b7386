import assert from 'node:assert/strict';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { classify } from '../../shared/failures/classify.ts';
import { labelValue } from '../../shared/google/bigquery-job.ts';
import type { BigQueryWarehouse } from '../../shared/google/bigquery-warehouse.ts';
import type { RowSource, Staged } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { boxscore, claimOf, named, nov15, nov16 } from '../contract/warehouse-under-test.ts';
import { noting, openBigQuery, warehouseOn, type GoogleParts } from './bigquery-under-test.ts';

describe('BigQuery jobs', () => {
  const pipeline = warehousePipeline();
  const boxscores = named(pipeline, 'Boxscores');
  const summary = named(pipeline, 'Summary');
  const calendar = new Calendar(pipeline, []);
  const fromRows: RowSource = { kind: 'rows', rows: [boxscore(1)] };
  const fromSql: RowSource = { kind: 'sql', inputs: [{ upstream: boxscores, columns: ['player_id', 'points'], range: { from: nov15, to: nov16 } }] };
  let parts: GoogleParts;
  let warehouse: BigQueryWarehouse;
  let dispose: () => Promise<void>;

  beforeEach(async () => { ({ parts, warehouse, dispose } = await openBigQuery(pipeline)); });
  afterEach(() => dispose());

  const stage = (on = warehouse, signal?: AbortSignal): Promise<Staged> => on.stage(claimOf(summary, nov16, 1, 'Run/1 of ÄÖ'), fromSql, calendar, signal);
  const stagingTables = async (): Promise<number> => Number(Object.values((await parts.server.outside('SELECT COUNT(*) AS n FROM staging.INFORMATION_SCHEMA.TABLES'))[0] ?? {})[0]);

  it('all have labels, a location, standard SQL, and a cap on the bytes of queries', async () => {
    const sent: unknown[] = [];
    const noted = warehouseOn({ ...parts, client: noting(parts.client, sent) }, pipeline);
    await (await noted.stage(claimOf(boxscores, nov15), fromRows, calendar)).promote('{}');
    await (await stage(noted)).promote('{}');
    await noted.coverage([boxscores, summary], nov15, nov16);
    await noted.rows(boxscores, { from: nov15, to: nov16 }, null);
    const jobs = parts.server.jobs();
    assert.deepEqual([...new Set(jobs.map(({ kind }) => kind))].sort(), ['copy', 'load', 'query']);
    for (const { jobId, kind, labels, maximumBytesBilled } of jobs) {
      assert.equal(labels['pipeline'], 'contract', jobId);
      assert.match(labels['purpose'] ?? '', /^[a-z_]+$/, jobId);
      for (const value of Object.values(labels)) assert.match(value, /^[a-z0-9_-]{0,63}$/, jobId);
      if (kind === 'query') assert.equal(maximumBytesBilled, 10 ** 9, jobId);
    }
    const { labels } = jobs.find(({ kind }) => kind === 'copy')!;
    assert.deepEqual([labels['processor'], labels['run_id']], ['boxscores', 'run-1']);
    const requests = sent.map((request) => JSON.stringify(request) ?? '').filter((request) => request.includes('jobReference'));
    for (const request of requests) assert.match(request, /"location\\?":\\?"US/);
    for (const request of requests.filter((text) => text.includes('"query":{'))) assert.match(request, /"useLegacySql":false,"useQueryCache":false/);
    assert.ok(requests.length >= 8);
    assert.ok(noted.counts().jobs >= 8 && noted.counts().bytes > 0, JSON.stringify(noted.counts()));
  });

  it('leave no staging table behind, however an attempt ends', async () => {
    await (await warehouse.stage(claimOf(boxscores, nov15), fromRows, calendar)).promote('{}');
    await (await stage()).discard();
    const failing = warehousePipeline({ sql: 'SELECT @game_date AS game_date, player_id, 1 AS games, points, CAST(ERROR("no") AS STRING) AS note FROM boxscores' });
    await assert.rejects(warehouseOn(parts, failing).stage(claimOf(named(failing, 'Summary'), nov16), fromSql, calendar), /sql\/summary\.sql of Summary: /);
    assert.equal(await stagingTables(), 0);
  });

  it('over the cap are refused unrun, and are not tried again', async () => {
    await (await warehouse.stage(claimOf(boxscores, nov15), fromRows, calendar)).promote('{}');
    const thrown: unknown = await warehouseOn(parts, pipeline, { maximumBytesBilled: 1 }).rows(boxscores, { from: nov15, to: nov16 }, null).catch((error: unknown) => error);
    const { category, retry, rule } = classify(thrown);
    assert.deepEqual([category, retry, rule], ['resource_exhausted', false, 'google:bytesBilledLimitExceeded']);
  });

  for (const [reason, category, action] of [
    ['quotaExceeded', 'resource_exhausted', 'retry_later'], ['backendError', 'infrastructure', 'retry_soon'], ['accessDenied', 'infrastructure', 'never'], ['resourcesExceeded', 'resource_exhausted', 'retry_later'],
  ] as const) {
    it(`that end with ${reason} under HTTP 200 are judged by it (P22)`, async () => {
      parts.server.failNext({ at: 'job', reason, message: `this is ${reason}` });
      const thrown: unknown = await stage().catch((error: unknown) => error);
      const failure = classify(thrown);
      assert.deepEqual([failure.category, failure.action, failure.rule], [category, action, `google:${reason}`], failure.message);
    });
  }

  it('whose answer was lost are found by their id, not begun twice (P21)', async () => {
    parts.server.failNext({ at: 'answer', method: 'POST', path: /\/jobs$/ });
    const staged = await stage();
    assert.equal(staged.coverage.rows, 0);
    const ids = parts.server.jobs().map(({ jobId }) => jobId);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(parts.server.jobs().filter(({ labels }) => labels['purpose'] === 'fill').length, 1);
  });

  it('are cancelled when they are wanted no more, and nothing is left', async () => {
    const wanted = new AbortController();
    const hold = parts.server.holdJobs({ sql: /^INSERT INTO/ });
    const staging = stage(warehouse, wanted.signal);
    const jobId = await hold.reached;
    wanted.abort(new Error('paused now'));
    await assert.rejects(staging, /paused now/);
    assert.equal(parts.server.jobs().find((job) => job.jobId === jobId)?.error, 'stopped');
    hold.release();
    assert.equal(await stagingTables(), 0);
  });

  it('are not begun for a signal that is aborted already', async () => {
    const before = parts.server.jobs().length;
    await assert.rejects(stage(warehouse, AbortSignal.abort(new Error('draining'))), /draining/);
    assert.equal(parts.server.jobs().length, before);
  });

  it('have label values of small letters, digits, - and _, at most 63', () => {
    assert.equal(labelValue('Run/1 of ÄÖ'), 'run_1_of___');
    assert.equal(labelValue('x'.repeat(80)).length, 63);
  });
});
