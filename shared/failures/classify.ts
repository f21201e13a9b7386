import type { AlertRule, FailureAction, FailureCategory } from './category.ts';
import { categoryPolicies } from './category.ts';
import type { CodeVerdict } from './codes.ts';
import { nodeVerdict, processVerdict, sqliteVerdict } from './codes.ts';
import { FailureError, RetryLaterError } from './errors.ts';
import type { Evidence } from './evidence.ts';
import { evidenceOf } from './evidence.ts';
import { googleReasons } from './google-reasons.ts';
import { grpcStatus, httpVerdict } from './google-statuses.ts';
import { googleTexts } from './google-texts.ts';
import { patternRules, unknownFailure } from './patterns.ts';
import type { QuotaPause } from './quota.ts';
import { quotaPauseOf } from './quota.ts';

/** What went wrong, as the rest of the system sees it. */
export interface Failure {
  readonly category: FailureCategory;
  /** The category's action, unless the rule knows better (access denied is never retried). */
  readonly action: FailureAction;
  readonly alert: AlertRule;
  /** The action is to try again by itself. */
  readonly retry: boolean;
  /** A quota is used up: nothing until `pausedUntil(pause, now)`, and the attempt is given back. */
  readonly pause: QuotaPause | null;
  /** Class of the error, as the thrower calls it. */
  readonly type: string;
  /** At most 2,000 characters. */
  readonly message: string;
  /** The row that decided, and why: for people and for tests. */
  readonly rule: string;
  readonly why: string;
}

/** One answer for anything thrown or reported: an Error, a target's `{type, message}`, a Google error, a text. Never throws. */
export function classify(thrown: unknown): Failure {
  const own = ownError(thrown);
  if (own) return fromOwn(own);
  const evidence = evidenceOf(thrown);
  const verdict = sqliteVerdict(evidence) ?? googleVerdict(evidence) ?? nodeVerdict(evidence) ?? processVerdict(evidence) ?? textVerdict(evidence);
  const policy = categoryPolicies[verdict.category];
  const ends = verdict.retry === false;
  const action = ends ? 'never' : policy.action;
  return {
    category: verdict.category,
    action,
    alert: ends ? 'at_once' : policy.alert,
    retry: action === 'retry_soon' || action === 'retry_later',
    pause: verdict.quota ? quotaPauseOf(evidence.text) : null,
    type: evidence.type || 'Error',
    message: evidence.message,
    rule: verdict.rule,
    why: verdict.why,
  };
}

/** The thrown error if it is one of ours, or the nearest of its causes that is. */
function ownError(thrown: unknown): FailureError | null {
  let at = thrown;
  for (let level = 0; level < 6 && at instanceof Error; level += 1) {
    if (at instanceof FailureError) return at;
    at = at.cause;
  }
  return null;
}

function fromOwn(error: FailureError): Failure {
  const policy = categoryPolicies[error.category];
  return {
    category: error.category,
    action: error.action,
    // What would have been tried again by itself and now is not has to wake somebody.
    alert: policy.alert === 'if_it_lasts' && error.action === 'never' ? 'at_once' : policy.alert,
    retry: error.action === 'retry_soon' || error.action === 'retry_later',
    pause: error instanceof RetryLaterError ? error.pause : null,
    type: error.name,
    message: error.message.slice(0, 2000),
    rule: `own:${error.name}`,
    why: policy.does,
  };
}

function googleVerdict(evidence: Evidence): CodeVerdict | null {
  const grpc = evidence.grpcCode === null ? [] : [grpcStatus[evidence.grpcCode] ?? ''];
  // Reasons first: BigQuery's rate limits come with the status INVALID_ARGUMENT, its too large answers with PERMISSION_DENIED.
  const named = [...evidence.reasons, ...evidence.statuses, ...grpc].filter((name) => Object.hasOwn(googleReasons, name));
  const [first] = named;
  if (first === undefined) return null;
  const text = googleTexts.find((row) => (row.with === null || row.with.some((name) => named.includes(name))) && row.pattern.test(evidence.text));
  if (text) return { rule: `google:${text.rule}`, category: text.category, retry: text.retry, why: text.why };
  const verdict = googleReasons[first];
  if (!verdict) return null;
  const quota = verdict.quota ?? (first === 'RESOURCE_EXHAUSTED' && /quota/i.test(evidence.text) ? true : undefined);
  return { rule: `google:${first}`, category: verdict.category, retry: verdict.retry, why: verdict.why, quota };
}

/** A text that says more than an HTTP status goes first; a status says more than nothing. */
function textVerdict(evidence: Evidence): CodeVerdict {
  const known = patternVerdict(evidence);
  if (known) return known;
  if (evidence.httpStatus !== null) return { rule: `http:${evidence.httpStatus}`, ...httpVerdict(evidence.httpStatus) };
  return unknownFailure;
}

function patternVerdict(evidence: Evidence): CodeVerdict | null {
  return patternRules.find((row) => row.pattern.test(evidence.text)) ?? null;
}
