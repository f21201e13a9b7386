import { formatDay } from '../../shared/calendar/day.ts';
import type { Explanation } from '../../shared/flows/inspect.ts';
import { paragraph, statusText, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { cellText, counted, instant } from './words.ts';

const DIFFERENCES_SHOWN = 12;

/** The chain from a cell to its root cause, what it read and what is there now, its last runs, and the command that mends it. */
export function renderWhy(explanation: Explanation, style: Style, commandText: (words: readonly string[]) => string): string {
  const [cell, ...inputs] = explanation.chain;
  if (!cell) return '';
  const parts: string[] = [];
  const { facts } = cell;
  parts.push(`${style.bold(cellText(cell))}: ${statusText(style, cell.status)}\n${style.dim(`  data ${facts.data}, trace ${facts.trace}, activity ${facts.activity}`)}`);
  if (explanation.notExpected !== null) return `${parts.join('\n')}\n${paragraph(`not expected: ${explanation.notExpected}`, style, 2)}\n`;
  const chain = [...(cell.because === 'complete' ? [] : [paragraph(cell.because, style, 2)]), ...inputs.map((link, depth) => {
    const root = depth === inputs.length - 1;
    return `${'  '.repeat(Math.min(depth + 1, 8))}└ ${root ? style.bold(cellText(link)) : cellText(link)}: ${statusText(style, link.status)}\n${paragraph(`${root ? 'root cause: ' : ''}${link.because}`, style, Math.min(depth + 1, 8) * 2 + 2)}`;
  })];
  if (facts.codeChanged) chain.push('  its SQL, windows, columns or code are others than those it was made with');
  if (explanation.record.suspect !== null) chain.push(paragraph(`suspect: ${explanation.record.suspect}`, style, 2));
  parts.push(chain.join('\n'));
  parts.push(renderDifferences(explanation, style));
  if (explanation.runs.length > 0) {
    parts.push(`${style.bold('last runs')}\n${renderTable(explanation.runs, [
      { header: 'WHEN (UTC)', value: (run) => instant(Date.parse(run.created_at)) },
      { header: 'DECISION', value: (run) => run.processing_decision },
      { header: 'ROWS', value: (run) => run.rows_processed ?? '', align: 'right' },
      { header: 'WHAT', value: (run) => run.error_message ?? run.skip_reason ?? run.fingerprint ?? '', fit: 'wrap' },
    ], style, 2).trimEnd()}`);
  }
  const { mend } = explanation;
  parts.push(mend.command === null ? mend.text : `${style.bold('what mends it')}: ${mend.text}\n  ${style.cyan(commandText(mend.command))}`);
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function renderDifferences({ differences, record }: Explanation, style: Style): string {
  if (differences === null) return record.last === null ? 'no verified run of it is on record: what it read is not known' : 'what its last run read is not kept any more';
  if (differences.length === 0) return 'its last run read the very rows that are there now';
  return `${style.bold(`what its last run read and what is there now (${counted(differences.length, 'input')})`)}\n${renderTable(differences.slice(0, DIFFERENCES_SHOWN), [
    { header: 'DATE', value: (entry) => formatDay(entry.day) },
    { header: 'INPUT', value: (entry) => entry.edge, fit: 'cut' },
    { header: 'READ', value: (entry) => entry.read },
    { header: 'NOW', value: (entry) => entry.now },
  ], style, 2).trimEnd()}${differences.length > DIFFERENCES_SHOWN ? `\n  and ${differences.length - DIFFERENCES_SHOWN} more (--json has all)` : ''}`;
}

/** What `why --json` prints. */
export function whyJson(explanation: Explanation): Record<string, unknown> {
  return {
    chain: explanation.chain.map(({ processor, day, status, facts, because }) => ({ processor, game_date: formatDay(day), status, data: facts.data, trace: facts.trace, activity: facts.activity, because })),
    root_cause: explanation.chain.slice(-1).map(({ processor, day, because }) => ({ processor, game_date: formatDay(day), because }))[0] ?? null,
    not_expected: explanation.notExpected,
    differences: explanation.differences?.map(({ edge, day, read, now }) => ({ input: edge, game_date: formatDay(day), read, now })) ?? null,
    runs: explanation.runs,
    mend: { command: explanation.mend.command === null ? null : ['smart-backfill', ...explanation.mend.command], text: explanation.mend.text },
  };
}
