import { formatDay } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import { percent, progressOf } from '../../shared/staged/stage-gate.ts';
import type { StagePlan } from '../../shared/staged/plan.ts';
import type { BackfillRecord, GateResult } from '../../shared/staged/record.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';
import { cellText, count, counted, duration, instant, range } from './words.ts';

/** A staged backfill for people and as JSON. */

const FAILURES_SHOWN = 10;

export function stateText({ state }: Pick<BackfillRecord, 'state'>): string {
  return state.replaceAll('_', ' ');
}

export function renderStatus(record: BackfillRecord, world: World, style: Style, now: number): string {
  const { asked } = record;
  const dress = record.state === 'finished' ? style.green : record.state === 'running' ? style.cyan : style.yellow;
  const lines = [
    `${style.bold(record.id)}  ${dress(stateText(record))}${record.note === '' ? '' : `: ${record.note}`}`,
    `${record.definition.name} over ${range(asked.from, asked.to)}, asked for by ${asked.by} at ${instant(asked.at)} UTC${asked.reason === '' ? '' : `: ${asked.reason}`}`,
    ...(record.skips.length === 0 ? [] : [`skipped: ${record.skips.map((skip) => `${formatDay(skip.day)} (${skip.by}: ${skip.reason})`).join(', ')}`]),
  ];
  const stages = record.definition.stages.map((stage, index) => ({ stage, index, progress: record.stages[index], figures: progressOf(world, record, index) }));
  const table = renderTable(stages, [
    { header: 'STAGE', value: ({ stage }) => stage.name },
    { header: 'STATE', value: ({ index, progress }) => stageState(record, index, progress) },
    { header: 'COMPLETE', value: ({ figures }) => `${count(figures.complete)} of ${count(figures.expected)}`, align: 'right' },
    { header: '', value: ({ figures }) => percent(figures.complete, figures.expected), align: 'right' },
    { header: 'FAILED', value: ({ figures }) => count(figures.failed), align: 'right' },
    { header: 'TOOK', value: ({ progress }) => (progress?.startedAt ? duration(Math.max(0, (progress.endedAt ?? record.endedAt ?? now) - progress.startedAt)) : ''), align: 'right' },
    { header: 'GATE', value: ({ stage, progress }) => gateText(stage.gate !== undefined, progress?.gate ?? null), fit: 'wrap' },
  ], style);
  const open = record.failures.filter((failure) => failure.became === 'open');
  const failures = open.length === 0 ? '' : `\n${style.bold(`${counted(open.length + record.failuresLeftOut, 'cell')} failed`)}\n${renderTable(open.slice(-FAILURES_SHOWN), [
    { header: 'DATE', value: (failure) => formatDay(failure.day) }, { header: 'PROCESSOR', value: (failure) => failure.processor },
    { header: 'CATEGORY', value: (failure) => failure.category }, { header: 'WHY', value: (failure) => failure.message, fit: 'wrap' },
  ], style)}`;
  return `${lines.join('\n')}\n\n${table}${failures}`;
}

function stageState(record: BackfillRecord, index: number, progress: BackfillRecord['stages'][number] | undefined): string {
  if (progress?.endedAt) return 'done';
  if (index !== record.stage || record.state === 'finished') return progress?.startedAt ? 'begun' : '';
  return stateText(record);
}

function gateText(has: boolean, gate: GateResult | null): string {
  if (!has) return '';
  if (!gate) return 'not yet';
  return gate.passed ? 'passed' : `holds: ${gate.reasons[0] ?? ''}${gate.reasons.length > 1 ? ` (and ${gate.reasons.length - 1} more)` : ''}`;
}

const CELLS_SHOWN = 40;

export function renderPlans(plans: readonly (StagePlan & { readonly stage: string })[], style: Style, all: boolean): string {
  return plans.map(({ stage, cells, leftOut, ramp }) => {
    const shown = all ? cells : cells.slice(0, CELLS_SHOWN);
    const reasons = Map.groupBy(leftOut, (left) => left.reason);
    const head = `${style.bold(`stage ${stage}`)}: ${counted(cells.length, 'cell')}, ${counted(leftOut.length, 'cell')} left out\n${rampText(cells, ramp)}`;
    const table = renderTable(shown, [
      { header: 'DATE', value: (cell) => formatDay(cell.day) }, { header: 'PROCESSOR', value: (cell) => cell.processor },
      { header: 'ACTION', value: (cell) => cell.action }, { header: 'WHY', value: (cell) => cell.reason, fit: 'wrap' },
    ], style, 2);
    const more = cells.length > shown.length ? `  and ${count(cells.length - shown.length)} more (--json has all)\n` : '';
    const left = renderTable([...reasons].sort(([, a], [, b]) => b.length - a.length).slice(0, 12), [
      { header: 'LEFT OUT', value: ([, cellsOf]) => count(cellsOf.length), align: 'right' }, { header: 'WHY', value: ([reason]) => reason, fit: 'wrap' },
      { header: 'SUCH AS', value: ([, [first]]) => (first ? cellText(first) : '') },
    ], style, 2);
    return head + table + more + left;
  }).join('\n');
}

/** In which steps a stage takes its dates up. */
function rampText(cells: StagePlan['cells'], ramp: StagePlan['ramp']): string {
  const steps = ramp.map(({ words, to }) => `${words} (to ${formatDay(to)}, ${counted(cells.filter((cell) => cell.day <= to).length, 'cell')} by then)`);
  return steps.length === 0 ? '' : `  in steps: ${[...steps, 'the rest'].join(', then ')}\n`;
}

export function plansJson(plans: readonly (StagePlan & { readonly stage: string })[]): unknown {
  return plans.map(({ stage, cells, leftOut, ramp }) => ({
    stage,
    ramp: ramp.map(({ words, to }) => ({ step: words, to: formatDay(to), cells: cells.filter((cell) => cell.day <= to).length })),
    cells: cells.map((cell) => ({ processor: cell.processor, game_date: formatDay(cell.day), action: cell.action, reason: cell.reason, ...(cell.cascadeOf === undefined ? {} : { cascade_of: cell.cascadeOf }) })),
    left_out: leftOut.map((left) => ({ processor: left.processor, game_date: formatDay(left.day), reason: left.reason })),
  }));
}

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export function backfillJson(record: BackfillRecord, world: World | null): Record<string, unknown> {
  const { asked } = record;
  return {
    id: record.id, definition: record.definition.name, definition_hash: record.definition.hash, state: record.state, note: record.note, stage: record.definition.stages[record.stage]?.name ?? null,
    asked: {
      from: formatDay(asked.from), to: formatDay(asked.to), processors: asked.processors, dates: asked.dates?.map(formatDay) ?? null, exclude: asked.exclude.map(formatDay), reprocess: asked.reprocess,
      concurrency: asked.concurrency, delay_seconds: asked.delaySeconds, error_policy: asked.errorPolicy, max_failures: asked.maxFailures, ramp: asked.ramp ?? false, join: asked.join ?? null, by: asked.by, reason: asked.reason, at: time(asked.at),
    },
    created_at: time(record.createdAt), ended_at: time(record.endedAt),
    stages: record.stages.map((progress, index) => ({
      name: progress.name, phases: record.definition.stages[index]?.phases ?? [], started_at: time(progress.startedAt), ended_at: time(progress.endedAt), approved_by: progress.approvedBy,
      ...(world ? progressOf(world, record, index) : {}), gate: progress.gate && { ...progress.gate, at: time(progress.gate.at) },
    })),
    failures: record.failures.map((failure) => ({ stage: failure.stage, processor: failure.processor, game_date: formatDay(failure.day), category: failure.category, message: failure.message, at: time(failure.at), run_id: failure.runId, became: failure.became, note: failure.note })),
    failures_left_out: record.failuresLeftOut,
    skips: record.skips.map((skip) => ({ game_date: formatDay(skip.day), by: skip.by, reason: skip.reason, at: time(skip.at) })),
    journal: record.journal.map((entry) => ({ at: time(entry.at), by: entry.by, event: entry.event, text: entry.text })),
  };
}
