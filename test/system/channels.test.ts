import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Alert } from '../../shared/alerts/alert.ts';
import { InputError, NeverRetryError } from '../../shared/failures/errors.ts';
import { alertFile } from '../../shared/system/alert-file.ts';
import { alertTopic } from '../../shared/system/alert-topic.ts';
import { alertWebhook, webhookOf } from '../../shared/system/alert-webhook.ts';
import { Channels, type Channel } from '../../shared/system/channels.ts';
import { ManualClock } from '../manual-clock.ts';
import { json, serve, type LocalServer } from '../google-runner/local-server.ts';

const START = Date.UTC(2024, 0, 5);
const alert: Alert = { severity: 'warning', event: 'backfill_failures', title: 'backfills: 3 cells have failed', lines: ['Box: 3'], command: 'smart-backfill gaps', at: START };

/** Until something is so: what the other side of a socket does comes in its own time. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await nextTurn();
}

describe('system/channels', () => {
  let clock: ManualClock;
  let told: Alert[];
  let undelivered: string[];
  let server: LocalServer | null;
  let channels: Channels;
  const over = (...given: Channel[]): Channels => {
    channels = new Channels({ tell: (alert) => { told.push(alert); }, channels: given, clock, onUndelivered: (channel, { title }, reason) => { undelivered.push(`${channel}: ${title}: ${reason}`); } });
    return channels;
  };
  const answering = async (...answers: ((response: ServerResponse) => void)[]): Promise<Channel> => {
    let turn = 0;
    server = await serve((_request, response) => {
      const answer = answers[Math.min(turn, answers.length - 1)];
      turn += 1;
      answer?.(response);
    });
    return alertWebhook(new URL(`${server.address}/services/T0/secret`));
  };
  const ok = (response: ServerResponse): void => { response.end('ok'); };
  const status = (code: number, headers: Record<string, string> = {}, body = '') => (response: ServerResponse): void => { response.writeHead(code, headers).end(body); };
  beforeEach(() => {
    clock = new ManualClock(START);
    told = [];
    undelivered = [];
    server = null;
  });
  afterEach(async () => {
    const closing = channels.close(1);
    clock.advance(1);
    await closing;
    await server?.close();
  });

  it('posts an alert to the webhook as Slack takes it', async () => {
    const hook = over(await answering(ok));
    await hook.notify(alert);
    await hook.flush(1000);
    const [request] = server?.received ?? [];
    assert.deepEqual([request?.method, request?.path, request?.headers['content-type'], JSON.parse(request?.body ?? '')],
      ['POST', '/services/T0/secret', 'application/json', { text: '*[warning] backfills: 3 cells have failed*\n• Box: 3\n`smart-backfill gaps`' }]);
    assert.deepEqual([told, undelivered], [[alert], []]);
  });

  it('posts again after 1 and after 2 seconds, where it is answered 500', async () => {
    const hook = over(await answering(status(500), status(500), ok));
    await hook.notify(alert);
    for (const [requests, pause] of [[1, 1000], [2, 2000]] as const) {
      await until(() => clock.nextWake() === clock.now() + pause);
      assert.equal(server?.received.length, requests);
      clock.advance(pause);
    }
    await hook.flush(60_000);
    assert.deepEqual([server?.received.length, undelivered], [3, []]);
  });

  it('waits for as long as a 429 asks, and no longer than a minute', async () => {
    const hook = over(await answering(status(429, { 'retry-after': '7' }), status(429, { 'retry-after': '86400' }), ok));
    await hook.notify(alert);
    for (const pause of [7000, 60_000]) {
      await until(() => clock.nextWake() === clock.now() + pause);
      clock.advance(pause);
    }
    await hook.flush(60_000);
    assert.deepEqual([server?.received.length, undelivered], [3, []]);
  });

  it('gives up after three tries, and says why without the address', async () => {
    const hook = over(await answering(status(503, { 'retry-after': '2' }, 'upstream')));
    await hook.notify(alert);
    for (const _ of [1, 2]) {
      await until(() => clock.nextWake() === clock.now() + 2000);
      clock.advance(2000);
    }
    await hook.flush(60_000);
    assert.equal(server?.received.length, 3);
    assert.match(undelivered.join(), /^webhook: backfills: 3 cells have failed: the webhook at 127\.0\.0\.1:\d+ answered 503 \(upstream\)$/);
  });

  for (const [code, said] of [[404, 'no_team'], [403, 'invalid_token'], [302, '']] as const) {
    it(`does not try again what is answered ${code}`, async () => {
      const hook = over(await answering(status(code, { location: 'http://127.0.0.1:1/elsewhere' }, said)));
      await hook.notify(alert);
      await hook.flush(60_000);
      assert.equal(server?.received.length, 1);
      assert.equal(undelivered.length, 1);
      assert.match(undelivered[0] ?? '', new RegExp(`answered ${code}.*look whether its address is still right`));
      assert.doesNotMatch(undelivered[0] ?? '', /secret/);
    });
  }

  it('says what was answered without the address, also where the answer has it', async () => {
    const hook = over(await answering((response) => response.writeHead(404).end('Cannot POST /services/T0/secret')));
    await hook.notify(alert);
    await hook.flush(60_000);
    assert.match(undelivered.join(), /answered 404 \(Cannot POST …\)/);
  });

  it('says why it is not reached without the address, also where that is one that fetch refuses', async () => {
    const hook = over(alertWebhook(new URL('https://kim:hidden@hooks.example.com/services/T0/secret')));
    await hook.notify(alert);
    for (const pause of [1000, 2000]) {
      await until(() => clock.nextWake() === clock.now() + pause);
      clock.advance(pause);
    }
    await hook.flush(60_000);
    assert.match(undelivered.join(), /the webhook at hooks\.example\.com is not reached/);
    assert.doesNotMatch(undelivered.join(), /secret|hidden/);
  });

  it('outlives a channel that throws at once, and goes on with the next alert', async () => {
    const hook = over({ name: 'hasty', deliver: () => { throw new NeverRetryError('no place left'); } });
    await hook.notify(alert);
    await hook.notify({ ...alert, title: 'a second' });
    await hook.flush(60_000);
    assert.deepEqual(undelivered, ['hasty: backfills: 3 cells have failed: no place left', 'hasty: a second: no place left']);
  });

  it('tries again where nobody listens', async () => {
    const gone = await serve(() => undefined);
    await gone.close();
    const hook = over(alertWebhook(new URL(`${gone.address}/secret`)));
    await hook.notify(alert);
    for (const pause of [1000, 2000]) {
      await until(() => clock.nextWake() === clock.now() + pause);
      clock.advance(pause);
    }
    await hook.flush(60_000);
    assert.match(undelivered.join(), /is not reached: .*ECONNREFUSED/);
  });

  it('is held up by a webhook that hangs for no moment, and neither are the other channels', async () => {
    const delivered: Alert[] = [];
    const hook = over(await answering(() => undefined), { name: 'other', deliver: async (alert) => { delivered.push(alert); } });
    await hook.notify(alert);
    await hook.notify({ ...alert, title: 'a second' });
    assert.equal(told.length, 2, 'the work goes on at the same instant');
    await until(() => delivered.length === 2);
    assert.equal(clock.now(), START);
    for (const wait of [10_000, 1000, 10_000, 2000, 10_000]) {
      await until(() => clock.nextWake() === clock.now() + wait);
      clock.advance(wait);
    }
    await until(() => undelivered.length === 1);
    assert.equal(undelivered[0], 'webhook: backfills: 3 cells have failed: no answer within 10000 ms');
    assert.equal(server?.received.length, 3);
  });

  it('does not wait for a channel that hears no signal either', async () => {
    const hook = over({ name: 'deaf', deliver: () => new Promise(() => undefined) });
    await hook.notify(alert);
    for (const wait of [10_000, 1000, 10_000, 2000, 10_000]) {
      await until(() => clock.nextWake() === clock.now() + wait);
      clock.advance(wait);
    }
    await until(() => undelivered.length === 1);
  });

  it('lets no more than fifty alerts wait for a channel that hangs', async () => {
    const hook = over(await answering(() => undefined));
    for (let index = 0; index < 60; index += 1) await hook.notify(alert);
    assert.equal(told.length, 60);
    assert.equal(undelivered.length, 10);
    assert.match(undelivered[0] ?? '', /50 alerts wait for it already/);
  });

  it('ends in the time that it is given, and says what it gave up', async () => {
    const hook = over(await answering(() => undefined));
    await hook.notify(alert);
    await hook.notify({ ...alert, title: 'a second' });
    await until(() => server?.received.length === 1);
    const closing = hook.close(3000);
    clock.advance(3000);
    await closing;
    assert.equal(undelivered.length, 2);
    assert.match(undelivered[1] ?? '', /a second: this process ends/);
  });

  it('goes on where its log can not be written to', async () => {
    channels = new Channels({ tell: () => { throw new Error('EPIPE'); }, channels: [], clock, onUndelivered: () => undefined });
    await channels.notify(alert);
  });

  describe('the file', () => {
    let folder: string;
    beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'sbf-alerts-')); });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it('gets a line of JSON an alert, at its end, in order', async () => {
      const path = join(folder, 'alerts.jsonl');
      const file = over(alertFile(path));
      await file.notify(alert);
      await file.notify({ ...alert, title: 'a “second”\nline', command: null });
      await file.flush(1000);
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n').map((line): unknown => JSON.parse(line));
      assert.deepEqual(lines, [{ ...alert, at: '2024-01-05T00:00:00.000Z' }, { ...alert, at: '2024-01-05T00:00:00.000Z', title: 'a “second”\nline', command: null }]);
    });

    it('fails nothing where it can not be written', async () => {
      const file = over(alertFile(join(folder, 'no', 'such', 'folder')));
      await file.notify(alert);
      for (const pause of [1000, 2000]) {
        await until(() => clock.nextWake() === clock.now() + pause);
        clock.advance(pause);
      }
      await file.flush(60_000);
      assert.match(undelivered.join(), /^file: .*ENOENT/);
    });
  });

  describe('the topic', () => {
    it('gets a message with severity and event as attributes', async () => {
      const published: unknown[] = [];
      const topic = over(alertTopic({ publish: async (name, body, attributes) => { published.push([name, JSON.parse(body), attributes]); return 'id'; } }, 'nba-backfill-alerts', () => ({ cause_id: 'ask-1' })));
      await topic.notify(alert);
      await topic.flush(1000);
      assert.deepEqual(published, [['nba-backfill-alerts', { ...alert, at: '2024-01-05T00:00:00.000Z', cause_id: 'ask-1' }, { severity: 'warning', event: 'backfill_failures' }]]);
    });

    it('is not tried again where it does not exist', async () => {
      const topic = over(alertTopic({ publish: async () => { throw new NeverRetryError("topic 'x' does not exist"); } }, 'x'));
      await topic.notify(alert);
      await topic.flush(1000);
      assert.deepEqual(undelivered, ["topic: backfills: 3 cells have failed: topic 'x' does not exist"]);
    });
  });

  it('reads the address of a webhook, and repeats none that is wrong', () => {
    assert.equal(webhookOf('SLACK_WEBHOOK_URL', undefined), null);
    assert.equal(webhookOf('SLACK_WEBHOOK_URL', ''), null);
    assert.equal(webhookOf('SLACK_WEBHOOK_URL', 'https://hooks.slack.com/services/x')?.host, 'hooks.slack.com');
    for (const wrong of ['hooks.slack.com/secret', 'file:///secret', 'secret', 'https://kim:secret@hooks.slack.com/services/x']) {
      assert.throws(() => webhookOf('SLACK_WEBHOOK_URL', wrong), (error: unknown) => error instanceof InputError && /^SLACK_WEBHOOK_URL: .*correct or unset it$/.test(error.message) && !error.message.includes('secret'));
    }
    over();
  });

  it('answers with JSON are read as well', async () => {
    const hook = over(await answering((response) => json(response, 400, { error: 'invalid_payload' })));
    await hook.notify(alert);
    await hook.flush(1000);
    assert.match(undelivered.join(), /answered 400 \(\{"error":"invalid_payload"\}\)/);
  });
});
