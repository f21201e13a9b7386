import { formatDay } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import { percentText } from '../../shared/staged/gate.ts';
import { progressOf } from '../../shared/staged/progress.ts';
import type { BackfillRecord } from '../../shared/staged/record.ts';
import { paragraph, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { count, counted, duration, instant, range } from './words.ts';

/** How far a staged backfill is, for people. */

const FAILURES_SHOWN = 10;

export function stateText({ state }: Pick<BackfillRecord, 'state'>): string {
  return state.replaceAll('_', ' ');
}

export function renderStatus(record: BackfillRecord, world: World, style: Style, now: number): string {
  const { asked } = record;
  const dress = record.state === 'finished' ? style.green : record.state === 'running' ? style.cyan : style.yellow;
  const lines = [
    `${style.bold(record.id)}  ${dress(stateText(record))}`,
    ...(record.note === '' ? [] : [dress(paragraph(record.note, style, 2))]),
    paragraph(`${record.definition.name} over ${range(asked.from, asked.to)}, asked for by ${asked.by} at ${instant(asked.at)} UTC${asked.reason === '' ? '' : `: ${asked.reason}`}`, style),
    ...(record.skips.length === 0 ? [] : [paragraph(`skipped: ${record.skips.map((skip) => `${formatDay(skip.day)} (${skip.by}: ${skip.reason})`).join(', ')}`, style)]),
  ];
  const table = stagesTable(record, world, style, now);
  const open = record.failures.filter((failure) => failure.became === 'open');
  const failures = open.length === 0 ? '' : `\n${style.bold(`${counted(open.length + record.failuresLeftOut, 'cell')} failed`)}\n${renderTable(open.slice(-FAILURES_SHOWN), [
    { header: 'DATE', value: (failure) => formatDay(failure.day) }, { header: 'PROCESSOR', value: (failure) => failure.processor },
    { header: 'CATEGORY', value: (failure) => failure.category }, { header: 'WHY', value: (failure) => failure.message, fit: 'wrap' },
  ], style)}`;
  return `${lines.join('\n')}\n\n${table}${failures}`;
}

/** Its stages, how far each is, and what its gate said. */
export function stagesTable(record: BackfillRecord, world: World, style: Style, now: number, gates: 'wrap' | 'cut' = 'wrap'): string {
  const stages = record.definition.stages.map((stage, index) => ({ stage, index, progress: record.stages[index], figures: progressOf(world, record, index) }));
  return renderTable(stages, [
    { header: 'STAGE', value: ({ stage }) => stage.name, fit: 'cut' },
    { header: 'STATE', value: ({ index, progress }) => stageState(record, index, progress) },
    { header: 'COMPLETE', value: ({ figures }) => (figures.expected === 0 ? '' : `${count(figures.complete)} of ${count(figures.expected)}`), align: 'right' },
    { header: '', value: ({ figures }) => (figures.expected === 0 ? '' : percentText(figures.complete, figures.expected)), align: 'right' },
    { header: 'FAILED', value: ({ figures }) => (figures.failed === 0 ? '' : count(figures.failed)), align: 'right', dress: style.red },
    { header: 'TOOK', value: ({ progress }) => (progress?.startedAt ? duration(Math.max(0, (progress.endedAt ?? record.endedAt ?? now) - progress.startedAt)) : ''), align: 'right' },
    {
      header: 'GATE', value: ({ stage, progress }) => gateText(stage.gate !== undefined, progress), fit: gates,
      dress: (text, { progress }) => (progress?.gate === null || progress === undefined ? text : progress.gate.passed ? style.green(text) : style.red(text)),
    },
  ], style);
}

function stageState(record: BackfillRecord, index: number, progress: BackfillRecord['stages'][number] | undefined): string {
  if (progress?.endedAt) return 'done';
  if (index !== record.stage || record.state === 'finished') return progress?.startedAt ? 'begun' : '';
  return stateText(record);
}

function gateText(has: boolean, progress: BackfillRecord['stages'][number] | undefined): string {
  if (!has) return '';
  const gate = progress?.gate ?? null;
  if (!gate) return progress?.endedAt ? 'not about what was asked' : 'not yet';
  return gate.passed ? 'passed' : `holds: ${gate.reasons[0] ?? ''}${gate.reasons.length > 1 ? ` (and ${gate.reasons.length - 1} more)` : ''}`;
}
