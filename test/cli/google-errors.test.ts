import assert from 'node:assert/strict';
import { foundAndMend, googleTrouble } from '../../scripts/runtime/google-errors.ts';
import { exitCodeOfError } from '../../shared/failures/exit-codes.ts';
import { FailureError, InputError, RetrySoonError } from '../../shared/failures/errors.ts';

const PROJECT = 'some-project';

function failureOf(thrown: unknown): FailureError {
  const trouble = googleTrouble(thrown, PROJECT);
  assert.ok(trouble instanceof FailureError, String(trouble));
  return trouble;
}

describe('what Google answers a command, in words', () => {
  // https://cloud.google.com/bigquery/docs/error-messages
  const denied = Object.assign(new Error('Access Denied: Project some-project: User does not have bigquery.jobs.create permission in project some-project.'), { code: 403, errors: [{ reason: 'accessDenied' }] });

  it('names the roles that a denied query needs, and ends with exit code 4', () => {
    const trouble = failureOf(denied);
    assert.match(trouble.message, /^Google, project some-project: Access Denied/);
    assert.match(trouble.detail, /roles\/bigquery\.jobUser on the project, and roles\/bigquery\.dataViewer/);
    assert.equal(exitCodeOfError(trouble), 4);
  });

  it('names the roles that a denied publish needs', () => {
    const trouble = failureOf(Object.assign(new Error('7 PERMISSION_DENIED: User not authorized to perform this action.'), { code: 7, details: 'User not authorized to perform this action.' }));
    assert.match(trouble.detail, /roles\/pubsub\.publisher on the topic/);
  });

  it('says how to get credentials, with exit code 2', () => {
    const trouble = failureOf(new Error('Could not load the default credentials. Browse to https://cloud.google.com/docs/authentication/getting-started for more information.'));
    assert.ok(trouble instanceof InputError);
    assert.match(trouble.message, /gcloud auth application-default login/);
  });

  it('says of a service that does not answer that it may be tried again, with exit code 4', () => {
    const trouble = failureOf(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED', syscall: 'connect' }));
    assert.ok(trouble instanceof RetrySoonError);
    assert.equal(exitCodeOfError(trouble), 4);
  });

  it('leaves alone what is not of Google: a fault of this program stays one', () => {
    const fault = new TypeError("Cannot read properties of undefined (reading 'day')");
    assert.equal(googleTrouble(fault, PROJECT), fault);
    const own = new InputError('received nothing');
    assert.equal(googleTrouble(own, PROJECT), own);
  });

  it('gives a check of doctor the role to grant where it was denied, else another mend', () => {
    assert.match(foundAndMend(denied, 'roles/some.role', 'make it').mend, /^grant roles\/some\.role/);
    assert.deepEqual(foundAndMend(new Error('gone\nat once'), 'roles/some.role', 'make it'), { found: 'gone', mend: 'make it' });
    assert.match(foundAndMend(new Error('state', { cause: denied }), 'roles/some.role', 'make it').mend, /^grant/);
  });
});
