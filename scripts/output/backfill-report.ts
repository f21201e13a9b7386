import { formatDay } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import { percentText } from '../../shared/staged/gate.ts';
import { progressOf } from '../../shared/staged/progress.ts';
import type { BackfillRecord, FailedCell, GateResult } from '../../shared/staged/record.ts';
import { stateText } from './backfill-view.ts';
import { count, counted, dayList, duration, instant } from './words.ts';

/** The report of a backfill in Markdown: what was asked, by whom and why, every stage, failure, gate, and the journal. */
export function reportMarkdown(record: BackfillRecord, world: World, now: number): string {
  const { asked, definition } = record;
  const end = record.endedAt ?? now;
  return [
    `# Backfill ${record.id}`,
    `${asked.by} asked at ${instant(asked.at)} UTC for **${definition.name}**${definition.description === '' ? '' : ` (${definition.description})`} over ${formatDay(asked.from)} to ${formatDay(asked.to)}${asked.reason === '' ? '' : `: ${asked.reason}`}. It is **${stateText(record)}** after ${duration(end - record.createdAt)}${record.note === '' ? '' : `: ${record.note}`}.`,
    ...limits(record),
    '## Stages',
    table(['Stage', 'Phases', 'Began (UTC)', 'Took', 'Complete', 'Failed now', 'Gate'], definition.stages.map((stage, index) => {
      const progress = record.stages[index];
      const figures = progressOf(world, record, index);
      const gate = stage.gate === undefined ? 'none' : progress?.gate ? (progress.gate.passed ? 'passed' : 'holds') : 'not reached';
      return [
        stage.name, stage.phases.join(', '), progress?.startedAt ? instant(progress.startedAt) : 'not begun', progress?.startedAt ? duration((progress.endedAt ?? end) - progress.startedAt) : '',
        `${count(figures.complete)} of ${count(figures.expected)} (${percentText(figures.complete, figures.expected)})`, count(figures.failed), gate,
      ];
    })),
    '## Failures',
    failures(record),
    ...(record.skips.length === 0 ? [] : ['## Skipped dates', table(['Date', 'By', 'Why'], record.skips.map((skip) => [formatDay(skip.day), skip.by, skip.reason]))]),
    '## Gates',
    ...gates(record),
    '## Journal',
    table(['When (UTC)', 'Who', 'What', ''], record.journal.map((entry) => [instant(entry.at), entry.by, entry.event.replaceAll('_', ' '), entry.text])),
  ].join('\n\n') + '\n';
}

function limits({ asked }: BackfillRecord): string[] {
  const said = [
    ...(asked.processors === null ? [] : [`processors ${asked.processors.join(', ')} only`]), ...(asked.dates === null ? [] : [`dates ${dayList(asked.dates)} only`]),
    ...(asked.exclude.length === 0 ? [] : [`without ${dayList(asked.exclude)}`]), ...(asked.reprocess === 'none' ? [] : [`what had ${asked.reprocess} was run again`]),
    ...(asked.concurrency === null ? [] : [`${asked.concurrency} cells at a time`]), ...(asked.errorPolicy === null ? [] : [`error policy ${asked.errorPolicy}`]),
    ...(asked.maxFailures === null ? [] : [`at most ${asked.maxFailures} failures`]), ...(asked.delaySeconds === null ? [] : [`${asked.delaySeconds} s between dates`]),
  ];
  return said.length === 0 ? [] : [`Asked for: ${said.join('; ')}.`];
}

const BECAME: Readonly<Record<FailedCell['became'], string>> = { open: 'unresolved', retried: 'tried again', skipped: 'skipped' };

function failures(record: BackfillRecord): string {
  if (record.failures.length === 0) return 'None.';
  const categories = [...Map.groupBy(record.failures, (failure) => failure.category)].map(([category, list]) => `${counted(list.length, 'cell')} by ${category}`);
  const left = record.failuresLeftOut === 0 ? '' : `\n\n${count(record.failuresLeftOut)} more are in the run history.`;
  return `${categories.join(', ')}.\n\n${table(['Stage', 'Date', 'Processor', 'Category', 'What happened', 'What became of it'], record.failures.map((failure) => [
    failure.stage, formatDay(failure.day), failure.processor, failure.category, failure.message, `${BECAME[failure.became]}${failure.note === '' || failure.note === failure.message ? '' : `: ${failure.note}`}`,
  ]))}${left}`;
}

function gates(record: BackfillRecord): string[] {
  const reached = record.stages.flatMap(({ name, gate }) => (gate ? [{ name, gate }] : []));
  if (reached.length === 0) return ['None was reached.'];
  return reached.map(({ name, gate }) => [`### After ${name}: ${gate.passed ? 'passed' : 'holds'}, ${instant(gate.at)} UTC`, ...figures(gate)].join('\n\n'));
}

function figures(gate: GateResult): string[] {
  return [
    ...(gate.reasons.length === 0 ? [] : [gate.reasons.map((reason) => `- ${reason}`).join('\n')]),
    table(['Table', 'Complete', '', 'Nulls in required columns'], gate.tables.map((entry) => [`${entry.processor}${entry.critical ? '' : ' (not critical)'}`, `${count(entry.complete)} of ${count(entry.expected)}`, percentText(entry.complete, entry.expected), count(entry.nulls)])),
    `Success rate: ${gate.successRate === null ? 'none' : `${(Math.floor(gate.successRate * 100) / 100).toString()} %`}; unresolved failures: ${count(gate.unresolved)}.`,
    ...(gate.checks.length === 0 ? [] : [gate.checks.map((check) => `- ${check.file}: ${check.error === null ? `${count(check.rows ?? 0)} rows found` : `could not be run: ${check.error}`}`).join('\n')]),
  ];
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')).join(' | ')} |`;
  return [line(header), `|${'---|'.repeat(header.length)}`, ...rows.map(line)].join('\n');
}
