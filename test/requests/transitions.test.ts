import assert from 'node:assert/strict';
import { classify } from '../../shared/failures/classify.ts';
import { RetryLaterError } from '../../shared/failures/errors.ts';
import type { CellRecord, Lease, OpenRequest, VerifiedRun } from '../../shared/requests/cell.ts';
import { attemptFailed, claimed, completed, endedWithout, givenBack, joined, opened, queued, remembering, waiting, type AfterFailure } from '../../shared/requests/transitions.ts';
import { askOf, cell, emptyCell, failureOf } from '../core-builders.ts';

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LEASE: Lease = { owner: 'me', token: 1, until: NOW + MINUTE, runId: 'run-1', startedAt: NOW };

function open(record: CellRecord = emptyCell(), ask = askOf()): { record: CellRecord; request: OpenRequest } {
  return requested(opened(record, ask, { reason: 'missing', rerun: false }));
}
function requested(record: CellRecord): { record: CellRecord; request: OpenRequest } {
  assert.ok(record.request);
  return { record, request: record.request };
}
function claim(record: CellRecord): { record: CellRecord; request: OpenRequest } {
  return requested(claimed(record, requested(record).request, LEASE));
}
function fail(record: CellRecord, thrown: unknown, changes: { now?: number; inputsLacking?: boolean } = {}): AfterFailure {
  return attemptFailed(record, requested(record).request, classify(thrown), { now: NOW, maxAttempts: 3, runId: 'run-1', inputsDigest: 'i', definitionHash: 'd', inputsLacking: false, ...changes });
}
function endsWith(after: AfterFailure): NonNullable<CellRecord['failure']> {
  assert.equal(after.kind, 'ended');
  assert.ok(after.record.failure);
  assert.equal(after.record.request, null);
  return after.record.failure;
}
const TIMEOUT = new Error('Query timeout: exceeded 180 seconds');
const CONNECTION = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const DIVISION = new Error('division by zero');
const NO_DATA = Object.assign(new Error('No data found for 2024-01-05'), { name: 'NoDataError' });
const RUN: VerifiedRun = { runId: 'run-1', at: NOW, rows: 3, fingerprint: '3:aa', views: {}, trace: null, origin: 'ours', forced: false };

describe('A request', () => {
  it('opens queued, with a new generation', () => {
    const { record, request } = open();
    assert.deepEqual([record.generation, request.state, request.attempts, request.kind, record.recentAsks], [1, 'queued', 0, 'manual', ['ask-1']]);
    assert.equal(opened(record, askOf({ id: 'ask-2' }), { reason: '', rerun: true }).generation, 2);
  });

  for (const [asker, backfillId, kind] of [['person', null, 'manual'], ['person', 'b', 'manual'], ['cascade', null, 'cascade'], ['detector', null, 'auto'], ['plan', null, 'auto'], ['backfill', 'b', 'staged']] as const) {
    it(`of a ${asker}${backfillId ? ' within a backfill' : ''} is ${kind}`, () => assert.equal(open(emptyCell(), askOf({ asker, backfillId })).request.kind, kind));
  }

  it('is joined by another ask: the higher priority, what either forces, a live cascade goes on', () => {
    const { record, request } = open(emptyCell(), askOf({ priority: 'normal' }));
    const both = requested(joined(record, request, askOf({ id: 'ask-2', priority: 'high', force: true, skipDownstreamTrigger: false, isBackfill: false }), false)).request;
    assert.deepEqual([both.asks, both.priority, both.force, both.skipDownstreamTrigger, both.isBackfill, both.again], [['ask-1', 'ask-2'], 'high', true, false, false, false]);
    const low = requested(joined(record, request, askOf({ id: 'ask-3', priority: 'low' }), true)).request;
    assert.deepEqual([low.priority, low.force, low.isBackfill, low.again], ['normal', false, true, true]);
  });

  it('remembers the last asks once each', () => {
    const record = Array.from({ length: 30 }, (_, index) => `ask-${index % 25}`).reduce(remembering, emptyCell());
    assert.equal(record.recentAsks.length, 20);
    assert.equal(record.recentAsks.at(-1), 'ask-4');
    assert.equal(new Set(record.recentAsks).size, 20);
  });

  it('waits since it began to wait, also when it then waits for another cell', () => {
    const { record, request } = open();
    const first = requested(waiting(record, request, 'waiting', cell('A', '2024-01-04'), NOW));
    const second = requested(waiting(first.record, first.request, 'waiting', cell('A', '2024-01-05'), NOW + HOUR));
    assert.deepEqual([second.request.waitingSince, second.request.waitingFor], [NOW, cell('A', '2024-01-05')]);
    assert.equal(requested(waiting(second.record, second.request, 'blocked', cell('A', '2024-01-05'), NOW + HOUR)).request.waitingSince, NOW + HOUR, 'blocked is counted by itself');
    const again = requested(queued(second.record, second.request)).request;
    assert.deepEqual([again.state, again.waitingFor, again.waitingSince], ['queued', null, null]);
  });

  it('counts an attempt at the claim, and gives it back when it did not come to an outcome', () => {
    const running = claim(open().record);
    assert.deepEqual([running.request.state, running.request.attempts, running.request.lease], ['processing', 1, LEASE]);
    const back = requested(givenBack(running.record, running.request, null)).request;
    assert.deepEqual([back.state, back.attempts, back.lease], ['queued', 0, null]);
  });
});

describe('A verified run', () => {
  it('becomes the recorded one, and ends failure, suspicion and request', () => {
    const { record } = claim({ ...open({ ...emptyCell(), failure: failureOf(), suspect: 'so' }).record });
    const done = completed(record, RUN);
    assert.deepEqual([done.last, done.failure, done.suspect, done.request], [RUN, null, null, null]);
  });

  it('is judged once more when somebody asked for it while it ran', () => {
    const { record, request } = claim(open().record);
    const done = completed(joined(record, request, askOf({ id: 'ask-2' }), true), RUN);
    assert.deepEqual([done.last, done.generation, done.request?.state, done.request?.again, done.request?.rerun, done.request?.attempts, done.request?.lease], [RUN, 2, 'queued', false, false, 0, null]);
  });

  it('is run once more, changed or not, when somebody asked to reprocess it while it ran', () => {
    const { record, request } = claim(open().record);
    const done = completed(joined(record, request, askOf({ id: 'ask-2', reprocess: 'completed' }), true), RUN);
    assert.deepEqual([done.request?.state, done.request?.rerun], ['queued', true]);
  });

  it('gives every claim a token of its own, also after one was given back', () => {
    const first = claim(open().record);
    const back = givenBack(first.record, first.request, null);
    const second = claim(back);
    assert.deepEqual([first.request.claims, second.request.claims, second.request.attempts], [1, 2, 1]);
  });
});

describe('A failed attempt', () => {
  const retried: readonly (readonly [string, unknown, readonly number[]])[] = [
    ['infrastructure', CONNECTION, [5_000, 10_000]],
    ['resource_exhausted', TIMEOUT, [30_000, 60_000]],
  ];
  for (const [category, thrown, backoffs] of retried) {
    it(`by ${category} is tried three times, ${backoffs.join(' and ')} ms apart, and then cools`, () => {
      let { record } = claim(open().record);
      for (const backoff of backoffs) {
        const after = fail(record, thrown);
        assert.equal(after.kind, 'retry');
        assert.deepEqual([after.record.request?.state, after.record.request?.notBefore, after.record.failure], ['queued', NOW + backoff, null]);
        record = claim(after.record).record;
      }
      const failure = endsWith(fail(record, thrown));
      assert.deepEqual([failure.category, failure.outcome, failure.step, failure.coolsUntil, failure.inputsDigest, failure.definitionHash], [category, 'failed', 0, NOW + 15 * MINUTE, 'i', 'd']);
    });
  }

  it('by processing is held at once, with what it had read', () => {
    const failure = endsWith(fail(claim(open().record).record, DIVISION));
    assert.deepEqual([failure.category, failure.coolsUntil, failure.inputsDigest, failure.definitionHash], ['processing', null, 'i', 'd']);
  });

  it('by data_availability waits again while inputs lack, without counting', () => {
    const after = fail(claim(open().record).record, NO_DATA, { inputsLacking: true });
    assert.deepEqual([after.kind, after.record.request?.state, after.record.request?.attempts], ['retry', 'queued', 0]);
  });

  it('by data_availability with all inputs there is the source\'s: it cools', () => {
    const failure = endsWith(fail(claim(open().record).record, NO_DATA));
    assert.deepEqual([failure.category, failure.coolsUntil], ['data_availability', NOW + 15 * MINUTE]);
  });

  it('by data_availability of a forced run ends it: by force it would not wait, and run for ever', () => {
    const failure = endsWith(fail(claim(open(emptyCell(), askOf({ force: true })).record).record, NO_DATA, { inputsLacking: true }));
    assert.equal(failure.category, 'data_availability');
  });

  it('by a used-up quota gives the attempt back and pauses', () => {
    const after = fail(claim(open().record).record, new Error('Exceeded quota: concurrent queries'));
    assert.equal(after.kind, 'retry');
    assert.equal(after.record.request?.attempts, 0);
    assert.ok((after.record.request?.notBefore ?? 0) > NOW);
  });

  it('cools for 15 minutes, 1 hour, 6 hours, then daily', () => {
    let record = emptyCell();
    const pauses = Array.from({ length: 6 }, () => {
      const failure = endsWith(fail({ ...claim(open(record).record).record, request: { ...claim(open(record).record).request, attempts: 3 } }, CONNECTION));
      record = { ...record, failure };
      return (failure.coolsUntil ?? 0) - NOW;
    });
    assert.deepEqual(pauses, [15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR]);
  });

  it('starts to cool from the first step again after a success, and after a failure of another kind', () => {
    const worn = failureOf({ category: 'infrastructure', coolsUntil: 1, step: 3 });
    const third = (record: CellRecord): CellRecord => {
      const { record: running, request } = claim(open(record).record);
      return { ...running, request: { ...request, attempts: 3 } };
    };
    const healed = completed(claim(open({ ...emptyCell(), failure: worn }).record).record, RUN);
    assert.equal(endsWith(fail(third(healed), CONNECTION)).step, 0);
    assert.equal(endsWith(fail(third({ ...emptyCell(), failure: failureOf() }), CONNECTION)).step, 0);
    assert.equal(endsWith(fail(third({ ...emptyCell(), failure: worn }), CONNECTION)).step, 4);
  });

  it('of ours that says so is retried later', () => {
    const after = fail(claim(open().record).record, new RetryLaterError('wait'));
    assert.equal(after.kind, 'retry');
  });

  it('leaves the recorded run as it is', () => {
    const { record } = claim(open({ ...emptyCell(), last: RUN }).record);
    assert.equal(fail(record, DIVISION).record.last, RUN);
  });
});

describe('A request that ends without a run', () => {
  it('leaves how it ended', () => {
    const ended = failureOf({ outcome: 'cancelled', category: 'invalid_request' });
    const record = endedWithout(open().record, ended);
    assert.deepEqual([record.request, record.failure], [null, ended]);
  });
});
