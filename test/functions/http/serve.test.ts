import assert from 'node:assert/strict';
import { InputError, RetrySoonError } from '../../../shared/failures/errors.ts';
import { base64, push, REQUEST, serve, type Served, type ServedOptions } from '../served.ts';

describe('the shell of a Pub/Sub-triggered function', () => {
  let served: Served | null = null;
  afterEach(async () => {
    await served?.close();
    served = null;
  });
  const start = async (options: ServedOptions): Promise<Served> => (served = await serve(options));
  const message = push({ data: base64({ ...REQUEST, request_id: 'ask-1' }) });
  const line = (event: string) => served?.lines.find((one) => one.event === event);

  it('answers 204 to an acknowledged message, with an empty body', async () => {
    const { post } = await start({});
    const response = await post(message);
    assert.deepEqual([response.status, await response.text()], [204, '']);
    assert.equal(line('message_acknowledged')?.severity, 'INFO');
  });
  it('answers 503 to a nack, says why in the log, and nothing is dead-lettered', async () => {
    const { post, published } = await start({ handle: async () => ({ kind: 'nack', reason: 'state could not be reached' }) });
    assert.equal((await post(message)).status, 503);
    assert.equal(line('message_nacked')?.message, 'state could not be reached');
    assert.deepEqual(published, []);
  });
  it('publishes what can never be right to the dead-letter topic with its reason, then acknowledges it', async () => {
    const { post, published } = await start({ handle: async () => ({ kind: 'dead_letter', reason: "there is no processor 'Raw'" }) });
    assert.equal((await post(message)).status, 204);
    assert.equal(published.length, 1);
    assert.equal(published[0]?.attributes['dead_letter_reason'], "there is no processor 'Raw'");
    assert.equal(published[0].attributes['dead_letter_delivery_count'], '3');
    assert.deepEqual(JSON.parse(published[0].body), { ...REQUEST, request_id: 'ask-1' });
  });
  it('nacks what could not be dead-lettered: a message is never lost', async () => {
    const { post } = await start({ handle: async () => ({ kind: 'dead_letter', reason: 'wrong' }), publish: async () => { throw new Error('14 UNAVAILABLE: no connection'); } });
    assert.equal((await post(message)).status, 503);
    assert.match(String(line('dead_letter_unpublished')?.message), /UNAVAILABLE.*the reason was: wrong/);
  });

  const unreachable: Readonly<Record<string, unknown>> = {
    'state that can not be reached': new RetrySoonError('the state store did not answer'),
    'a lost connection': Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }) }),
    'a contended document': Object.assign(new Error('10 ABORTED: too much contention'), { code: 10, details: 'too much contention' }),
    'a denied permission': Object.assign(new Error('7 PERMISSION_DENIED: missing'), { code: 7, details: 'missing' }),
    'a quota that is used up': Object.assign(new Error('Quota exceeded'), { errors: [{ reason: 'quotaExceeded' }], code: 403 }),
  };
  for (const [what, thrown] of Object.entries(unreachable)) {
    it(`nacks for ${what}, with its category, and calls it no fault`, async () => {
      const { post, published } = await start({ handle: async () => { throw thrown; } });
      assert.equal((await post(message)).status, 503);
      assert.match(String(line('message_nacked')?.message), /^(infrastructure|resource_exhausted): /);
      assert.equal(line('function_fault'), undefined);
      assert.deepEqual(published, []);
    });
  }
  it('dead-letters a message that the flows refuse by throwing an InputError', async () => {
    const { post, published } = await start({ handle: async () => { throw new InputError('received 40 dates, allowed are 31'); } });
    assert.equal((await post(message)).status, 204);
    assert.equal(published[0]?.attributes['dead_letter_reason'], 'received 40 dates, allowed are 31');
  });
  it('nacks for a fault of this program and logs its stack for Error Reporting', async () => {
    const { post } = await start({ handle: async () => { throw new TypeError("Cannot read properties of undefined (reading 'x')"); } });
    assert.equal((await post(message)).status, 503);
    assert.equal(line('function_fault')?.severity, 'ERROR');
    assert.equal(line('message_nacked')?.severity, 'WARNING');
  });
  it('survives what is thrown and is no Error, and what is thrown at once (P9)', async () => {
    const { post, seen } = await start({ handle: (received) => {
      if (received.messageId === 'text') return Promise.reject('a text');
      throw new Error('at once');
    } });
    assert.equal((await post(push({ messageId: 'text', data: '' }))).status, 503);
    assert.equal((await post(push({ messageId: 'now', data: '' }))).status, 503);
    assert.equal(seen.length, 2);
  });

  it('sends the outbox before it answers (P11)', async () => {
    const order: string[] = [];
    const { post } = await start({ handle: async () => { order.push('handled'); return { kind: 'ack' }; }, settle: async () => { order.push('settled'); } });
    await post(message);
    order.push('answered');
    assert.deepEqual(order, ['handled', 'settled', 'answered']);
  });
  it('acknowledges although the outbox could not be sent: it is durable, and somebody else sends it', async () => {
    const { post } = await start({ settle: async () => { throw new Error('14 UNAVAILABLE'); } });
    assert.equal((await post(message)).status, 204);
    assert.equal(line('outbox_left')?.severity, 'WARNING');
  });
  it('does not look at the outbox when a service is not reachable: it would take as long again, and somebody else sends it', async () => {
    let settled = 0;
    const { post } = await start({ handle: async () => { throw new RetrySoonError('14 UNAVAILABLE'); }, settle: async () => { settled += 1; } });
    assert.equal((await post(message)).status, 503);
    assert.equal(settled, 0);
  });
  it('sends the outbox of what was committed before a handler threw', async () => {
    let settled = 0;
    const { post } = await start({ handle: async () => { throw new Error('lost'); }, settle: async () => { settled += 1; } });
    await post(message);
    assert.equal(settled, 1);
  });

  it('opens the runtime once, for all messages that come meanwhile', async () => {
    let opened = 0;
    const gate = Promise.withResolvers<void>();
    const { post } = await start({ open: async (runtime) => { opened += 1; await gate.promise; return runtime(); } });
    assert.equal(opened, 0);
    const both = [post(message), post(message)];
    gate.resolve();
    assert.deepEqual((await Promise.all(both)).map(({ status }) => status), [204, 204]);
    await post(message);
    assert.equal(opened, 1);
    assert.equal(typeof line('runtime_opened')?.['milliseconds'], 'number');
  });
  it('nacks while the runtime cannot be opened, and opens it at a later message', async () => {
    let tries = 0;
    const { post, seen } = await start({ open: async (runtime) => { tries += 1; if (tries === 1) throw new InputError('there is no pipeline.yaml in ./pipeline'); return runtime(); } });
    assert.equal((await post(message)).status, 503);
    assert.match(String(line('runtime_unavailable')?.message), /there is no pipeline.yaml/);
    assert.deepEqual(seen, []);
    assert.equal((await post(message)).status, 204);
  });
  it('does not open the runtime for what is no Pub/Sub event', async () => {
    let opened = 0;
    const { post } = await start({ open: async (runtime) => { opened += 1; return runtime(); } });
    await post({ user: 7 });
    assert.equal(opened, 0);
  });

  it('aborts what still runs when the time but for the reserve is used up, and answers (P2, P8)', async () => {
    let room: readonly boolean[] = [];
    const { post } = await start({
      deadline: { timeoutSeconds: 1, reserveSeconds: 0.8 },
      handle: async (_message, { signal, budget }) => {
        room = [budget.hasRoom(200, 1000), budget.hasRoom(201, 1000), budget.hasRoom(100, 1101)];
        await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
        return { kind: 'ack' };
      },
    });
    assert.equal((await post(message)).status, 204);
    assert.deepEqual(room, [true, false, false]);
  });
  it('lets go of the timer of a message that is done', async () => {
    const signals: AbortSignal[] = [];
    const { post } = await start({
      deadline: { timeoutSeconds: 0.05, reserveSeconds: 0 },
      handle: async ({ messageId }, { signal }) => {
        signals.push(signal);
        if (messageId === 'last') await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
        return { kind: 'ack' };
      },
    });
    await post(message);
    await post(push({ messageId: 'last', data: '' }));
    assert.deepEqual(signals.map(({ aborted }) => aborted), [false, true]);
  });

  it('gives every line of a message its cause, cell, message and trace', async () => {
    const { post, lines } = await start({});
    await post(message, { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
    const acknowledged = line('message_acknowledged');
    assert.equal(acknowledged?.['cause'], 'ask-1');
    assert.equal(acknowledged['request_id'], 'ask-1');
    assert.equal(acknowledged['processor_name'], 'Raw');
    assert.equal(acknowledged['game_date'], '2024-01-05');
    assert.equal(acknowledged['message_id'], '17');
    assert.equal(acknowledged['subscription'], 'worker-sub');
    assert.equal(acknowledged['delivery_attempt'], 3);
    assert.ok(lines.every((one) => one['logging.googleapis.com/trace'] === 'projects/small/traces/0af7651916cd43dd8448eb211c80319c'));
  });
  it('keeps the lines of messages that are worked on at once apart', async () => {
    const gate = Promise.withResolvers<void>();
    const { post, seen, lines } = await start({ handle: async () => { if (seen.length === 2) gate.resolve(); await gate.promise; return { kind: 'ack' }; } });
    await Promise.all(['a', 'b'].map((id) => post(push({ messageId: id, data: base64({ cause_id: `cause-${id}` }) }))));
    for (const id of ['a', 'b']) {
      assert.deepEqual(lines.filter((one) => one['message_id'] === id).map((one) => one['cause']), [`cause-${id}`, `cause-${id}`]);
    }
  });
});
