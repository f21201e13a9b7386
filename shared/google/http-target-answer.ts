import type { RunAnswer } from '../ports/processor-runner.ts';
import { MAX_MESSAGE_BYTES, parseTargetAnswer } from '../requests/decode.ts';
import type { TargetAnswer } from '../requests/messages.ts';

/** A service that did not answer as a target: `classify` reads its status, and what its body says. */
export class HttpTargetError extends Error {
  readonly statusCode: number | null;

  constructor(message: string, statusCode: number | null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'HttpTargetError';
    this.statusCode = statusCode;
  }
}

const EXCERPT = 500;

/**
 * A service's answer as the engine takes it. An error status with a contract's answer in its body is that answer; without
 * one it is thrown. `who` goes into messages. `body` null: it was too large.
 */
export function answerOfHttp(status: number, body: Buffer | null, who: string): RunAnswer {
  if (body === null) return invalid(`${who} answered more than ${MAX_MESSAGE_BYTES} bytes; answer {"status": …} only, and write rows to the table`);
  const answer = parseTargetAnswer(body);
  if (status >= 200 && status < 300) return answer.kind === 'ok' ? runAnswerOf(answer.value, who) : invalid(`${who}: ${answer.reason}`);
  if (answer.kind === 'ok' && answer.value.status === 'failed') return runAnswerOf(answer.value, who);
  throw new HttpTargetError(`${who} answered ${status}: ${excerpt(body)}`, status);
}

function runAnswerOf(answer: TargetAnswer, who: string): RunAnswer {
  const { status, error, rows_processed: rows, code_version: codeVersion } = answer;
  if (status === 'failed') return { kind: 'failed', error: error ? { type: error.type, message: error.message } : { type: 'Failed', message: `${who} failed without saying why; answer {"status": "failed", "error": {"type": …, "message": …}}` } };
  if (status === 'no_data') return { kind: 'no_data', message: error?.message ?? `${who} has nothing for this date` };
  // What it skipped may be complete already: the engine measures what is there, whatever was reported.
  return { kind: 'wrote', rows: status === 'skipped' ? null : rows, codeVersion };
}

function invalid(message: string): RunAnswer {
  return { kind: 'failed', error: { type: 'InvalidAnswer', message } };
}

/** The beginning of a body as text: an HTML page's tags say nothing. */
function excerpt(body: Buffer): string {
  const text = body.toString('utf8').replaceAll(/<(?:style|script)[\s\S]*?<\/(?:style|script)>|<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ').trim();
  return text === '' ? '(no text)' : text.slice(0, EXCERPT);
}
