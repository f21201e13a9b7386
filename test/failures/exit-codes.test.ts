import assert from 'node:assert/strict';
import { HeldBackError, InputError, NeverRetryError, ParkError, RetryLaterError, RetrySoonError } from '../../shared/failures/errors.ts';
import type { ExitCode } from '../../shared/failures/exit-codes.ts';
import { exitCodeFor, exitCodeOfError } from '../../shared/failures/exit-codes.ts';

describe('exit codes', () => {
  const rows: readonly (readonly [readonly ExitCode[], ExitCode])[] = [
    [[], 0], [[0], 0], [[3, 0], 3], [[3, 5], 5], [[5, 4, 3], 4], [[3, 4, 130], 130], [[130, 2], 2], [[5, 3, 4, 130, 2, 1, 0], 1],
  ];
  for (const [codes, expected] of rows) it(`reports ${expected} where ${codes.join(', ') || 'nothing'} holds`, () => assert.equal(exitCodeFor(codes), expected));

  it('gives an error the exit code of what the caller has to do', () => {
    assert.equal(exitCodeOfError(new InputError('x')), 2);
    assert.equal(exitCodeOfError(new NeverRetryError('x', { category: 'invalid_request' })), 2);
    assert.equal(exitCodeOfError(new HeldBackError('x')), 5);
    assert.equal(exitCodeOfError(new ParkError('x')), 3);
    for (const error of [new NeverRetryError('x'), new RetrySoonError('x'), new RetryLaterError('x')]) assert.equal(exitCodeOfError(error), 4);
    for (const thrown of [new Error('x'), 'x', undefined]) assert.equal(exitCodeOfError(thrown), 1);
  });

  it('keeps name, category, detail and cause of an error', () => {
    const cause = new Error('c');
    const error = new RetrySoonError('m', { detail: 'd', cause, category: 'data_availability' });
    assert.deepEqual([error.name, error.message, error.detail, error.category, error.cause], ['RetrySoonError', 'm', 'd', 'data_availability', cause]);
    assert.equal('cause' in new InputError('m'), false);
  });
});
