import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { failureCategories } from '../../shared/failures/category.ts';
import { classify } from '../../shared/failures/classify.ts';
import { HeldBackError, InputError, NeverRetryError, ParkError, RetryLaterError, RetrySoonError } from '../../shared/failures/errors.ts';
import { googleReasons } from '../../shared/failures/google-reasons.ts';
import { patternRules } from '../../shared/failures/patterns.ts';
import type { Row } from './error-texts.ts';
import { duckdb, greps, otherDocuments, scenarios, services, symptoms } from './error-texts.ts';
import { nodeError, reasons, thrown } from './thrown-errors.ts';

describe('classify', () => {
  const tables: readonly (readonly [string, readonly Row[]])[] = [
    ['a symptom of source document 002', symptoms], ['a word that source document 002 greps for', greps], ['a scenario of source document 002', scenarios],
    ['an error of source documents 000, 001 and 003', otherDocuments], ["DuckDB's", duckdb], ["a service's or a command's", services],
  ];
  for (const [kind, rows] of tables) {
    for (const [text, category, rule] of rows) {
      it(`takes ${kind} "${text.replaceAll('\n', ' / ')}" for ${category}`, () => {
        for (const form of [text, new Error(text), { type: 'Error', message: text }]) {
          const failure = classify(form);
          assert.deepEqual([failure.category, rule === undefined ? undefined : failure.rule], [category, rule], failure.rule);
        }
      });
    }
  }

  for (const [name, value, category, rule] of thrown) {
    it(`takes ${name} for ${category}`, () => {
      const failure = classify(value);
      assert.deepEqual([failure.category, failure.rule], [category, rule]);
    });
  }

  for (const [reason, category, retry] of reasons) {
    it(`takes Google's reason ${reason} for ${category}, ${retry ? 'retried' : 'not retried'}, at request and at job level (P22)`, () => {
      const request = Object.assign(new Error('said otherwise'), { code: 400, errors: [{ reason, message: 'said otherwise' }] });
      const job = { status: { state: 'DONE', errorResult: { reason, message: 'said otherwise' }, errors: [{ reason }] } };
      const response = { code: 403, response: { data: { error: { errors: [{ reason }] } } } };
      for (const form of [request, job, response]) {
        const failure = classify(form);
        assert.deepEqual([failure.category, failure.retry, failure.rule], [category, retry, `google:${reason}`]);
      }
    });
  }

  it('reads a gRPC code where there is no reason', () => {
    assert.equal(classify(Object.assign(new Error('10 ABORTED: Too much contention'), { code: 10, details: 'Too much contention' })).rule, 'google:ABORTED');
    assert.equal(classify(Object.assign(new Error('7 PERMISSION_DENIED'), { code: 7, details: 'x' })).retry, false);
  });

  it('does not take an exit code of a child for a gRPC code', () => {
    assert.equal(classify(Object.assign(new Error('Command failed'), { code: 10, signal: null, killed: false, cmd: 'x', details: '' })).rule, 'unknown');
  });

  it('never retries what is not allowed, and alerts it at once', () => {
    for (const value of ['Permission denied errors', nodeError('EACCES', 'permission denied'), { errors: [{ reason: 'accessDenied' }] }]) {
      const { category, action, alert, retry } = classify(value);
      assert.deepEqual({ category, action, alert, retry }, { category: 'infrastructure', action: 'never', alert: 'at_once', retry: false });
    }
  });

  it('pauses for a quota as long as the quota lasts', () => {
    assert.equal(classify('ERROR: Exceeded quota: concurrent queries').pause, 'minutes');
    assert.equal(classify('ERROR: Exceeded quota: daily query bytes').pause, 'next_day');
    assert.equal(classify({ errors: [{ reason: 'quotaExceeded', message: 'Custom quota exceeded: QueryUsagePerDay' }] }).pause, 'next_day');
    assert.equal(classify({ errors: [{ reason: 'quotaExceeded', message: 'Too many DML statements outstanding against table x' }] }).pause, null);
    assert.equal(classify('Rate limit exceeded').pause, null);
  });

  it('believes an error that names what to do, also when it is the cause of another', () => {
    const rows = [
      [new RetrySoonError('x'), 'infrastructure', 'retry_soon'], [new RetryLaterError('x', { pause: 'next_day' }), 'resource_exhausted', 'retry_later'],
      [new NeverRetryError('division by zero'), 'processing', 'never'], [new ParkError('x'), 'defensive_block', 'park'], [new InputError('timeout'), 'invalid_request', 'never'],
      [new HeldBackError('x'), 'defensive_block', 'park'], [new NeverRetryError('x', { category: 'data_availability' }), 'data_availability', 'never'],
    ] as const;
    for (const [error, category, action] of rows) {
      for (const value of [error, new Error('permission denied', { cause: error })]) {
        const failure = classify(value);
        assert.deepEqual([failure.category, failure.action, failure.type, failure.message], [category, action, error.name, error.message]);
      }
    }
    assert.equal(classify(new RetryLaterError('x', { pause: 'next_day' })).pause, 'next_day');
  });

  it('keeps the beginning and the end of a long message', () => {
    const { message, category } = classify(new Error(`first ${'.'.repeat(3_000_000)} division by zero`));
    assert.equal(category, 'processing');
    assert.ok(message.length <= 2000 && message.startsWith('first') && message.endsWith('division by zero'));
  });

  it('gives each row of the tables its reason and a name of its own', () => {
    assert.equal(new Set(patternRules.map((row) => row.rule)).size, patternRules.length);
    for (const row of [...patternRules, ...Object.values(googleReasons)]) assert.ok(row.why.length > 5);
  });

  it('uses every row of the pattern table in a test row', () => {
    const rows = [...tables.flatMap(([, list]) => list.map(([text]) => text)), ...thrown.map(([, value]) => value), 'ValueError: 3'];
    const used = new Set(rows.map((value) => classify(value).rule));
    assert.deepEqual(patternRules.map((row) => row.rule).filter((rule) => !used.has(rule)), []);
  });

  it('never throws and always names one of the six categories, whatever is thrown', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }), (value) => {
      const failure = classify(value);
      assert.ok(failureCategories.includes(failure.category));
      assert.ok(failure.message.length <= 2000);
    }));
    const hostile = new Proxy({}, { get() { throw new Error('no'); } });
    assert.equal(classify(hostile).rule, 'unknown');
    const ring: { cause?: unknown } = new Error('division by zero');
    ring.cause = ring;
    assert.equal(classify(ring).category, 'processing');
  });
});
