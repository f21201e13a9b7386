import { formatDay } from '../../shared/calendar/day.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import type { StagePlan } from '../../shared/staged/plan.ts';
import { grouped, kindOf } from './alike.ts';
import { paragraph, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { count, counted, dayList } from './words.ts';

/** What a staged backfill would run, for people and as JSON. */

type NamedPlan = StagePlan & { readonly stage: string };

/** Ranges of dates, and rows of what is left out, that are shown where not all of it is wanted. */
const RANGES_SHOWN = 6;
const ROWS_SHOWN = 12;

/** `all`: every date is named, in as few words as ranges allow. `filling`: the stage that fills the calendar first; -1: none has to. */
export function renderPlans(plans: readonly NamedPlan[], style: Style, all: boolean, filling = -1): string {
  return plans.map((plan, index) => renderPlan(plan, style, all, filling < 0 || index < filling ? 'known' : index === filling ? 'filling' : 'unknown')).join('\n');
}

const NOTHING = { known: 'nothing to run, as it looks now', filling: 'nothing to run, as it looks now', unknown: 'known when the calendar is filled' } as const;

function renderPlan({ stage, cells, leftOut, ramp }: NamedPlan, style: Style, all: boolean, calendar: keyof typeof NOTHING): string {
  const taken = grouped(cells, (cell) => `${cell.processor} ${cell.action} ${kindOf(cell.reason)}`);
  const left = grouped(leftOut, (cell) => `${cell.processor} ${kindOf(cell.reason)}`);
  const shown = all ? left : left.slice(0, ROWS_SHOWN);
  const dates = (of: readonly CellKey[]): string => dayList(of.map((cell) => cell.day), all ? Number.POSITIVE_INFINITY : RANGES_SHOWN);
  const head = `${paragraph(`${style.bold(`stage ${stage}`)}: ${cells.length === 0 ? NOTHING[calendar] : counted(cells.length, 'cell')}${leftOut.length === 0 ? '' : `, ${count(leftOut.length)} left out`}${cells.length > 0 && calendar === 'filling' ? '; more when these have filled the calendar' : ''}`, style)}\n`;
  const takenTable = renderTable(taken, [
    { header: 'CELLS', value: ({ of }) => count(of.length), align: 'right' }, { header: 'PROCESSOR', value: ({ first }) => first.processor, fit: 'middle' }, { header: 'ACTION', value: ({ first }) => first.action },
    { header: 'WHY, AND DATES', value: ({ first, of }) => `${first.reason}: ${dates(of)}`, fit: 'wrap' },
  ], style, 2);
  const leftTable = renderTable(shown, [
    { header: 'LEFT OUT', value: ({ of }) => count(of.length), align: 'right' }, { header: 'PROCESSOR', value: ({ first }) => first.processor, fit: 'middle' },
    { header: 'WHY, AND DATES', value: ({ first, of }) => `${first.reason}: ${dates(of)}`, fit: 'wrap' },
  ], style, 2);
  const more = left.length > shown.length ? `  and ${count(left.slice(ROWS_SHOWN).reduce((sum, { of }) => sum + of.length, 0))} more cells (--dry-run names them)\n` : '';
  return head + rampText(cells, ramp, style) + takenTable + leftTable + more;
}

/** In which steps a stage takes its dates up. */
function rampText(cells: StagePlan['cells'], ramp: StagePlan['ramp'], style: Style): string {
  const steps = ramp.map(({ words, to }) => `${words} (to ${formatDay(to)}, ${counted(cells.filter((cell) => cell.day <= to).length, 'cell')} by then)`);
  return steps.length === 0 ? '' : `${paragraph(`in steps: ${[...steps, 'the rest'].join(', then ')}`, style, 2)}\n`;
}

export function plansJson(plans: readonly NamedPlan[]): unknown {
  return plans.map(({ stage, cells, leftOut, ramp }) => ({
    stage,
    ramp: ramp.map(({ words, to }) => ({ step: words, to: formatDay(to), cells: cells.filter((cell) => cell.day <= to).length })),
    cells: cells.map((cell) => ({ processor: cell.processor, game_date: formatDay(cell.day), action: cell.action, reason: cell.reason, ...(cell.cascadeOf === undefined ? {} : { cascade_of: cell.cascadeOf }) })),
    left_out: leftOut.map((left) => ({ processor: left.processor, game_date: formatDay(left.day), reason: left.reason })),
  }));
}
