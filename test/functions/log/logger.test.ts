import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { withFields } from '../../../functions/log/context.ts';
import { eventsTable } from '../../../functions/log/events-table.ts';
import { logEvents, severities } from '../../../functions/log/events.ts';
import { jsonLogger, type LoggerOptions } from '../../../functions/log/logger.ts';
import { NeverRetryError } from '../../../shared/failures/errors.ts';
import type { MessageBus } from '../../../shared/ports/message-bus.ts';
import { googleChannels } from '../../../functions/log/notifier.ts';
import { traceOfHeaders } from '../../../functions/log/trace.ts';
import { detectionLog, workLog } from '../../../functions/log/work-log.ts';
import { dayOf } from '../../../shared/calendar/day.ts';

const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true };

function logging(options: Partial<LoggerOptions> = {}) {
  const written: string[] = [];
  const logger = jsonLogger({ project: 'small', function: 'backfill-worker', level: 'DEBUG', now: () => Date.UTC(2024, 0, 15, 12), write: (line) => written.push(line), ...options });
  return { logger, written, lines: (): Record<string, unknown>[] => written.map((line) => JSON.parse(line)) };
}

describe("structured logs in Google's format", () => {
  it('write one JSON object a line, with severity, message, time, trace and the fields of the cell', () => {
    const { logger, lines } = logging();
    logger.log('cell_started', 'Raw 2024-01-05', { cause: 'ask-1', processor_name: 'Raw', game_date: '2024-01-05', run_id: 'run-1', trace });
    assert.deepEqual(lines(), [{
      severity: 'INFO', message: 'Raw 2024-01-05', time: '2024-01-15T12:00:00.000Z', event: 'cell_started', function: 'backfill-worker',
      'logging.googleapis.com/trace': 'projects/small/traces/0af7651916cd43dd8448eb211c80319c', 'logging.googleapis.com/spanId': 'b7ad6b7169203331', 'logging.googleapis.com/trace_sampled': true,
      cause: 'ask-1', processor_name: 'Raw', game_date: '2024-01-05', run_id: 'run-1',
    }]);
  });
  it('stay on one line whatever a message holds', () => {
    const { logger, written, lines } = logging();
    logger.log('message_nacked', 'first\nsecond\u2028third "quoted" \u0000');
    assert.ok(!written[0]!.includes('\n'));
    assert.equal(lines()[0]!['message'], 'first\nsecond\u2028third "quoted" \u0000');
  });
  it('take the severity of the catalogue, unless a line says its own', () => {
    const { logger, lines } = logging();
    logger.log('alert_raised', 'a');
    logger.log('alert_raised', 'b', { severity: 'CRITICAL' });
    assert.deepEqual(lines().map(({ severity }) => severity), ['WARNING', 'CRITICAL']);
  });
  it('leave out what is below the level', () => {
    const { logger, lines } = logging({ level: 'WARNING' });
    for (const event of ['message_received', 'cell_ended', 'time_used_up', 'message_nacked', 'function_fault'] as const) logger.log(event, event);
    assert.deepEqual(lines().map(({ event }) => event), ['message_nacked', 'function_fault']);
  });
  it('leave out the trace where the project is not known, and fields without a value', () => {
    const { logger, lines } = logging({ project: null });
    logger.log('cell_started', 'x', { trace, run_id: undefined, command: null });
    assert.deepEqual(Object.keys(lines()[0]!), ['severity', 'message', 'time', 'event', 'function']);
  });
  it('cut what is longer than an entry may be', () => {
    const { logger, written, lines } = logging();
    logger.log('function_fault', 'x'.repeat(50_000), { stack_trace: 'y'.repeat(50_000) });
    assert.ok(written[0]!.length < 20_000);
    logger.log('detection_ended', 'much', { many: Array.from({ length: 50_000 }, () => 'zzzzzz') });
    assert.ok(written[1]!.length < 20_000);
    assert.equal(lines()[1]!['truncated'], true);
  });
  it('carry the fields of the message that is worked on, which a line of its own may replace', async () => {
    const { logger, lines } = logging();
    await withFields({ cause: 'ask-1', message_id: '17' }, async () => {
      await Promise.resolve();
      logger.log('cell_started', 'its own');
      logger.log('cell_started', "another's", { cause: 'ask-2' });
    });
    logger.log('cell_started', 'outside');
    assert.deepEqual(lines().map(({ cause, message_id }) => [cause, message_id]), [['ask-1', '17'], ['ask-2', '17'], [undefined, undefined]]);
  });
  it('tell of each cell that a worker starts and ends, with the ask it goes back to', () => {
    const { logger, lines } = logging();
    const { onStart, onEnd } = workLog(logger);
    const key = { processor: 'Raw', day: dayOf('2024-01-05') };
    onStart(key);
    const ended = { ...key, reason: 'asked', startedAt: 1000, endedAt: 3500, rows: 7, retryAt: null, cause: 'ask-2', runId: 'run-1', backfillId: null };
    onEnd({ ...ended, outcome: 'ran', failure: null });
    const failure = { outcome: 'failed', category: 'processing', message: 'silent_failure: no rows', at: 0, runId: 'run-1', step: 0, coolsUntil: null, inputsDigest: null, definitionHash: '' } as const;
    onEnd({ ...ended, outcome: 'failed', failure, isBackfill: true });
    const [started, ran, failed] = lines();
    assert.deepEqual([started!['processor_name'], started!['game_date']], ['Raw', '2024-01-05']);
    assert.deepEqual([ran!['event'], ran!['outcome'], ran!['milliseconds'], ran!['run_id'], ran!['cause'], ran!['rows']], ['cell_ended', 'ran', 2500, 'run-1', 'ask-2', 7]);
    assert.deepEqual([ran!['backfill_mode'], failed!['backfill_mode']], [undefined, true], 'the alert policy on failed runs leaves those of backfills to their digest');
    assert.deepEqual([failed!['event'], failed!['severity'], failed!['category'], failed!['message']], ['cell_failed', 'WARNING', 'processing', 'Raw 2024-01-05: failed: silent_failure: no rows']);
  });
  it('tell of a detection, and of one that joined another', () => {
    const { logger, lines } = logging();
    detectionLog(logger)({ joined: true, detection: null, recovered: null });
    detectionLog(logger)({ joined: false, detection: { findings: [], gaps: [], judged: 3 }, recovered: null });
    assert.deepEqual(lines().map(({ event, gaps }) => [event, gaps]), [['detection_joined', undefined], ['detection_ended', 0]]);
  });
});

describe('alerts in the log and on the alerts topic', () => {
  const alert = { severity: 'critical', event: 'gap_left_to_people', title: 'one gap is over the bounds', lines: ['Raw 2024-01-05'], command: 'smart-backfill recover --all', at: 0 } as const;

  it('are both, with the command and the cause', async () => {
    const { logger, lines } = logging();
    const published: unknown[] = [];
    const bus: MessageBus = { publish: async (topic, body, attributes) => { published.push([topic, JSON.parse(body), attributes]); return 'id'; } };
    const notifier = googleChannels({ log: logger, bus, topic: 'alerts', webhook: null });
    await withFields({ cause: 'ask-1' }, () => notifier.notify(alert));
    await notifier.flush(5000);
    assert.deepEqual(published, [['alerts', { ...alert, at: '1970-01-01T00:00:00.000Z', cause_id: 'ask-1' }, { severity: 'critical', event: 'gap_left_to_people' }]]);
    assert.deepEqual(lines().map(({ severity, event, alert: name, command, message }) => [severity, event, name, command, message]), [['CRITICAL', 'alert_raised', 'gap_left_to_people', 'smart-backfill recover --all', 'one gap is over the bounds\nRaw 2024-01-05']]);
  });
  it('do not fail the work that they tell of when they cannot be published', async () => {
    const { logger, lines } = logging();
    const notifier = googleChannels({ log: logger, bus: { publish: async () => { throw new NeverRetryError("topic 'alerts' does not exist"); } }, topic: 'alerts', webhook: null });
    await notifier.notify(alert);
    await notifier.flush(5000);
    assert.deepEqual(lines().map(({ event, channel, message }) => [event, channel, message]), [
      ['alert_raised', undefined, 'one gap is over the bounds\nRaw 2024-01-05'], ['alert_undelivered', 'topic', "one gap is over the bounds: topic 'alerts' does not exist"],
    ]);
  });
});

describe('the trace of a request', () => {
  const of = (headers: Readonly<Record<string, string>>) => traceOfHeaders((name) => headers[name]);

  it('is read from traceparent', () => {
    assert.deepEqual(of({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }), trace);
    assert.equal(of({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' })?.sampled, false);
  });
  it("is read from Google's own header, whose span is decimal", () => {
    assert.deepEqual(of({ 'x-cloud-trace-context': '0af7651916cd43dd8448eb211c80319c/13235353014750950193;o=1' }), trace);
    assert.deepEqual(of({ 'x-cloud-trace-context': '0AF7651916CD43DD8448EB211C80319C' }), { ...trace, spanId: null, sampled: false });
  });
  it('is none where a header is not in its form', () => {
    for (const traceparent of ['', 'x', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x']) assert.equal(of({ traceparent }), null);
    assert.equal(of({ 'x-cloud-trace-context': '../../etc/passwd' }), null);
  });
});

describe('the catalogue of log events', () => {
  it('gives each a severity, what it means and what to do', () => {
    for (const [name, { severity, means, todo }] of Object.entries(logEvents)) {
      assert.match(name, /^[a-z]+(_[a-z]+)*$/);
      assert.ok(severities.includes(severity) && means.length > 10 && todo.length > 5, name);
    }
  });
  it('is a table with a row for each, whose cells no text breaks', () => {
    const rows = eventsTable().split('\n');
    assert.equal(rows.length, Object.keys(logEvents).length + 2);
    for (const row of rows) assert.equal(row.replaceAll('\\|', '').split('|').length, 6, row);
  });
  const guide = new URL('../../../docs/operate.md', import.meta.url);
  (existsSync(guide) ? it : it.skip)('stands in docs/operate.md as it is (skipped only where the guide is not there)', () => {
    assert.ok(readFileSync(guide, 'utf8').includes(eventsTable()), 'put the output of eventsTable() (functions/log/events-table.ts) into docs/operate.md');
  });
});
