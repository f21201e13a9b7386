import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { classify } from '../../shared/failures/classify.ts';
import { BigQueryApi } from '../../shared/google/bigquery-api.ts';
import { BigQueryJobs } from '../../shared/google/bigquery-jobs.ts';
import { GoogleRunHistory, type HistoryOutbox } from '../../shared/google/run-history.ts';
import type { HistoryRow, RequestChangeRow } from '../../shared/ports/run-history.ts';
import { bigQueryClient } from '../../scripts/local-cloud/bigquery/client.ts';
import { startBigQuery, type FakeBigQuery } from '../../scripts/local-cloud/bigquery/server.ts';

const run = (id: string, change: Partial<HistoryRow> = {}): HistoryRow => ({
  run_id: id, processor_name: 'P', phase: 'phase_2_raw', data_date: '2023-11-15', success: true, status: 'completed', error_message: null, rows_processed: 12,
  processing_decision: 'run', skip_reason: null, backfill_mode: true, created_at: '2023-11-16T08:00:00.000Z', attempt: 1, trace_digest: null, fingerprint: '12:00',
  category: null, started_at: null, completed_at: '2023-11-16T08:00:00.123456Z', metadata: '{"gap_size":1}', ...change,
});
const change = (status: string, at: string, more: Partial<RequestChangeRow> = {}): RequestChangeRow => ({
  processor_name: 'P', game_date: '2023-11-15', request_type: 'auto', priority: 'high', requested_at: '2023-11-16T07:00:00.000Z', requested_by: 'detector', status,
  started_at: null, completed_at: null, error_message: null, metadata: null, changed_at: at, ...more,
});

class Outbox implements HistoryOutbox {
  entries: { id: string; history: readonly HistoryRow[]; changes: readonly RequestChangeRow[] }[] = [];
  /** The process dies before it notes what it wrote. */
  forgets = false;

  add(history: readonly HistoryRow[], changes: readonly RequestChangeRow[] = []): void {
    this.entries.push({ id: `entry-${this.entries.length}`, history, changes });
  }

  async pendingRows(limit: number): ReturnType<HistoryOutbox['pendingRows']> {
    return this.entries.slice(0, limit);
  }

  async rowsWritten(ids: readonly string[]): Promise<void> {
    if (this.forgets) throw new Error('the process died');
    this.entries = this.entries.filter(({ id }) => !ids.includes(id));
  }
}

describe('Run history in BigQuery', () => {
  let server: FakeBigQuery;
  let outbox: Outbox;
  let history: GoogleRunHistory;

  beforeEach(async () => {
    server = await startBigQuery();
    outbox = new Outbox();
    const client = bigQueryClient(server);
    const api = new BigQueryApi({ client: async () => client, project: server.projectId, location: server.location });
    const jobs = new BigQueryJobs({ api, pipeline: 'contract', maximumBytesBilled: 10 ** 9, newId: randomUUID });
    history = new GoogleRunHistory({ jobs, outbox, tables: { run_history: 'reference.processor_run_history', backfill_requests: 'processing.backfill_requests' } });
    await history.ensureTables();
  });
  afterEach(() => server.close());

  it('gives back what the outbox held, newest first', async () => {
    const [older, newer] = [run('a'), run('b', { success: false, status: 'failed', created_at: '2023-11-16T09:00:00.000Z', data_date: '2023-11-14', rows_processed: null })];
    outbox.add([older, newer], [change('queued', '2023-11-16T07:00:00.000Z')]);
    assert.equal(await history.flush(), 1);
    assert.deepEqual(outbox.entries, []);
    assert.deepEqual(await history.runs({ limit: 10 }), [newer, older]);
    assert.deepEqual(await history.changes({ limit: 10 }), [change('queued', '2023-11-16T07:00:00.000Z')]);
  });

  it('is filtered by processor and dates, and cut', async () => {
    outbox.add([run('a'), run('b', { processor_name: 'Q' }), run('c', { data_date: '2023-11-20', created_at: '2023-11-21T08:00:00.000Z' })]);
    await history.flush();
    const ids = async (filter: Parameters<typeof history.runs>[0]): Promise<readonly string[]> => (await history.runs(filter)).map(({ run_id }) => run_id);
    assert.deepEqual(await ids({ processor: 'P', limit: 10 }), ['c', 'a']);
    assert.deepEqual(await ids({ from: '2023-11-16', limit: 10 }), ['c']);
    assert.deepEqual(await ids({ processor: 'Q', to: '2023-11-15', limit: 10 }), ['b']);
    assert.deepEqual(await ids({ limit: 1 }), ['c']);
  });

  it('has a row once although it was written twice (P20)', async () => {
    outbox.add([run('a')], [change('queued', '2023-11-16T07:00:00.000Z')]);
    outbox.forgets = true;
    await assert.rejects(history.flush(), /died/);
    outbox.forgets = false;
    assert.equal(await history.flush(), 1);
    assert.equal((await history.runs({ limit: 10 })).length, 1);
    assert.equal((await history.changes({ limit: 10 })).length, 1);
  });

  it('keeps an entry that BigQuery refuses, and says why', async () => {
    outbox.add([run('a', { data_date: 'no date' })]);
    const thrown: unknown = await history.flush().catch((error: unknown) => error);
    assert.match(String(thrown), /reference\.processor_run_history refused 1 rows/);
    assert.equal(classify(thrown).category, 'processing');
    assert.equal(outbox.entries.length, 1);
  });

  it('writes at most as many entries as it is told', async () => {
    for (const id of ['a', 'b', 'c']) outbox.add([run(id)]);
    assert.equal(await history.flush(2), 2);
    assert.deepEqual(outbox.entries.map(({ history: [row] }) => row?.run_id), ['c']);
  });

  it('is written without a job: those of one table are limited (P25)', async () => {
    const before = server.jobs().length;
    for (const id of ['a', 'b', 'c']) outbox.add([run(id)], [change('queued', '2023-11-16T07:00:00.000Z')]);
    assert.equal(await history.flush(), 3);
    assert.equal(server.jobs().length, before);
    assert.equal((await history.runs({ limit: 10 })).length, 3);
  });

  it('has a view of the newest state of each request', async () => {
    outbox.add([], [change('queued', '2023-11-16T07:00:00.000Z'), change('completed', '2023-11-16T08:00:00.000Z'), change('queued', '2023-11-16T07:30:00.000Z', { game_date: '2023-11-16' })]);
    await history.flush();
    const rows = await server.outside('SELECT game_date, status FROM processing.backfill_requests_latest ORDER BY game_date');
    assert.deepEqual(rows, [{ game_date: '2023-11-15', status: 'completed' }, { game_date: '2023-11-16', status: 'queued' }]);
  });
});
