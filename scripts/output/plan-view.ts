import { formatDay, type Day } from '../../shared/calendar/day.ts';
import { describeOutage } from '../../shared/flows/detect-gaps.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { LeftOut, Outage, PlanStep, RecoveryPlan } from '../../shared/recovery/plan.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { paragraph, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { count, counted, dayList, range } from './words.ts';

const STEPS_SHOWN = 24;
const REASONS_SHOWN = 12;

/** Consecutive entries of one kind, in the order in which they first come. */
function groupBy<T extends CellKey>(entries: readonly T[], kindOf: (entry: T) => string): { readonly first: T; readonly days: readonly Day[] }[] {
  const groups = new Map<string, { first: T; days: Day[] }>();
  for (const entry of entries) {
    const group = groups.get(kindOf(entry));
    if (group) group.days.push(entry.day);
    else groups.set(kindOf(entry), { first: entry, days: [entry.day] });
  }
  return [...groups.values()];
}

const does = { fill: 'fill', redo: 'redo', check: 'check' } as const;

/** What a recovery would do, in order; what it leaves out and why; what is over the bounds, with the command. */
export function renderPlan(plan: RecoveryPlan, world: World, style: Style, commandText: (words: readonly string[]) => string): string {
  const parts: string[] = [];
  const { steps } = plan;
  const queued = plan.leftOut.filter((entry) => entry.code === 'open');
  const follows = plan.leftOut.filter((entry) => entry.code === 'blocked' && queued.some(({ processor, day }) => processor === entry.because?.processor && day === entry.because.day));
  const leftOut = plan.leftOut.filter((entry) => entry.code !== 'open' && !follows.includes(entry));
  const number = (action: PlanStep['action']): number => steps.filter((step) => step.action === action).length;
  if (steps.length === 0 && queued.length > 0) parts.push(`${range(plan.scope.from, plan.scope.to)}: nothing to add to what is queued`);
  else if (steps.length === 0) parts.push(leftOut.length === 0 && queued.length === 0 ? style.green(`${range(plan.scope.from, plan.scope.to)}: nothing to do`) : `${range(plan.scope.from, plan.scope.to)}: nothing that can be done now`);
  else {
    const roots = steps.filter((step) => step.isRootCause).length;
    parts.push(style.bold(`${counted(steps.length, 'step')}: ${count(number('fill'))} to fill, ${count(number('redo'))} to redo, ${count(number('check'))} to check; ${counted(roots, 'root cause')} first, then date by date`));
    parts.push(steps.length <= STEPS_SHOWN ? stepsTable(steps, style) : groupsTable(steps, world, style));
    if (steps.some((step) => world.processor(step.processor).fillsCalendar && step.action !== 'check')) {
      parts.push(style.dim(paragraph('The schedule is filled first: what it brings decides what else is expected, and the plan is then made again.', style)));
    }
  }
  if (queued.length > 0) parts.push(paragraph(`${counted(queued.length, 'request')} open already: what is queued runs first${follows.length > 0 ? `, then the ${counted(follows.length, 'cell')} that wait for it` : ''}.`, style));
  const left = renderLeftOut(leftOut, world, style);
  if (left) parts.push(left);
  if (plan.overBounds.length > 0) parts.push(renderOverBounds(plan.overBounds, style, commandText));
  return `${parts.join('\n\n')}\n`;
}

function stepsTable(steps: readonly PlanStep[], style: Style): string {
  return renderTable(steps.map((step, index) => ({ ...step, index })), [
    { header: '#', value: (step) => step.index + 1, align: 'right' },
    { header: 'DATE', value: (step) => formatDay(step.day) },
    { header: 'DO', value: (step) => does[step.action] },
    { header: 'PROCESSOR', value: (step) => step.processor, dress: (text, step) => (step.isRootCause ? style.bold(text) : text) },
    { header: 'WHY', value: (step) => step.reason, fit: 'wrap' },
  ], style).trimEnd();
}

function groupsTable(steps: readonly PlanStep[], world: World, style: Style): string {
  const groups = groupBy(steps, (step) => `${step.processor}|${step.action}|${step.isRootCause}`)
    .sort((a, b) => world.processor(a.first.processor).rank - world.processor(b.first.processor).rank);
  return `${renderTable(groups, [
    { header: 'PROCESSOR', value: ({ first }) => first.processor, dress: (text, { first }) => (first.isRootCause ? style.bold(text) : text) },
    { header: 'DO', value: ({ first }) => `${does[first.action]}${first.isRootCause ? ' (root)' : ''}` },
    { header: 'CELLS', value: ({ days }) => count(days.length), align: 'right' },
    { header: 'DATES', value: ({ days }) => dayList(days, 2), fit: 'wrap' },
  ], style)}${style.dim('Every step, in order: --json')}`;
}

/** What is left out, by reason: one line a processor and code. */
export function renderLeftOut(leftOut: readonly LeftOut[], world: World, style: Style): string {
  if (leftOut.length === 0) return '';
  const groups = groupBy(leftOut, (entry) => `${entry.code}|${entry.processor}|${entry.code === 'blocked' || entry.code === 'reader_outside' ? '' : entry.reason}`)
    .sort((a, b) => (a.days[0] ?? 0) - (b.days[0] ?? 0) || world.processor(a.first.processor).rank - world.processor(b.first.processor).rank);
  const lines = groups.slice(0, REASONS_SHOWN).map(({ first, days }) =>
    `  ${style.bold(first.processor)}  ${counted(days.length, 'cell')}  ${dayList(days, 2)}\n${paragraph(`${first.code}: ${first.reason}`, style, 4)}`);
  const more = groups.length > REASONS_SHOWN ? [`  and ${groups.length - REASONS_SHOWN} more (--json has all)`] : [];
  return [style.bold(`left out: ${counted(leftOut.length, 'cell')}`), ...lines, ...more].join('\n');
}

/** Outages that automatic work leaves to a person, each with the command that recovers it. */
export function renderOverBounds(outages: readonly Outage[], style: Style, commandText: (words: readonly string[]) => string): string {
  const days = outages.flatMap((outage) => outage.days).sort((a, b) => a - b);
  const [first] = days;
  const last = days.at(-1);
  if (first === undefined || last === undefined) return '';
  return [
    style.bold(style.yellow(`over the bounds: ${counted(outages.length, 'outage')}`)),
    ...outages.map((outage) => paragraph(describeOutage(outage), style, 2)),
    `  ${style.cyan(commandText(['recover', '--all', '--from', formatDay(first), '--to', formatDay(last)]))}`,
  ].join('\n');
}

const cell = ({ processor, day }: CellKey): Record<string, string> => ({ processor, game_date: formatDay(day) });

export function leftOutJson(leftOut: readonly LeftOut[]): readonly Record<string, unknown>[] {
  return leftOut.map((entry) => ({ ...cell(entry), code: entry.code, reason: entry.reason, because: entry.because && cell(entry.because) }));
}

/** What `plan --json` prints. */
export function planJson(plan: RecoveryPlan): Record<string, unknown> {
  const outages = (list: readonly Outage[]): readonly Record<string, unknown>[] => list.map((outage) => ({ processor: outage.processor, dates: outage.days.map(formatDay), cells: outage.cells }));
  return {
    from: formatDay(plan.scope.from),
    to: formatDay(plan.scope.to),
    steps: plan.steps.map((step) => ({ ...cell(step), action: step.action, reason: step.reason, is_root_cause: step.isRootCause })),
    left_out: leftOutJson(plan.leftOut),
    outages: outages(plan.outages),
    over_bounds: outages(plan.overBounds),
  };
}
