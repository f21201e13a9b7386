import assert from 'node:assert/strict';
import { answerError } from '../../../pipelines/nba/service/answer-error.ts';
import { classify } from '../../../shared/failures/classify.ts';
import { googleReasons } from '../../../shared/failures/google-reasons.ts';

describe('An error in an answer of the nba-sources service', () => {
  for (const reason of Object.keys(googleReasons)) {
    it(`means to the caller what Google meant by ${reason}`, () => {
      const thrown = Object.assign(new Error('Google says no'), { errors: [{ reason, message: 'Google says no' }] });
      const answered = answerError(thrown);
      assert.equal(classify(answered).category, classify(thrown).category, JSON.stringify(answered));
      assert.ok(answered.message.includes(reason));
    });
  }

  it('is worth another try where the connection was refused, which no reason says', () => {
    const thrown = Object.assign(new Error('request failed, reason: connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    assert.deepEqual([classify(answerError(thrown)).category, classify(answerError(thrown)).retry], ['infrastructure', true]);
  });

  it('keeps the type of what the processor itself got wrong', () => {
    assert.deepEqual(answerError(new RangeError('division by zero')), { type: 'RangeError', message: 'division by zero' });
  });
});
