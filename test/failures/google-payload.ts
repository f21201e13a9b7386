import type { FailureCategory } from '../../shared/failures/category.ts';
import type { QuotaPause } from '../../shared/failures/quota.ts';

/** An error as one of Google's services tells it, and what has to be made of it. */
export interface GooglePayload {
  readonly name: string;
  /** Page of Google's documentation, or public issue thread, in which it stands. */
  readonly source: string;
  /** The day on which the real-project run of docs/deploy.md recorded it; null: not yet seen live. */
  readonly seenLive: string | null;
  /** What the clients throw, or what a job's status holds, each by the level at which it is met. */
  readonly forms: Readonly<Record<string, unknown>>;
  readonly category: FailureCategory;
  readonly retry: boolean;
  readonly rule: string;
  readonly pause?: QuotaPause;
}

type Expected = Pick<GooglePayload, 'name' | 'source' | 'category' | 'retry' | 'rule' | 'pause'>;

/** An `ErrorProto`: https://cloud.google.com/bigquery/docs/reference/rest/v2/ErrorProto */
interface ErrorProto {
  readonly reason: string;
  readonly message: string;
  readonly location?: string;
}

/** A BigQuery error at request level, as answered and as the Node client throws it, and at job level, as read and as thrown. */
export function bigquery(code: number, proto: ErrorProto, status: string | null, expected: Expected): GooglePayload {
  const errors = [{ domain: 'global', ...proto }];
  const body = { error: { code, message: proto.message, errors, ...(status === null ? {} : { status }) } };
  const job = { kind: 'bigquery#job', status: { state: 'DONE', errorResult: proto, errors: [{ reason: 'invalid', message: 'a warning that came before' }, proto] } };
  return {
    ...expected, seenLive: null,
    forms: {
      'the body of an answer': body,
      // ApiError of @google-cloud/common: the list of errors of the body, which it also keeps as text.
      'a request, thrown by the client': Object.assign(new Error(proto.message), { code, errors, response: { statusCode: code, body: JSON.stringify(body) } }),
      "an answer's body, thrown by gaxios": Object.assign(new Error(proto.message), { code: String(code), status: code, response: { status: code, data: body } }),
      'a job under HTTP 200': job,
      'a job, thrown by the client': Object.assign(new Error(proto.message), { errors: [proto] }),
    },
  };
}

/** A gRPC error of Firestore or Pub/Sub, as grpc-js throws it. */
export function grpc(code: number, status: string, details: string, expected: Expected): GooglePayload {
  return { ...expected, seenLive: null, forms: { 'thrown by grpc-js': Object.assign(new Error(`${code} ${status}: ${details}`), { code, details, metadata: {} }) } };
}
