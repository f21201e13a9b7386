import assert from 'node:assert/strict';
import { classify } from '../../shared/failures/classify.ts';
import { googleReasons } from '../../shared/failures/google-reasons.ts';
import { googleTexts } from '../../shared/failures/google-texts.ts';
import { googlePayloads } from './google-errors.ts';

describe("Google's errors, from documentation and public issue threads (not yet seen live unless they say when)", () => {
  for (const { name, source, seenLive, forms, category, retry, rule, pause } of googlePayloads) {
    it(`takes ${name} for ${category}, ${retry ? 'tried again' : 'not tried again'} (${source}; ${seenLive === null ? 'not yet seen live' : `seen live on ${seenLive}`})`, () => {
      for (const [form, payload] of Object.entries(forms)) {
        const failure = classify(payload);
        assert.deepEqual([failure.category, failure.retry, failure.rule, failure.pause], [category, retry, rule, pause ?? null], form);
      }
    });
  }

  const done = [
    ['BigQuery down for a moment', 'retry_soon', 'if_it_lasts'], ['Firestore, contended (P15)', 'retry_soon', 'if_it_lasts'], ['Firestore, not reached', 'retry_soon', 'if_it_lasts'],
    ['Firestore, not allowed', 'never', 'at_once'], ['a table that may not be read', 'never', 'at_once'], ["the day's own limit of bytes used up", 'retry_later', 'if_it_lasts'],
    ['a table that is missing', 'never', 'at_once'], ['a partition of a table without partitions', 'never', 'at_once'], ['a column that was renamed', 'never', 'at_once'],
    ['a change of rows that are still in the streaming buffer', 'retry_soon', 'if_it_lasts'], ['a topic that is not there', 'never', 'at_once'],
  ] as const;
  for (const [name, action, alert] of done) {
    it(`does about ${name}: ${action}, alerted ${alert}`, () => {
      const found = googlePayloads.find((payload) => payload.name === name);
      assert.ok(found);
      for (const payload of Object.values(found.forms)) assert.deepEqual([classify(payload).action, classify(payload).alert], [action, alert]);
    });
  }

  it('gives each reason and each text the place where it is documented or was reported', () => {
    const sources = [...Object.entries(googleReasons).map(([reason, { source }]) => [reason, source] as const), ...googleTexts.map(({ rule, source }) => [rule, source] as const)];
    assert.deepEqual(sources.filter(([, source]) => URL.parse(source)?.protocol !== 'https:'), []);
  });

  it('has a payload for each text that goes before a reason', () => {
    const used = new Set(googlePayloads.map(({ rule }) => rule));
    assert.deepEqual(googleTexts.map(({ rule }) => `google:${rule}`).filter((rule) => !used.has(rule)), []);
  });

  it('takes the error that ended a job, not a warning that came before it', () => {
    const warning = { reason: 'invalid', message: 'Invalid row' };
    assert.equal(classify({ status: { state: 'DONE', errorResult: { reason: 'backendError', message: 'Backend error' }, errors: [warning] } }).rule, 'google:backendError');
  });

  it("takes a text for Google's only where one of its reasons came with it", () => {
    assert.equal(classify(new Error('Could not serialize access to table t due to concurrent update')).rule, 'locked');
    assert.equal(classify({ errors: [{ reason: 'accessDenied', message: 'Access Denied: rows in the streaming buffer' }] }).rule, 'google:accessDenied');
  });
});
