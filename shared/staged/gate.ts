import { formatDay, type Day } from '../calendar/day.ts';
import type { FailureCategory } from '../failures/category.ts';
import type { CellKey } from '../requests/cell.ts';

/** A quality gate: figures of what there is in, a verdict with its reasons out. It never passes for want of figures. */

/** What one table holds of a gate's dates. A date that is expected and due is in exactly one of complete, accepted and lacking. */
export interface TableFigures {
  readonly processor: string;
  readonly phase: string;
  readonly table: string;
  /** What it lacks holds the gate; of other tables it is only shown. */
  readonly critical: boolean;
  /** Expected by its own calendar, due by now, and not left out: the denominator. */
  readonly expected: number;
  readonly complete: number;
  /** Rows, or their absence, that a person marked as right: these count as complete. */
  readonly accepted: number;
  readonly lacking: readonly Day[];
  /** Of those lacking: no rows at all. */
  readonly missing: number;
  /** Of those lacking: rows that fall short. */
  readonly short: number;
  /** Of those complete: made of other rows than there are now. */
  readonly stale: number;
  /** Of those complete: rows that their last run did not write. */
  readonly altered: number;
  /** Of those complete: rows without a trace whose inputs were absent, or have been filled since. */
  readonly suspect: number;
  /** Expected, and not due yet: not in the denominator. */
  readonly pending: number;
  /** Left out with a reason by whoever asks: not in the denominator. */
  readonly leftOut: number;
  /** Values of required columns, and how many of them are null; without accepted rows, whose nulls are right. */
  readonly requiredValues: number;
  readonly nulls: number;
}

/** A cell that failed and is not complete. What a person cancelled, skipped, rolled back or accepted is none. */
export interface UnresolvedFailure extends CellKey {
  readonly category: FailureCategory;
  readonly message: string;
  /** Will be tried again by itself. */
  readonly cooling: boolean;
}

export type CheckOutcome =
  | { readonly kind: 'passed' }
  /** How many rows the check's query returned, and the first of them. */
  | { readonly kind: 'offended'; readonly rows: number; readonly sample: readonly Readonly<Record<string, string | number | boolean | null>>[] }
  | { readonly kind: 'did_not_run'; readonly message: string };

export interface CheckFigures {
  readonly name: string;
  readonly demands: string;
  readonly table: string;
  readonly outcome: CheckOutcome;
}

export interface GateFigures {
  readonly tables: readonly TableFigures[];
  readonly unresolved: readonly UnresolvedFailure[];
  readonly checks: readonly CheckFigures[];
  /** Dates, ascending, of which no schedule is there: what is expected on them is not known. None where its tables are judged themselves. */
  readonly unscheduled?: readonly Day[];
  /** Cells that were run, and how many of them ended well; null where nothing is known of runs. */
  readonly runs: { readonly ended: number; readonly succeeded: number } | null;
}

export interface GateRules {
  /** Least share of complete and accepted dates, 0 to 100, of each critical table; null: not judged. */
  readonly minCoveragePercent: number | null;
  /** Whether unresolved failures hold the gate, or are shown only. */
  readonly failures: 'show' | 'hold';
  /** Most nulls in the required columns of all critical tables together; null: not judged by itself (a date with one is short). */
  readonly maxNulls: number | null;
  /** Least share, 0 to 100, of runs that ended well; null: not judged. */
  readonly minSuccessPercent: number | null;
  /** Whether stale, altered and suspect dates hold the gate, or are shown only. */
  readonly doubtful: 'show' | 'hold';
}

export const STANDARD_RULES: GateRules = { minCoveragePercent: 100, failures: 'hold', maxNulls: null, minSuccessPercent: null, doubtful: 'show' };

export type GateRuleName = 'expectation' | 'schedule' | 'coverage' | 'failures' | 'nulls' | 'success' | 'doubtful' | 'checks';

export interface GateReason {
  readonly rule: GateRuleName;
  readonly text: string;
}

export interface GateVerdict {
  readonly passed: boolean;
  /** Why it holds; empty when it passed. */
  readonly reasons: readonly GateReason[];
  /** What does not hold it, and should be known. */
  readonly notes: readonly string[];
}

export function judgeGate(figures: GateFigures, rules: GateRules): GateVerdict {
  const critical = figures.tables.filter((table) => table.critical);
  const reasons = [
    ...expectationReasons(critical),
    ...unscheduledReasons(critical, figures.unscheduled ?? [], rules.minCoveragePercent),
    ...critical.flatMap((table) => coverageReasons(table, rules.minCoveragePercent)),
    ...(rules.failures === 'hold' ? failureTexts(figures.unresolved).map((text): GateReason => ({ rule: 'failures', text })) : []),
    ...nullReasons(critical, rules.maxNulls),
    ...successReasons(figures.runs, rules.minSuccessPercent),
    ...(rules.doubtful === 'hold' ? critical.flatMap((table) => doubtsOf(table).map((text): GateReason => ({ rule: 'doubtful', text }))) : []),
    ...figures.checks.flatMap(checkReasons),
  ];
  const isToldAlready = reasons.some(({ rule }) => rule === 'schedule');
  return { passed: reasons.length === 0, reasons, notes: notesOf(isToldAlready ? { ...figures, unscheduled: [] } : figures, rules) };
}

/** Complete and accepted dates. */
export function covered({ complete, accepted }: Pick<TableFigures, 'complete' | 'accepted'>): number {
  return complete + accepted;
}

/** A share in percent with one decimal, rounded down: 100 only where nothing is left. Null: a share of nothing. */
export function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.floor((part * 1000) / whole) / 10;
}

/** A gate over nothing would pass whatever there is: an empty calendar, a wrong phase, a date set that came out empty. */
function expectationReasons(critical: readonly TableFigures[]): GateReason[] {
  if (critical.some(({ expected }) => expected > 0)) return [];
  const sum = (of: (table: TableFigures) => number): number => critical.reduce((total, table) => total + of(table), 0);
  const text = critical.length === 0 ? 'there is no critical table among what is judged'
    : sum((table) => table.leftOut) > 0 ? 'all expected dates were left out'
      : sum((table) => table.pending) > 0 ? 'nothing is due yet: all expected dates lie ahead' : 'no date is expected of any critical table: is the schedule filled?';
  return [{ rule: 'expectation', text }];
}

/** What is expected on a date without a schedule nobody knows: a gate is passed if it would be, were each of them to lack. */
function unscheduledReasons(critical: readonly TableFigures[], days: readonly Day[], least: number | null): GateReason[] {
  if (least === null || days.length === 0) return [];
  const table = critical.find((one) => covered(one) * 100 < least * (one.expected + days.length));
  if (!table) return [];
  return [{ rule: 'schedule', text: `no schedule is there of ${datesText(days)}: what is expected then is not known; were it to lack, ${table.table} would have ${percentText(covered(table), table.expected + days.length)}; at least ${least} % is needed; fill the schedule first` }];
}

function coverageReasons(table: TableFigures, least: number | null): GateReason[] {
  const { expected, missing, short } = table;
  const part = covered(table);
  // Whole numbers on both sides, so that 99.97 % is never taken for 100 %.
  if (least === null || expected === 0 || part * 100 >= least * expected) return [];
  const lacking = [...(missing > 0 ? [`${missing} missing`] : []), ...(short > 0 ? [`${short} short`] : [])].join(', ');
  return [{ rule: 'coverage', text: `${table.table}: ${percentText(part, expected)} of ${expected} dates (${lacking}); at least ${least} % is needed` }];
}

function failureTexts(unresolved: readonly UnresolvedFailure[]): string[] {
  const [first] = unresolved;
  if (!first) return [];
  const byProcessor = new Map<string, number>();
  for (const { processor } of unresolved) byProcessor.set(processor, (byProcessor.get(processor) ?? 0) + 1);
  const which = [...byProcessor].map(([name, cells]) => `${name} ${cells}`).join(', ');
  return [`${unresolved.length} unresolved ${unresolved.length === 1 ? 'failure' : 'failures'} (${which}); the first: ${first.message}`];
}

function nullReasons(critical: readonly TableFigures[], most: number | null): GateReason[] {
  const nulls = critical.reduce((sum, table) => sum + table.nulls, 0);
  if (most === null || nulls <= most) return [];
  const where = critical.filter((table) => table.nulls > 0).map((table) => `${table.table} ${table.nulls}`).join(', ');
  return [{ rule: 'nulls', text: `${nulls} required ${nulls === 1 ? 'value is' : 'values are'} null (${where}); at most ${most} may be` }];
}

function successReasons(runs: GateFigures['runs'], least: number | null): GateReason[] {
  if (least === null) return [];
  if (runs === null || runs.ended === 0) return [{ rule: 'success', text: `no run is known, and at least ${least} % have to have ended well` }];
  if (runs.succeeded * 100 >= least * runs.ended) return [];
  return [{ rule: 'success', text: `${percentText(runs.succeeded, runs.ended)} of ${runs.ended} cells ended well; at least ${least} % is needed` }];
}

function checkReasons({ name, demands, outcome }: CheckFigures): GateReason[] {
  if (outcome.kind === 'passed') return [];
  const text = outcome.kind === 'offended'
    ? `the check ${name} found ${outcome.rows} ${outcome.rows === 1 ? 'row' : 'rows'}; it demands: ${demands}`
    : `the check ${name} could not be run, so that nothing is known: ${outcome.message}`;
  return [{ rule: 'checks', text }];
}

function doubtsOf({ table, stale, altered, suspect }: TableFigures): string[] {
  const doubts = [{ dates: stale, word: 'stale' }, { dates: altered, word: 'altered' }, { dates: suspect, word: 'suspect' }];
  return doubts.filter(({ dates }) => dates > 0).map(({ dates, word }) => `${table}: ${dates} ${dates === 1 ? 'date is' : 'dates are'} ${word}`);
}

function notesOf({ tables, unresolved, unscheduled = [] }: GateFigures, rules: GateRules): string[] {
  const sum = (of: (table: TableFigures) => number): number => tables.reduce((total, table) => total + of(table), 0);
  const [accepted, pending, leftOut] = [sum((table) => table.accepted), sum((table) => table.pending), sum((table) => table.leftOut)];
  const others = tables.filter((table) => !table.critical && covered(table) < table.expected);
  return [
    ...(accepted > 0 ? [`${accepted} accepted by a person: counted as complete`] : []),
    ...(pending > 0 ? [`${pending} expected and not due yet: not counted`] : []),
    ...unscheduledNote(unscheduled),
    ...(leftOut > 0 ? [`${leftOut} left out with a reason: not counted`] : []),
    ...(rules.failures === 'show' ? failureTexts(unresolved) : []),
    ...tables.filter((table) => rules.doubtful === 'show' || !table.critical).flatMap(doubtsOf).map((doubt) => `${doubt}: counted as complete`),
    ...others.map((table) => `${table.table} is not critical: ${percentText(covered(table), table.expected)} of ${table.expected} dates`),
  ];
}

function unscheduledNote(days: readonly Day[]): string[] {
  return days.length === 0 ? [] : [`no schedule is there of ${datesText(days)}: what is expected then is not known, and not counted`];
}

/** Of at least one. */
function datesText(days: readonly Day[]): string {
  const texts = days.map(formatDay);
  return texts.length === 1 ? texts.join('') : `${texts.length} dates from ${texts[0] ?? ''} to ${texts.at(-1) ?? ''}`;
}

/** As a person reads it: `66.6 %`; of nothing `–`. */
export function percentText(part: number, whole: number): string {
  return `${percentOf(part, whole) ?? '–'} %`;
}
