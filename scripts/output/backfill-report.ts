import { formatDay } from '../../shared/calendar/day.ts';
import type { TriedAgain } from '../../shared/flows/staged/attempts.ts';
import type { World } from '../../shared/gaps/world.ts';
import { covered, percentText } from '../../shared/staged/gate.ts';
import { progressOf, wholeProgress } from '../../shared/staged/progress.ts';
import type { JournalEvent } from '../../shared/staged/journal.ts';
import type { Asked, BackfillRecord, GateResult, GateTable } from '../../shared/staged/record.ts';
import type { GateDefinition, StageDefinition } from '../../shared/staged/schema.ts';
import { attemptsSection } from './backfill-attempts.ts';
import { failuresSection, standing } from './backfill-failures.ts';
import { earlierHolds } from './backfill-holds.ts';
import { isText } from './backfill-view.ts';
import { markdownTable } from './markdown.ts';
import { tookText } from './backfill-standing.ts';
import { count, counted, dayList, instant, withInstants } from './words.ts';

/** The report of a backfill in Markdown, as whoever ran it would have written it: what was asked, by whom and why, and what became of it. */
export function reportMarkdown(record: BackfillRecord, world: World, now: number, attempts: readonly TriedAgain[]): string {
  return [
    `# Backfill ${record.id}`,
    summary(record, world, now),
    '## What was asked',
    asked(record),
    '## Stages',
    stages(record, world, now),
    '## Failures',
    failuresSection(record, world),
    ...attemptsSection(attempts),
    '## Skipped dates',
    record.skips.length === 0 ? 'None.' : markdownTable(['Date', 'By', 'When (UTC)', 'Why'], record.skips.map((skip) => [formatDay(skip.day), skip.by, instant(skip.at), skip.reason])),
    '## Gates',
    ...gates(record),
    '## Journal',
    markdownTable(['When (UTC)', 'Who', 'What', ''], record.journal.map((entry) => [instant(entry.at), entry.by, entry.event.replaceAll('_', ' '), withInstants(entry.text)])),
  ].join('\n\n') + '\n';
}

const ROLLED_BACK: JournalEvent = 'rollback';

/** What somebody wants to know who reads no further. */
function summary(record: BackfillRecord, world: World, now: number): string {
  const took = tookText(record, record.createdAt, record.endedAt ?? now);
  const { expected, complete } = wholeProgress(world, record);
  const held = record.stages.find((stage) => stage.gate?.passed === false)?.name;
  const passed = record.stages.filter((stage) => stage.gate?.passed === true).length;
  const gatesWith = record.definition.stages.filter((stage) => stage.gate !== undefined).length;
  const note = withInstants(record.note);
  const back = record.journal.findLast(({ event }) => event === ROLLED_BACK);
  const ended = record.endedAt === null ? `It **${isText(record)}**, ${took} after its start${note === '' ? '' : `: ${note}`}.` : `It **${isText(record)}**: it ended at ${instant(record.endedAt)} UTC, after ${took}${note === '' ? '' : ` (${note})`}.`;
  return [
    ended,
    ...(back === undefined ? [] : [`It was **rolled back** at ${instant(back.at)} UTC by ${back.by} (${withInstants(back.text)}).`]),
    `${count(complete)} of ${count(expected)} cells are complete now (${percentText(complete, expected)}).`,
    ...(gatesWith === 0 ? [] : [`Gates passed: ${count(passed)} of ${count(gatesWith)}${held === undefined ? '' : `; the one after ${held} holds`}.`]),
    record.failures.length === 0 ? 'Nothing failed for good.' : standing(record, world),
    ...(record.skips.length === 0 ? [] : [`${counted(record.skips.length, 'date')} ${record.skips.length === 1 ? 'was' : 'were'} skipped by hand.`]),
  ].join(' ');
}

function asked({ asked: given, definition }: BackfillRecord): string {
  const rows: (readonly [string, string])[] = [
    ['By', `${given.by}, at ${instant(given.at)} UTC`],
    ['Why', given.reason === '' ? '(no reason was given)' : given.reason],
    ['Definition', `${definition.name}${definition.description === '' ? '' : `: ${definition.description}`} (version ${definition.hash})`],
    ['Dates', `${formatDay(given.from)} to ${formatDay(given.to)}${given.dates === null ? '' : `, of these ${dayList(given.dates, Number.POSITIVE_INFINITY)} only`}`],
    ...(given.exclude.length === 0 ? [] : [['Without', dayList(given.exclude, Number.POSITIVE_INFINITY)] as const]),
    ['Processors', given.processors === null ? 'all of the stages’ phases' : given.processors.join(', ')],
    ['What is run', { none: 'what was not complete', failed: 'what was not complete, and what had failed', completed: 'everything, what was complete too' }[given.reprocess]],
    ...(given.concurrency === null ? [] : [['Concurrency', `${given.concurrency} cells at a time, instead of the definition’s`] as const]),
    ...(given.errorPolicy === null ? [] : [['Error policy', `${given.errorPolicy}, instead of the definition’s`] as const]),
    ...(given.maxFailures === null ? [] : [['Most failures', count(given.maxFailures)] as const]),
    ...(given.delaySeconds === null ? [] : [['Between dates', `${given.delaySeconds} s`] as const]),
    ...(given.ramp === true ? [['In steps', 'each stage over all dates began with few of them (--ramp)'] as const] : []),
    ...(given.join === undefined ? [] : [['After', `${given.join}, with which it has cells in common: it takes up what that left`] as const]),
  ];
  return markdownTable(['', ''], rows);
}

function stages(record: BackfillRecord, world: World, now: number): string {
  const header = ['Stage', 'How', 'Began (UTC)', 'Ended (UTC)', 'Took', 'Complete now', 'Failed now', 'Gate'];
  return markdownTable(header, record.definition.stages.map((stage, index) => {
    const progress = record.stages[index];
    const { expected, complete, failed } = progressOf(world, record, index);
    const end = progress?.endedAt ?? record.endedAt ?? now;
    const gate = stage.gate === undefined ? 'none' : progress?.gate ? (progress.gate.passed ? 'passed' : 'holds') : progress?.endedAt ? 'not about what was asked' : 'not reached';
    return [
      stage.name, howText(stage, record.asked, progress?.approvedBy ?? null), progress?.startedAt ? instant(progress.startedAt) : 'not begun', progress?.endedAt ? instant(progress.endedAt) : '',
      progress?.startedAt ? tookText(record, progress.startedAt, end) : '', expected === 0 ? 'nothing is expected' : `${count(complete)} of ${count(expected)} (${percentText(complete, expected)})`, count(failed), gate,
    ];
  }));
}

/** As it ran: what was asked for stands instead of the definition's. */
function howText(stage: StageDefinition, given: Asked, approvedBy: string | null): string {
  return [
    stage.phases.join(', '),
    ...(stage.calendar_first ? ['the calendar first'] : []),
    ...(stage.dates === 'all' ? [] : [`the ${stage.dates} date only`]),
    ...(stage.reprocess === undefined || stage.reprocess === 'none' ? [] : [stage.reprocess === 'failed' ? 'what had failed is run again' : 'what is complete is run again']),
    stage.order === 'by_date' ? 'date by date' : `${given.concurrency ?? stage.concurrency} at a time`,
    ...(stage.cascade ? ['after the first phase by cascade'] : []),
    stage.retries === 1 ? 'one retry' : `${stage.retries} retries`,
    `on failure ${given.errorPolicy ?? stage.error_policy}`,
    ...(approvedBy === null ? [] : [`approved by ${approvedBy}`]),
  ].join('; ');
}

function gates(record: BackfillRecord): string[] {
  const reached = record.stages.flatMap(({ name, gate }, index) => (gate ? [{ name, gate, definition: record.definition.stages[index]?.gate }] : []));
  if (reached.length === 0) return ['None was reached.'];
  return reached.map(({ name, gate, definition }) => [
    `### After ${name}: ${gate.passed ? 'passed' : 'holds'}, ${instant(gate.at)} UTC`, ...(definition ? [demands(definition)] : []), ...figures(gate), ...earlierHolds(record, name, gate),
  ].join('\n\n'));
}

function demands(gate: GateDefinition): string {
  const said = [
    ...(gate.coverage_percent === undefined ? [] : [gate.coverage_percent === 100 ? 'every expected date of each critical table' : `coverage of at least ${gate.coverage_percent} % of each critical table`]), ...(gate.no_unresolved_failures ? ['no unresolved failure'] : []),
    ...(gate.success_rate_percent === undefined ? [] : [`a success rate of at least ${gate.success_rate_percent} %`]), ...(gate.max_nulls === undefined ? [] : [gate.max_nulls === 0 ? 'no null in required columns' : `at most ${counted(gate.max_nulls, 'null')} in required columns`]),
    ...(gate.doubtful === 'hold' ? ['no stale, altered or suspect date'] : []), ...(gate.checks.length === 0 ? [] : [`no row found by ${counted(gate.checks.length, 'check')}`]),
  ];
  return `Wanted: ${said.length === 0 ? 'that anything is expected' : said.join('; ')}.`;
}

function figures(gate: GateResult): string[] {
  const ended = gate.successRate === null ? 'No cell had ended by then' : `Of the cells that had ended by then, ${(Math.floor(gate.successRate * 100) / 100).toString()} % were complete`;
  return [
    ...(gate.reasons.length === 0 ? [] : [`It holds, because\n\n${gate.reasons.map((reason) => `- ${reason}`).join('\n')}`]),
    markdownTable(['Table', 'Processor', 'Complete', 'Coverage', 'Lacks', 'Nulls in required columns'], gate.tables.map((entry) => [
      `${entry.table === '' ? entry.processor : entry.table}${entry.critical ? '' : ' (not critical)'}`, entry.processor, `${count(covered(entry))} of ${count(entry.expected)}${entry.accepted === 0 ? '' : ` (${count(entry.accepted)} accepted)`}`,
      percentText(covered(entry), entry.expected), lacks(entry), count(entry.nulls),
    ])),
    `${ended}; ${gate.unresolved === 0 ? 'no failure was unresolved' : `${counted(gate.unresolved, 'failure')} ${gate.unresolved === 1 ? 'was' : 'were'} unresolved`}.`,
    ...(gate.checks.length === 0 ? [] : [gate.checks.map((check) => {
      const found = check.error !== null ? `could not be run: ${check.error}` : `${counted(check.rows ?? 0, 'row')} found${check.example === null ? '' : `, such as \`${check.example}\``}`;
      return `- ${check.file}${check.demands === '' ? '' : ` (${check.demands})`}: ${found}`;
    }).join('\n')]),
    ...(gate.notes.length === 0 ? [] : [`To be known:\n\n${gate.notes.map((note) => `- ${note}`).join('\n')}`]),
  ];
}

function lacks({ missing, short, lacking }: GateTable): string {
  if (missing + short === 0) return '';
  const kinds = [...(missing === 0 ? [] : [`${count(missing)} missing`]), ...(short === 0 ? [] : [`${count(short)} short`])].join(', ');
  return `${kinds}: ${dayList(lacking)}${lacking.length < missing + short ? ' and later' : ''}`;
}
