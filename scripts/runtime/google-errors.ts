import { classify } from '../../shared/failures/classify.ts';
import { FailureError, InputError, NeverRetryError, RetryLaterError, RetrySoonError } from '../../shared/failures/errors.ts';

/** gRPC: https://grpc.io/docs/guides/status-codes/ */
const GRPC_PERMISSION_DENIED = 7;
const GRPC_UNAUTHENTICATED = 16;

const CREDENTIALS = /could not load the default credentials|could not refresh access token|invalid_grant|reauth related error/i;

/** What Google's services answered, in words for who runs a command; what is none of theirs goes on as it is. */
export function googleTrouble(thrown: unknown, project: string): unknown {
  if (thrown instanceof FailureError || !(thrown instanceof Error)) return thrown;
  if (CREDENTIALS.test(thrown.message)) {
    return new InputError(`Google's clients have no credentials that are good for project ${project}: ${firstLine(thrown.message)}; run 'gcloud auth application-default login', or name a service account's key with GOOGLE_APPLICATION_CREDENTIALS`, { cause: thrown });
  }
  const { rule, retry, category, message, action } = classify(thrown);
  if (!/^(?:google|http|node):/.test(rule)) return thrown;
  const said = `Google, project ${project}: ${message}`;
  const detail = isDenied(thrown) ? `the account that runs this needs ${rolesFor(thrown)} (docs/deploy.md lists who needs what)` : retry ? 'run the command again; where it goes on, see: smart-backfill doctor' : '';
  if (action === 'retry_later') return new RetryLaterError(said, { category, detail, cause: thrown });
  return retry ? new RetrySoonError(said, { category, detail, cause: thrown }) : new NeverRetryError(said, { category, detail, cause: thrown });
}

/** What `doctor` says of a call that failed: what was found, and its mend. */
export function foundAndMend(thrown: unknown, roles: string, otherwise: string): { readonly found: string; readonly mend: string } {
  const found = firstLine(thrown instanceof Error ? thrown.message : String(thrown));
  return { found, mend: isDenied(thrown) ? `grant ${roles} to whoever runs this` : otherwise };
}

function isDenied(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const code: unknown = Reflect.get(thrown, 'code');
  return code === 403 || code === 401 || code === GRPC_PERMISSION_DENIED || code === GRPC_UNAUTHENTICATED || isDenied(thrown.cause);
}

/** BigQuery's errors come with an HTTP status, Pub/Sub's with gRPC's; Firestore's are told apart where they are thrown. */
function rolesFor(thrown: Error): string {
  const code: unknown = Reflect.get(thrown, 'code');
  return code === GRPC_PERMISSION_DENIED || code === GRPC_UNAUTHENTICATED
    ? 'roles/pubsub.publisher on the topic, or roles/pubsub.viewer to look'
    : 'roles/bigquery.jobUser on the project, and roles/bigquery.dataViewer (to run cells: roles/bigquery.dataEditor) on the datasets';
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 400);
}
