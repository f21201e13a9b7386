import type { Alert } from './alert.ts';

/** Longer ones are cut by Slack's clients: https://docs.slack.dev/changelog/2018-truncating-really-long-messages */
const LONGEST_TEXT = 3500;

/** What an incoming webhook takes: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. Plain text with its marks. */
export function slackMessage({ severity, title, lines, command }: Alert): { readonly text: string } {
  const whole = [`*[${severity}] ${escaped(title)}*`, ...lines.map((line) => `• ${escaped(line)}`)].join('\n');
  const next = command === null ? '' : `\n\`${escaped(command)}\``;
  const room = LONGEST_TEXT - next.length;
  return { text: `${whole.length > room ? `${whole.slice(0, room - 1)}…` : whole}${next}` };
}

/** The three characters that mean something to Slack: https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
