import assert from 'node:assert/strict';
import { until } from './until.ts';
import { request as httpRequest } from 'node:http';
import type { FailureCategory } from '../../shared/failures/category.ts';
import type { PushedFunction } from '../../shared/pipeline/topology.ts';
import { describeWithEmulators } from './emulated.ts';
import { post, pushOf, request, sharedPlaces, startSmallCloud, type SmallCloud } from './small-cloud.ts';

const FUNCTIONS: readonly PushedFunction[] = ['backfill-worker', 'phase-router', 'gap-detector', 'stage-coordinator'];

describeWithEmulators('bad input, as real HTTP to the served functions', () => {
  let cloud: SmallCloud;
  const subscription = (): string => `projects/${cloud.config.project}/subscriptions/small-worker-sub`;
  before(async function () {
    cloud = await startSmallCloud(sharedPlaces());
  });
  after(() => cloud.dispose());
  afterEach(() => cloud.bigquery.clearFaults());

  for (const name of FUNCTIONS) {
    describe(`${name} answers`, () => {
      const answers: readonly (readonly [string, number, () => Promise<Response>])[] = [
        ['405 to what is not POST', 405, () => fetch(cloud.function(name).url)],
        ['400 to JSON that is no event of Pub/Sub', 400, () => post(cloud.function(name).url, { hello: 'world' })],
        ['400 to nothing', 400, () => post(cloud.function(name).url, '')],
        ['415 to another content type', 415, () => post(cloud.function(name).url, pushOf({}), { 'content-type': 'text/plain' })],
        ['400 to a subscription that is not its own, which keeps the message', 400, () => cloud.push(name, {}, { subscription: 'projects/p/subscriptions/somebody-elses' })],
      ];
      for (const [what, status, send] of answers) {
        it(what, async () => {
          const response = await send();
          assert.equal(response.status, status, await response.text());
        });
      }
    });
  }

  describe('a push that can never be right is kept as a dead letter and acknowledged', () => {
    const wrong: readonly (readonly [string, RegExp, () => object])[] = [
      ['base64 that is none', /not base64/, () => ({ message: { data: '%%%', messageId: 'not-base64' }, subscription: subscription() })],
      ['attributes only', /empty message/, () => ({ message: { attributes: { a: 'b' }, messageId: 'attributes-only' }, subscription: subscription() })],
      ['no JSON', /which is not JSON/, () => pushOf('{', { id: 'no-json', subscription: subscription() })],
      ['an unknown processor', /did you mean Totals/, () => pushOf(request('Totls', '2024-04-01'), { id: 'unknown', subscription: subscription() })],
      ["another pipeline's cell", /PlayerGameSummaryProcessor/, () => pushOf(request('PlayerGameSummaryProcessor', '2024-04-01'), { id: 'other-pipeline', subscription: subscription() })],
      ['the future', /in the future/, () => pushOf(request('Totals', '2024-12-01'), { id: 'future', subscription: subscription() })],
      ['an end before its start', /the end may not be before the start/, () => pushOf({ processor_name: 'Totals', start_date: '2024-04-02', end_date: '2024-04-01' }, { id: 'backwards', subscription: subscription() })],
      ['10 MB', /bytes; a message may have/, () => pushOf('x'.repeat(9_000_000), { id: 'large', subscription: subscription() })],
    ];
    for (const [what, reason, make] of wrong) {
      it(what, async () => {
        const mark = cloud.lines.mark();
        assert.equal((await post(cloud.function('backfill-worker').url, make())).status, 204);
        assert.match((await cloud.lines.seen({ event: 'message_dead_lettered' }, { since: mark })).message, reason);
      });
    }
    it('and is recorded as refused where it is a request', async () => {
      assert.match((await cloud.runtime.store.ask('unknown'))?.ask.refused ?? '', /did you mean Totals/);
      assert.match((await cloud.runtime.store.ask('other-pipeline'))?.ask.refused ?? '', /PlayerGameSummaryProcessor/);
    });
    it('a completion of an unknown processor, or of a phase that is not its own', async () => {
      for (const [completion, reason] of [
        [{ phase: 'phase_2_raw', processor_name: 'Nobody', game_date: '2024-04-01', status: 'success' }, /Nobody/],
        [{ phase: 'phase_3_analytics', processor_name: 'Scores', game_date: '2024-04-01', status: 'success' }, /phase/],
        [{ phase: 'phase_2_raw', processor_name: 'Scores', game_date: '2031-04-01', status: 'success' }, /2031-04-01/],
      ] as const) {
        const mark = cloud.lines.mark();
        assert.equal((await cloud.push('phase-router', completion)).status, 204);
        assert.match((await cloud.lines.seen({ event: 'message_dead_lettered' }, { since: mark })).message, reason);
      }
    });
  });

  it('a push that is too large for Pub/Sub is refused, and the function goes on', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const sent = httpRequest(cloud.function('backfill-worker').url, { method: 'POST', headers: { 'content-type': 'application/json' } }, (response) => resolve(response.resume().statusCode ?? 0));
      sent.on('error', reject);
      sent.end(JSON.stringify(pushOf('x'.repeat(11_000_000), { subscription: subscription() })));
    });
    assert.equal(status, 413);
    assert.equal((await cloud.push('backfill-worker', request('Scores', '2024-04-03'))).status, 204);
  });

  it('a forged push changes no more than its message says, whatever its headers claim', async () => {
    const mark = cloud.lines.mark();
    const headers = { 'ce-id': 'another', 'ce-subject': 'admin', authorization: 'Bearer forged', 'x-goog-authenticated-user-email': 'admin@example.com', 'x-cloud-trace-context': 'not a trace' };
    const response = await post(cloud.function('backfill-worker').url, pushOf(request('Scores', '2024-04-04'), { id: 'forged-1', subscription: subscription() }), headers);
    assert.equal(response.status, 204);
    assert.deepEqual(cloud.lines.since(mark, { event: 'cell_started' }).map(({ message }) => message), ['Scores 2024-04-04']);
    const ask = await cloud.runtime.store.ask('forged-1');
    assert.deepEqual([ask?.ask.by, ask?.ask.priority], ['unknown', 'normal']);
  });
});

describeWithEmulators('BigQuery that fails, at the served worker', () => {
  let cloud: SmallCloud;
  before(async function () {
    cloud = await startSmallCloud(sharedPlaces());
  });
  after(() => cloud.dispose());
  afterEach(() => cloud.bigquery.clearFaults());

  const ask = async (processor: string, date: string, more: object = {}): Promise<void> => {
    await cloud.team.write(date, [1, 2]);
    assert.equal((await cloud.push('backfill-worker', request(processor, date, more))).status, 204);
  };
  const STAGING = { kind: 'query', sql: /SUM\(points\)/ } as const;
  /** The category of the failure that ended a cell, and whether it is tried again by itself. */
  const failed = async (date: string, category: FailureCategory, then: 'held' | 'cools', text: RegExp): Promise<void> => {
    const { failure, last } = await cloud.ended('Totals', date);
    assert.equal(last, null);
    assert.deepEqual([failure?.category, failure?.coolsUntil === null ? 'held' : 'cools'], [category, then], failure?.message);
    assert.match(failure?.message ?? '', text);
  };

  it('for a moment: the run is tried again after a few seconds, and completes', async () => {
    cloud.bigquery.failNext({ at: 'job', reason: 'backendError', job: STAGING });
    const mark = cloud.lines.mark();
    await ask('Totals', '2024-05-01');
    assert.equal((await cloud.ended('Totals', '2024-05-01')).last?.rows, 2);
    assert.deepEqual(cloud.lines.since(mark, { event: 'cell_ended', processor_name: 'Totals', game_date: '2024-05-01' }).map(({ outcome }) => outcome), ['retry', 'ran']);
  });

  it('by refusing access: infrastructure, not tried again', async () => {
    cloud.bigquery.failNext({ at: 'job', reason: 'accessDenied', message: 'Access Denied: Table small_analytics.totals: User does not have permission', job: STAGING });
    await ask('Totals', '2024-05-02');
    await failed('2024-05-02', 'infrastructure', 'cools', /Access Denied/);
  });

  it('by a quota that is used up: the cell is paused until it resets, and the attempt is given back', async () => {
    cloud.bigquery.failNext({ at: 'job', reason: 'quotaExceeded', message: 'Quota exceeded: Your table exceeded quota for imports or query appends per table', job: STAGING });
    await ask('Totals', '2024-05-03');
    const { request: open, failure } = await cloud.record('Totals', '2024-05-03');
    assert.deepEqual([open?.state, open?.attempts, failure], ['queued', 0, null]);
    assert.ok((open?.notBefore ?? 0) > cloud.runtime.engine.parts.clock.now() + 10 * 60_000, 'not before the day is over where Google counts');
  });

  it('by an error in the SQL: processing, held until its inputs or its definition change', async () => {
    cloud.bigquery.failNext({ at: 'job', reason: 'invalidQuery', message: 'Unrecognized name: points at [1:27]', job: STAGING });
    await ask('Totals', '2024-05-04');
    await failed('2024-05-04', 'processing', 'held', /Unrecognized name/);
  });

  it('by losing the answer to the copy job: the run attaches to the job that is there (P21)', async () => {
    cloud.bigquery.failNext({ at: 'answer', job: { kind: 'copy', jobId: /Totals_20240505/ } });
    await ask('Totals', '2024-05-05');
    assert.equal((await cloud.ended('Totals', '2024-05-05')).last?.rows, 2);
    assert.equal(cloud.bigquery.jobs().filter(({ kind, jobId }) => kind === 'copy' && jobId.includes('Totals_20240505')).length, 1);
  });

  it('by rows in the streaming buffer: they count, and are promoted over by none', async () => {
    const client = await cloud.runtime.clients.bigquery();
    await client.dataset('small_raw').table('scores').insert([{ game_date: '2024-05-06', team: 'streamed 1', points: 11 }, { game_date: '2024-05-06', team: 'streamed 2', points: 12 }]);
    try {
      assert.equal((await cloud.push('backfill-worker', request('Scores', '2024-05-06'))).status, 204);
      assert.equal(cloud.team.runsOf('2024-05-06'), 0, 'the date is complete already: metadata says nothing of it, a count does (P19)');
      assert.equal((await cloud.push('backfill-worker', request('Totals', '2024-05-06'))).status, 204);
      assert.equal((await cloud.ended('Totals', '2024-05-06')).last?.rows, 2);
    } finally {
      await cloud.bigquery.flush();
    }
  });

  // What follows takes the table of Totals away and brings it back.
  const REBUILT = 'CREATE TABLE small_analytics.totals (game_date DATE, team STRING, points INT64, total INT64) PARTITION BY game_date CLUSTER BY team';

  it('by a column that was renamed: its own runs end at once and name the column, nothing of the others stops, and a person is told', async () => {
    await cloud.team.write('2024-05-07', [1, 2]);
    await cloud.bigquery.outside('ALTER TABLE small_analytics.totals RENAME COLUMN total TO sum_total');
    const mark = cloud.lines.mark();
    try {
      await ask('Totals', '2024-05-07');
      const failed = await cloud.ended('Totals', '2024-05-07');
      assert.deepEqual([failed.last, failed.failure?.category, failed.failure?.coolsUntil], [null, 'processing', null]);
      assert.match(failed.failure?.message ?? '', /small_analytics\.totals is not as Totals declares it: it lacks 'total'/);
      assert.equal((await cloud.push('backfill-worker', request('Scores', '2024-05-21'))).status, 204);
      assert.equal((await cloud.ended('Scores', '2024-05-21')).last?.rows, 2, 'another table is filled all the same');
      assert.match((await cloud.lines.seen({ event: 'alert_raised' }, { since: mark })).message, /small_analytics\.totals can't be read/);
    } finally {
      await cloud.bigquery.outside('ALTER TABLE small_analytics.totals RENAME COLUMN sum_total TO total');
    }
    assert.equal((await cloud.push('backfill-worker', request('Totals', '2024-05-07'))).status, 204);
    assert.equal((await until('Totals to be filled once its column is back', async () => {
      const { last, request } = await cloud.record('Totals', '2024-05-07');
      return request === null && last;
    })).rows, 2);
  });

  it('by a table that is missing, and one that lost its partitioning', async () => {
    await cloud.bigquery.outside('DROP TABLE small_analytics.totals');
    try {
      await ask('Totals', '2024-05-08');
      const missing = await cloud.ended('Totals', '2024-05-08');
      assert.deepEqual([missing.last, missing.failure?.category, missing.failure?.outcome], [null, 'data_availability', 'failed']);
      assert.match(missing.failure?.message ?? '', /Not found: Table .*small_analytics\.totals/);
      await cloud.bigquery.outside(REBUILT.replace(' PARTITION BY game_date', ''));
      await ask('Totals', '2024-05-09');
      assert.equal((await cloud.ended('Totals', '2024-05-09')).last?.rows, 2, 'rows are replaced in one statement (P24)');
    } finally {
      await cloud.bigquery.outside('DROP TABLE IF EXISTS small_analytics.totals');
      await cloud.bigquery.outside(REBUILT);
    }
  });
});
