import { formatDay } from '../calendar/day.ts';
import { InputError, NeverRetryError } from '../failures/errors.ts';
import type { RunAnswer, RunOrder } from '../ports/processor-runner.ts';
import { MAX_MESSAGE_BYTES } from '../requests/decode.ts';
import { HttpTargetError, answerOfHttp } from './http-target-answer.ts';
import { post, type PostAnswer } from './http-target-post.ts';
import { cancelled, targetInputOf } from './google-runner-input.ts';

/** How a definition names a service: its address, or a Cloud Run service's name with a path on it. */
export type HttpTargetDefinition = string | { readonly service: string; readonly path: string };

export interface HttpTargetOptions {
  /** Base addresses of the services that definitions name, `https://name-….run.app`. */
  readonly services: ReadonlyMap<string, string>;
  /** An OIDC token for the audience, which for Cloud Run is the service's base address. Not asked for on this machine. */
  readonly tokenFor: (audience: string) => Promise<string>;
}

/** The longest that a synchronous target may take (design.md section 2): under the 540 s in which a push is to be answered. */
const MAX_SECONDS = 480;

/**
 * Runs a target that is an HTTP service: POST of the processor contract's body, one answer. When its time is over or the
 * run is cancelled the request is ended; the service may go on (P8), so its lease is not given away before that time.
 */
export class HttpTarget {
  readonly #options: HttpTargetOptions;

  constructor(options: HttpTargetOptions) {
    this.#options = options;
  }

  /** Throws an HttpTargetError for a status that is no answer, Node's error where the service is not reached. */
  async run(order: RunOrder, target: HttpTargetDefinition): Promise<RunAnswer> {
    const { name, timeoutSeconds } = order.processor;
    const { url, audience } = this.#address(name, target);
    const seconds = Math.min(timeoutSeconds, MAX_SECONDS);
    const timeOver = AbortSignal.timeout(seconds * 1000);
    const signal = AbortSignal.any([order.signal, timeOver]);
    let answer: PostAnswer;
    try {
      const headers = await unlessAborted(this.#headers(url, audience), signal);
      answer = await post({ url, headers, body: JSON.stringify(targetInputOf(order)), maxBytes: MAX_MESSAGE_BYTES, signal });
    } catch (thrown) {
      if (order.signal.aborted) return cancelled(order);
      if (timeOver.aborted) return { kind: 'failed', error: { type: 'Timeout', message: `${name} for ${formatDay(order.day)} timed out: it was stopped after ${seconds} s (${seconds < timeoutSeconds ? 'the longest that an http target may take' : 'timeout_seconds'})` } };
      throw thrown instanceof InputError ? thrown : new HttpTargetError(`POST ${address(url)} was not answered: ${describe(thrown)}`, null, thrown);
    }
    if (answer.status >= 300 && answer.status < 400) {
      throw new NeverRetryError(`POST ${address(url)} answered ${answer.status} to ${answer.location ?? 'nowhere'}; redirects are not followed, since the token is made for ${audience}: write the final address of ${name} into pipeline.yaml`, { category: 'infrastructure' });
    }
    return answerOfHttp(answer.status, answer.body, `${name} (${address(url)})`);
  }

  async #headers(url: URL, audience: string): Promise<Readonly<Record<string, string>>> {
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    if (isThisMachine(url)) return headers;
    if (url.protocol !== 'https:') throw new InputError(`received the address ${address(url)}, over which a token would travel unencrypted; write an https address`);
    return { ...headers, authorization: `Bearer ${await this.#options.tokenFor(audience)}` };
  }

  #address(processor: string, target: HttpTargetDefinition): { readonly url: URL; readonly audience: string } {
    if (typeof target === 'string') {
      const url = parsed(target, `the target of ${processor}`);
      return { url, audience: url.origin };
    }
    const base = this.#options.services.get(target.service);
    if (base === undefined) {
      throw new InputError(`${processor} is run by the service '${target.service}', whose address is not known; known are ${[...this.#options.services.keys()].sort().join(', ') || '(none)'}; name it in the services that the worker is deployed with`);
    }
    const root = parsed(base, `the address of the service '${target.service}'`);
    const url = new URL(target.path, root);
    if (url.origin !== root.origin) throw new InputError(`received the path '${target.path}' for ${processor}, which leads away from ${root.origin}; write a path such as /run`);
    return { url, audience: root.origin };
  }
}

function parsed(text: string, what: string): URL {
  const url = URL.parse(text);
  if (url && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '') return url;
  throw new InputError(`received '${text}' as ${what}; write an https address without a user name, such as https://scrapers-abc123-uc.a.run.app/run`);
}

/** What can't be stopped is left behind. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
    work.then(resolve, reject);
  });
}

function isThisMachine(url: URL): boolean {
  return url.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
}

/** Without its query, which may hold a key. */
function address(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
