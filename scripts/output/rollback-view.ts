import { formatDay, type Day } from '../../shared/calendar/day.ts';
import type { RolledBackCell } from '../../shared/flows/rollback/cell.ts';
import type { RollbackPlan, RollbackScope, RollbackStep } from '../../shared/flows/rollback/plan.ts';
import { recoverCommand, type RolledBack } from '../../shared/flows/rollback/roll-back.ts';
import { isTaken } from '../../shared/rollback/decide.ts';
import type { ReadersOf } from '../../shared/rollback/readers.ts';
import { grouped, kindOf } from './alike.ts';
import { paragraph, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { cellText, counted, dayList, duration } from './words.ts';

/** What a rollback would do, and what it has done. */

type Text = (core: string) => string;
const REASONS_SHOWN = 10;

export function renderRollbackPlan(plan: RollbackPlan, style: Style, text: Text): string {
  const taken = plan.steps.filter(({ decision }) => isTaken(decision));
  const lines = [taken.length === 0 ? 'nothing to roll back\n' : `${counted(taken.length, 'cell')} to roll back:\n`];
  lines.push(groups(taken.map((step) => ({ ...step, does: doesOf(step), why: step.decision.reason })), style));
  lines.push(left(plan.steps, text), reading(['reads these, and may be stale then', 'read these, and may be stale then'], plan.readers.reading.filter(() => taken.length > 0), style));
  return lines.join('');
}

function doesOf({ decision }: RollbackStep): string {
  if (decision.kind === 'restore') return 'restore';
  return decision.kind === 'empty' && decision.isDeleted ? 'delete' : 'empty';
}

export function renderRolledBack(result: RolledBack, style: Style, milliseconds: number, text: Text): string {
  const { cells, readers } = result;
  const back = cells.filter(({ outcome }) => outcome === 'restored' || outcome === 'emptied');
  const held = back.length === 0 ? '' : '; they are held: they run again when their inputs or their definition change, or a person asks';
  const lines = [`${paragraph(`rolled back ${counted(back.length, 'cell')} in ${duration(milliseconds)}${held}`, style)}\n`];
  lines.push(groups(back.map((cell) => ({ ...cell, does: cell.outcome, why: cell.decision.reason })), style));
  lines.push(left(cells, text), ...failed(cells), reading(['is stale because of it', 'are stale because of it'], readers.stale, style));
  const command = recoverCommand(readers.stale);
  if (command !== null) lines.push(`  to redo these:  ${text(command)}\n`);
  return lines.join('');
}

function groups(steps: readonly { readonly processor: string; readonly day: Day; readonly does: string; readonly why: string }[], style: Style): string {
  return renderTable(grouped(steps, ({ processor, does, why }) => `${processor} ${does} ${kindOf(why)}`), [
    { header: 'CELLS', value: ({ of }) => of.length, align: 'right' }, { header: 'PROCESSOR', value: ({ first }) => first.processor, fit: 'middle' }, { header: 'WHAT', value: ({ first }) => first.does },
    { header: 'WHY, AND DATES', value: ({ first, of }) => `${first.why}: ${dayList(of.map(({ day }) => day))}`, fit: 'wrap' },
  ], style, 2);
}

function left(steps: readonly RollbackStep[], text: Text): string {
  const back = steps.filter(({ decision }) => decision.kind === 'done').length;
  const refused = steps.filter(({ decision }) => decision.kind === 'refuse');
  const lines = back === 0 ? [] : [`${counted(back, 'cell')} rolled back already\n`];
  if (refused.length > 0) lines.push(`${counted(refused.length, 'cell')} not rolled back:\n`);
  for (const step of refused.slice(0, REASONS_SHOWN)) lines.push(`  ${cellText(step)}: ${text(step.decision.reason)}\n`);
  if (refused.length > REASONS_SHOWN) lines.push(`  and ${refused.length - REASONS_SHOWN} more (--json has all)\n`);
  return lines.join('');
}

function failed(cells: readonly RolledBackCell[]): readonly string[] {
  return cells.filter(({ outcome }) => outcome === 'failed').slice(0, REASONS_SHOWN).map((cell) => `  failed ${cellText(cell)}: ${cell.error ?? ''}; run it again\n`);
}

function reading([one, many]: readonly [one: string, many: string], readers: readonly ReadersOf[], style: Style): string {
  if (readers.length === 0) return '';
  const cells = readers.reduce((sum, { days }) => sum + days.length, 0);
  return `${counted(cells, 'cell')} ${cells === 1 ? one : many}:\n${renderTable(readers, [
    { header: 'PROCESSOR', value: (row) => row.processor }, { header: 'CELLS', value: (row) => row.days.length, align: 'right' }, { header: 'DATES', value: (row) => dayList(row.days), fit: 'wrap' },
  ], style, 2)}`;
}

function readersJson(readers: readonly ReadersOf[]): readonly unknown[] {
  return readers.map(({ processor, days }) => ({ processor, cells: days.length, game_dates: days.map(formatDay) }));
}

function stepJson({ processor, day, decision }: RollbackStep): Record<string, unknown> {
  return {
    processor, game_date: formatDay(day), decision: decision.kind, reason: decision.reason,
    ...(decision.kind === 'restore' ? { rows_from: decision.from } : {}), ...(decision.kind === 'empty' ? { deleted: decision.isDeleted } : {}), ...(decision.kind === 'refuse' ? { code: decision.code } : {}),
  };
}

export function rollbackPlanJson(plan: RollbackPlan, isDryRun: boolean): Record<string, unknown> {
  return { dry_run: isDryRun, cells: plan.steps.map(stepJson), reading: readersJson(plan.readers.reading) };
}

export function rolledBackJson(scope: RollbackScope, { cells, readers, interrupted }: RolledBack, milliseconds: number): Record<string, unknown> {
  const command = recoverCommand(readers.stale);
  return {
    dry_run: false, backfill_id: scope.backfillId, interrupted, milliseconds: Math.round(milliseconds),
    cells: cells.map((cell) => ({ ...stepJson(cell), outcome: cell.outcome, rows: cell.rows, error: cell.error })), stale: readersJson(readers.stale), recover: command,
  };
}
