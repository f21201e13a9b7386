import { logEvents } from './events.ts';

/** The catalogue as the Markdown table of docs/operate.md. */
export function eventsTable(): string {
  const rows = Object.entries(logEvents).map(([name, { severity, means, todo }]) => `| \`${name}\` | ${severity} | ${cell(means)} | ${cell(todo)} |`);
  return ['| event | severity | what it means | what to do |', '|---|---|---|---|', ...rows].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
