import { slackMessage } from '../alerts/slack.ts';
import { InputError, NeverRetryError, RetryLaterError } from '../failures/errors.ts';
import { TryAfterError, type Channel } from './channels.ts';

/** Read of an answer that refuses: enough for Slack's words, such as `invalid_payload`. */
const MOST_READ = 200;
/** A shorter part of an address is a word such as `services`, and no secret by itself. */
const SHORTEST_SECRET = 9;

/** The address of an incoming webhook, which is a secret: no message repeats it. Null where none is given. */
export function webhookOf(variable: string, value: string | undefined): URL | null {
  if (value === undefined || value === '') return null;
  if (isWebhook(value)) return new URL(value);
  throw new InputError(`${variable}: received something that is no http or https address; allowed is the address of an incoming webhook; correct or unset it`);
}

export function isWebhook(value: string): boolean {
  if (!URL.canParse(value)) return false;
  // One with a user's name in it fetch takes for none.
  const { protocol, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/** A Slack-compatible incoming webhook: one POST of JSON an alert. */
export function alertWebhook(url: URL): Channel {
  return {
    name: 'webhook',
    deliver: async (alert, signal) => {
      const response = await posted(url, JSON.stringify(slackMessage(alert)), signal);
      const { status, headers } = response;
      const said = response.ok ? '' : withoutAddress(await response.text().catch(() => ''), url).slice(0, MOST_READ);
      if (response.ok) {
        await response.body?.cancel();
        return;
      }
      const message = `the webhook at ${url.host} answered ${status}${said === '' ? '' : ` (${said})`}`;
      const after = afterOf(headers.get('retry-after'));
      if (after !== null && (status === 429 || status >= 500)) throw new TryAfterError(message, after);
      if (status === 408 || status === 429 || status >= 500) throw new RetryLaterError(message);
      throw new NeverRetryError(`${message}; look whether its address is still right`);
    },
  };
}

/** A redirect is not followed: the address is the secret. */
async function posted(url: URL, body: string, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, redirect: 'manual', signal });
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause.message : String(thrown);
    throw new RetryLaterError(`the webhook at ${url.host} is not reached: ${withoutAddress(cause, url)}`);
  }
}

/** Servers repeat the path that they do not know, and fetch the address that it refuses. */
function withoutAddress(text: string, { href, pathname, search, username, password }: URL): string {
  const parts = [...pathname.split('/'), ...search.split(/[?&=]/)].filter((part) => part.length >= SHORTEST_SECRET);
  return [href, `${pathname}${search}`, pathname, search, password, username, ...parts].filter((secret) => secret.length > 1).reduce((rest, secret) => rest.replaceAll(secret, '…'), text);
}

/** Seconds, as Slack gives them: https://docs.slack.dev/apis/web-api/rate-limits. Null where there are none. */
function afterOf(header: string | null): number | null {
  if (header === null) return null;
  return /^\d+$/.test(header) ? Number(header) * 1000 : null;
}
