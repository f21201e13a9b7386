import type { Day } from '../calendar/day.ts';
import type { FailureCategory } from '../failures/category.ts';
import type { CellKey, RequestKind } from '../requests/cell.ts';
import { bandOf, BANDS, type Band } from './bands.ts';

/**
 * Whether automatic recovery is justified, by what has happened: figures of gaps, runs and requests in, a band for each
 * of source document 003's thresholds out. Nothing is decided by it; people read it.
 */

/** A run as the history has it. */
export interface RunFact extends CellKey {
  readonly succeeded: boolean;
  readonly category: FailureCategory | null;
  /** Its error, where the category of another system's failure is not known. */
  readonly error: string | null;
}

/** A request on one cell, from its opening to its end. */
export interface RequestFact extends CellKey {
  readonly kind: RequestKind;
  /** Epoch milliseconds. */
  readonly openedAt: number;
  readonly endedAt: number | null;
  readonly outcome: 'completed' | 'failed' | 'cancelled' | 'open';
  /** Nobody asked for it: the detector opened it. */
  readonly byItself: boolean;
  /** It was opened because rows were missing or short. */
  readonly fills: boolean;
}

export interface NeedsFacts {
  /** Days of the range that have begun: what rates are over. */
  readonly days: number;
  /** Cells that are missing or short now. */
  readonly lacking: readonly CellKey[];
  readonly runs: readonly RunFact[];
  readonly requests: readonly RequestFact[];
  /** What people asked for by hand: messages, commands, recoveries; one each, however many cells it had. */
  readonly byHand: number;
  readonly minutesPerManual: number;
}

export interface ProcessorRate {
  readonly processor: string;
  readonly runs: number;
  readonly failures: number;
  readonly dependencyFailures: number;
}

export interface Needs {
  readonly gaps: {
    /** Game dates with a gap: lacking now, or filled since by a request. */
    readonly dates: readonly Day[];
    readonly lackingNow: number;
    readonly per30Days: number;
    readonly perWeek: number;
    readonly band: Band;
  };
  readonly dependencies: {
    readonly runs: number;
    readonly failures: number;
    readonly dependencyFailures: number;
    /** Percent of all runs. */
    readonly percent: number;
    readonly band: Band;
    /** Those with such failures, the highest share first. */
    readonly byProcessor: readonly ProcessorRate[];
  };
  readonly manual: {
    readonly requests: number;
    readonly minutes: number;
    readonly minutesPerWeek: number;
    readonly band: Band;
  };
  readonly recovered: {
    /** Requests of the detector that filled a gap, and how they ended. */
    readonly completed: number;
    readonly failed: number;
    readonly open: number;
    /** Game dates that were filled by themselves: each would have been a request by hand. */
    readonly dates: number;
    readonly minutesSavedPerWeek: number;
    /** From opening to end, of all requests that filled a gap; null where none has. */
    readonly medianMinutes: number | null;
    readonly medianMinutesByItself: number | null;
  };
  readonly checklist: readonly ChecklistItem[];
  readonly verdict: Band;
}

/** An item of the document's decision checklist. */
export interface ChecklistItem {
  readonly demands: string;
  readonly met: boolean;
}

const WEEK_DAYS = 7;
const MONTH_DAYS = 30;

/** Figures are told with one decimal, and judged as they are: 5.04 % is over 5 %, although it is told as 5. */
export function assessNeeds(facts: NeedsFacts): Needs {
  const { days, minutesPerManual } = facts;
  const gaps = gapsOf(facts);
  const dependencies = dependenciesOf(facts.runs);
  const minutes = facts.byHand * minutesPerManual;
  const minutesPerWeek = broughtTo(minutes, WEEK_DAYS, days);
  const manual = { requests: facts.byHand, minutes, minutesPerWeek: rounded(minutesPerWeek), band: bandOf(BANDS.manualMinutesPerWeek, minutesPerWeek) };
  const recovered = recoveredOf(facts);
  const savedPerWeek = Math.max(minutesPerWeek, broughtTo(recovered.dates * minutesPerManual, WEEK_DAYS, days));
  const checklist: ChecklistItem[] = [
    { demands: 'gaps on more than 3 dates a week', met: broughtTo(gaps.dates.length, WEEK_DAYS, days) > 3 },
    { demands: 'manual time over 30 minutes a week', met: minutesPerWeek > 30 },
    { demands: 'dependency failures over 5 % of runs', met: percentOf(dependencies) > 5 },
    { demands: 'more than 1 hour saved a week', met: savedPerWeek > 60 },
  ];
  return { gaps, dependencies, manual, recovered, checklist, verdict: verdictOf([gaps.band, dependencies.band, manual.band], checklist) };
}

/** The document: implement when all of the list is met; wait when any band is high, or some of the list is; else leave it. */
function verdictOf(bands: readonly Band[], checklist: readonly ChecklistItem[]): Band {
  if (checklist.every(({ met }) => met)) return 'justified';
  return bands.some((band) => band !== 'not_needed') || checklist.some(({ met }) => met) ? 'borderline' : 'not_needed';
}

function gapsOf({ days, lacking, requests }: NeedsFacts): Needs['gaps'] {
  const filled = requests.filter(({ fills, kind }) => fills && isRepair(kind)).map(({ day }) => day);
  const dates = [...new Set([...lacking.map(({ day }) => day), ...filled])].sort((a, b) => a - b);
  const per30Days = broughtTo(dates.length, MONTH_DAYS, days);
  return { dates, lackingNow: new Set(lacking.map(({ day }) => day)).size, per30Days: rounded(per30Days), perWeek: rounded(broughtTo(dates.length, WEEK_DAYS, days)), band: bandOf(BANDS.gapsPer30Days, per30Days) };
}

/** Multiplied first: a third of whole numbers times thirty is a little more or less than ten, on the wrong side of a threshold. */
function broughtTo(amount: number, perDays: number, days: number): number {
  return (amount * perDays) / Math.max(days, 1);
}

function percentOf({ runs, dependencyFailures }: Pick<ProcessorRate, 'runs' | 'dependencyFailures'>): number {
  return runs === 0 ? 0 : (dependencyFailures * 100) / runs;
}

function dependenciesOf(runs: readonly RunFact[]): Needs['dependencies'] {
  const rates = new Map<string, { runs: number; failures: number; dependencyFailures: number }>();
  for (const run of runs) {
    const rate = rates.get(run.processor) ?? { runs: 0, failures: 0, dependencyFailures: 0 };
    rate.runs += 1;
    if (!run.succeeded) rate.failures += 1;
    if (!run.succeeded && isDependencyFailure(run)) rate.dependencyFailures += 1;
    rates.set(run.processor, rate);
  }
  const all = [...rates].map(([processor, rate]): ProcessorRate => ({ processor, ...rate }));
  const sum = (of: (rate: ProcessorRate) => number): number => all.reduce((total, rate) => total + of(rate), 0);
  const [ran, failures, dependencyFailures] = [sum((rate) => rate.runs), sum((rate) => rate.failures), sum((rate) => rate.dependencyFailures)];
  const percent = percentOf({ runs: ran, dependencyFailures });
  return {
    runs: ran, failures, dependencyFailures, percent: rounded(percent), band: bandOf(BANDS.dependencyFailurePercent, percent),
    byProcessor: all.filter((rate) => rate.dependencyFailures > 0).sort((a, b) => b.dependencyFailures / b.runs - a.dependencyFailures / a.runs || (a.processor < b.processor ? -1 : 1)),
  };
}

/** Its input was not there: by its category, or, as the document's query does, by what its error says. */
function isDependencyFailure({ category, error }: RunFact): boolean {
  return category === 'data_availability' || category === 'defensive_block' || (category === null && /dependenc/i.test(error ?? ''));
}

function recoveredOf({ requests, minutesPerManual, days }: NeedsFacts): Needs['recovered'] {
  const repairs = requests.filter(({ fills, kind }) => fills && isRepair(kind));
  const own = repairs.filter(({ byItself }) => byItself);
  const completed = own.filter(({ outcome }) => outcome === 'completed');
  const dates = new Set(completed.map(({ day }) => day)).size;
  return {
    completed: completed.length,
    failed: own.filter(({ outcome }) => outcome === 'failed').length,
    open: own.filter(({ outcome }) => outcome === 'open').length,
    dates, minutesSavedPerWeek: rounded(broughtTo(dates * minutesPerManual, WEEK_DAYS, days)),
    medianMinutes: medianMinutes(repairs), medianMinutesByItself: medianMinutes(own),
  };
}

/** Cascades are the day's work, staged backfills a project of their own: neither tells that something had gone missing. */
function isRepair(kind: RequestKind): boolean {
  return kind === 'auto' || kind === 'manual';
}

function medianMinutes(requests: readonly RequestFact[]): number | null {
  const times = requests.flatMap(({ outcome, openedAt, endedAt }) => (outcome === 'completed' && endedAt !== null ? [Math.max(0, endedAt - openedAt) / 60_000] : [])).sort((a, b) => a - b);
  const middle = Math.floor(times.length / 2);
  const upper = times[middle];
  if (upper === undefined) return null;
  const lower = times.length % 2 === 0 ? times[middle - 1] ?? upper : upper;
  return rounded((lower + upper) / 2);
}

/** One decimal. */
function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
