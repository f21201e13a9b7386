import { formatDay } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { percentText } from '../../shared/staged/gate.ts';
import { wholeProgress, type Progress } from '../../shared/staged/progress.ts';
import { currentStage, type BackfillRecord } from '../../shared/staged/record.ts';
import { stagesTable, stateText, unresolved } from './backfill-view.ts';
import type { Pace } from './pace.ts';
import { cut, type Style } from './style.ts';
import { cellText, count, counted, duration } from './words.ts';

/** A running backfill on a terminal, as lines that are drawn again and again: none is wider than it, and they are few. */

const BAR = 20;
const FAILURES_SHOWN = 3;
const STAGES_SHOWN = 12;

export interface ScreenView {
  readonly record: BackfillRecord;
  readonly world: World;
  readonly pace: Pace;
  /** Its cells that run now. */
  readonly running: readonly CellKey[];
  readonly now: number;
}

export function screenLines({ record, world, pace, running, now }: ScreenView, style: Style): string[] {
  const whole = wholeProgress(world, record);
  const ended = whole.complete + whole.failed;
  const filled = whole.expected === 0 ? 0 : Math.floor((BAR * ended) / whole.expected);
  const bar = `${style.green('█'.repeat(filled))}${style.dim('░'.repeat(BAR - filled))}`;
  const failures = unresolved(record, world).filter((failure) => failure.became === 'open');
  const all = failures.length + record.failuresLeftOut;
  const [head = '', ...stages] = stagesTable(record, world, style, now).trimEnd().split('\n');
  // Of many stages the one that it is in, and those around it.
  const first = Math.max(0, Math.min(record.stage - Math.floor(STAGES_SHOWN / 2), stages.length - STAGES_SHOWN));
  return [
    '',
    `${style.bold(record.id)}  ${style.cyan(stateText(record))} for ${duration(Math.max(0, now - record.createdAt))}`,
    head, ...stages.slice(first, first + STAGES_SHOWN),
    `${bar} ${wholeText(whole, record, running.length === 0 ? null : pace)}`,
    style.dim(`now     ${running.length === 0 ? 'nothing runs' : running.slice(0, 8).map(cellText).join(', ')}`),
    ...(all === 0 ? [] : [style.red(`failed  ${counted(all, 'cell')}; the last:`)]),
    ...failures.slice(-FAILURES_SHOWN).map((failure) => style.red(`  ${formatDay(failure.day)} ${failure.processor} (${failure.category}): ${failure.message}`)),
  ].map((line) => cut(line, style.columns));
}

/** The same in one plain line, for a pipe. */
export function plainLine({ record, world, pace, running }: Pick<ScreenView, 'record' | 'world' | 'pace' | 'running'>): string {
  return `${record.id}: stage ${currentStage(record).definition.name}, ${wholeText(wholeProgress(world, record), record, running.length === 0 ? null : pace)}`;
}

/** `pace` is null while nothing runs: before another attempt, or for want of a slot. How fast it was before that says nothing then. */
function wholeText({ expected, complete, failed }: Progress, record: BackfillRecord, pace: Pace | null): string {
  const figures = `${count(complete)} of ${count(expected)} cells ${percentText(complete, expected)}`;
  // What the calendar is going to expect is not known yet.
  const left = currentStage(record).definition.calendar_first ? 'calendar first' : pace?.left(expected - complete - failed) ?? 'nothing runs at the moment';
  return [figures, ...(failed === 0 ? [] : [`${count(failed)} failed`]), ...(pace === null || pace.text === '' ? [] : [pace.text]), ...(left === '' ? [] : [left])].join(', ');
}
