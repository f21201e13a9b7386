import { addDays, day as dayNumber, type Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { keyOf } from '../gaps/detect.ts';
import { isSettled, statusOf } from '../gaps/facts.ts';
import { hash64, hex64 } from '../gaps/fingerprint.ts';
import { describeCell } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { plannedInput } from '../recovery/readers.ts';
import { wantedOf } from '../recovery/wanted.ts';
import type { PlanRequest } from '../recovery/plan.ts';
import type { Reprocess } from '../requests/ask.ts';
import type { CellKey } from '../requests/cell.ts';
import { cascadeTo } from './cascading.ts';
import { rampOf, rampStep, type RampStep } from './ramp.ts';
import { askedByAny, isAskedFor, isExcluded, processorsAsked, roundAsked, skipOf, takesDate, type BackfillRecord } from './record.ts';

/**
 * `fill`: rows are missing or short. `redo`: rows are known to be wrong. `rerun`: run although nothing has changed.
 * `check`: reads a cell of the plan; run only if its trace differs by then.
 */
export interface StageCell extends CellKey {
  readonly action: 'fill' | 'redo' | 'rerun' | 'check';
  readonly reason: string;
  /** The phase whose cascade opens it. */
  readonly cascadeOf?: string;
}

export interface LeftOutCell extends CellKey {
  readonly reason: string;
  /** It was tried by this stage, and failed. */
  readonly failed?: true;
}

export interface StagePlan {
  /** In the order in which they are taken up: date, then phase. */
  readonly cells: readonly StageCell[];
  readonly leftOut: readonly LeftOutCell[];
  /** The steps in which its dates are taken up, before the rest. */
  readonly ramp: readonly RampStep[];
}

/** Processors of a stage, in topological order, as far as they were asked for. */
export function processorsOf(world: Pick<World, 'pipeline'>, record: BackfillRecord, stage: number): readonly Processor[] {
  const phases = record.definition.stages[stage]?.phases ?? [];
  const own = processorsAsked(world.pipeline, record, phases);
  // A cascade starts a whole phase: those that come by one are taken up phase by phase.
  return record.definition.stages[stage]?.cascade ? own.toSorted((a, b) => a.phase.index - b.phase.index || a.rank - b.rank) : own;
}

/** How a stage treats what is complete. */
export function reprocessOf(record: BackfillRecord, stage: number): Reprocess {
  return record.definition.stages[stage]?.reprocess ?? record.asked.reprocess;
}

/**
 * The cells that a stage takes now, and those that it leaves out, each with the reason. Decides in values: the same world
 * and record give the same plan, and a dry run prints the very list that is walked. `before`: cells that earlier stages are
 * going to write, by `keyOf`, for a dry run of several stages.
 */
export function planStage(world: World, record: BackfillRecord, stage: number, before: ReadonlyMap<string, StageCell> = new Map()): StagePlan {
  const definition = record.definition.stages[stage];
  const processors = processorsOf(world, record, stage);
  const ramp = rampOf(world, record, stage, processors);
  const step = rampStep(world, record, stage, processors);
  const cells: StageCell[] = [];
  const leftOut: LeftOutCell[] = [];
  /** Days of cells that are going to be written, by processor rank, ascending. */
  const planned: Day[][] = world.pipeline.processors.map(() => []);
  for (const cell of before.values()) insert(planned[world.processor(cell.processor).rank], cell.day);
  if (definition?.calendar_first) {
    const filling = processors.filter((processor) => processor.fillsCalendar);
    look({ from: world.calendar.first, to: world.calendar.last, of: filling, takes: (day) => takesDate(record, day), keeps: () => true, cascades: () => true });
    // Which other dates are expected is known when these are done.
    if (cells.some((cell) => cell.action !== 'check')) return { cells, leftOut, ramp };
    cells.length = 0;
    leftOut.length = 0;
  }
  const canary = canaryOf(world, record, stage, processors);
  const isItsDate = (day: Day): boolean => canary === null || canary.day === day;
  // What a canary that was run again has changed is wrong in what reads it: the stage makes that right too, or its gate would hold for ever.
  const mends = reprocessOf(record, stage) === 'completed';
  look({
    from: record.asked.from, to: step?.to ?? record.asked.to, of: processors,
    takes: (day) => mends || isItsDate(day), keeps: (day, judged) => isItsDate(day) || judged.action === 'redo', cascades: isItsDate,
  });
  return { cells, leftOut, ramp };

  function look({ from, to, of, takes, keeps, cascades }: Look): void {
    for (let day = from < record.asked.from ? record.asked.from : from; day <= to && day <= record.asked.to && world.contains(day); day = addDays(day, 1)) {
      if (!takes(day)) continue;
      for (const processor of of) {
        if (!world.expectedDates(processor).has(day)) continue;
        const key = { processor: processor.name, day };
        const judged = before.has(keyOf(key)) ? alreadyPlanned(record, stage) : judge(world, record, stage, processor, day, planned);
        if (judged === null || !keeps(day, judged)) continue;
        if (judged.action === null) {
          leftOut.push({ ...key, reason: judged.reason, ...(judged.failed ? { failed: true } : {}) });
          // Its readers are looked at with it in mind: done now, they would be done again when it is there.
          if (judged.failed) insert(planned[processor.rank], day);
        } else {
          const cascade = cascades(day) ? cascadeTo(world, record, stage, key) : null;
          cells.push({ ...key, action: judged.action, reason: judged.reason, ...(cascade ? { cascadeOf: cascade.name } : {}) });
          insert(planned[processor.rank], day);
        }
      }
    }
  }
}

/** One walk over the dates of a stage, or over the calendar before them: which dates it looks at, and what of them it keeps. */
interface Look {
  readonly from: Day;
  readonly to: Day;
  readonly of: readonly Processor[];
  readonly takes: (day: Day) => boolean;
  readonly keeps: (day: Day, judged: Judged) => boolean;
  /** Whether cells of a date may come by cascade. */
  readonly cascades: (day: Day) => boolean;
}

/** What a stage still wants of one date of a phase: what the cascade to it is to open. The others are complete, failed or not its own. */
export function wantedOn(world: World, record: BackfillRecord, stage: number, phase: string, day: Day): readonly StageCell[] {
  const processors = processorsOf(world, record, stage);
  const canary = canaryOf(world, record, stage, processors);
  if (canary !== null && canary.day !== day) return [];
  return processors.flatMap((processor): StageCell[] => {
    if (processor.phase.name !== phase || !world.expectedDates(processor).has(day)) return [];
    const judged = judge(world, record, stage, processor, day, []);
    const key = { processor: processor.name, day };
    return judged?.action ? [{ ...key, action: judged.action, reason: judged.reason }] : [];
  });
}

/** Keeps days ascending, each once. They mostly come in order. */
function insert(days: Day[] | undefined, day: Day): void {
  if (!days) return;
  let at = days.length;
  while (at > 0 && (days[at - 1] ?? day) > day) at -= 1;
  if (days[at - 1] !== day) days.splice(at, 0, day);
}

function alreadyPlanned(record: BackfillRecord, stage: number): Judged {
  return record.definition.stages[stage]?.reprocess === 'completed' ? { action: 'rerun', reason: 'complete by then, and to be run again' } : { action: null, reason: 'taken by an earlier stage' };
}

/**
 * The canary date of a stage: the first or last on which all that can be expected of it is; where none has all of it, the
 * one that has most. `day` is null where nothing is expected. Null: the stage is over all dates.
 */
export function canaryOf(world: World, record: BackfillRecord, stage: number, processors: readonly Processor[]): { readonly day: Day | null } | null {
  const which = record.definition.stages[stage]?.dates ?? 'all';
  if (which === 'all') return null;
  const counts = new Map<Day, number>();
  for (const processor of processors) {
    if (processor.fillsCalendar) continue;
    for (const day of world.expectedDates(processor).within(record.asked.from, record.asked.to)) {
      if (takesDate(record, day) && !isOpenEnded(world, processor, day)) counts.set(day, (counts.get(day) ?? 0) + 1);
    }
  }
  const most = Math.max(0, ...counts.values());
  const days = [...counts].filter(([, count]) => count === most).map(([day]) => day).sort((a, b) => a - b);
  return { day: (which === 'first' ? days[0] : days.at(-1)) ?? null };
}

function isOpenEnded(world: World, processor: Processor, day: Day): boolean {
  const { data } = factsOf(world, processor, day);
  return data === 'pending' || data === 'not_expected';
}

interface Judged {
  /** Null: left out. */
  readonly action: StageCell['action'] | null;
  readonly reason: string;
  readonly failed?: true;
}

/** Null: nothing is expected of it. */
function judge(world: World, record: BackfillRecord, stage: number, processor: Processor, day: Day, planned: readonly Day[][]): Judged | null {
  const facts = factsOf(world, processor, day);
  if (facts.data === 'not_expected') return null;
  const skip = skipOf(record, day);
  if (skip) return { action: null, reason: `skipped by ${skip.by}: ${skip.reason}` };
  if (!isAskedFor(record.asked, day)) return { action: null, reason: isExcluded(record.asked, day) ? 'excluded' : 'not among the dates asked for' };
  if (facts.data === 'pending') return { action: null, reason: 'not due yet' };
  const own = world.record(processor, day);
  const asked = roundAsked(record, stage, own.recentAsks);
  const progress = record.stages[stage];
  if (own.request) return { action: 'fill', reason: `a request is open on it: ${own.request.reason}` };
  if (own.failure && asked >= (progress?.retriedFrom ?? 0)) return { action: null, reason: `failed (${own.failure.category}): ${own.failure.message}`, failed: true };
  if (isSettled(facts)) return judgeSettled(world, record, stage, processor, day, { asked, planned });
  const wanted = wantedOf(world, processor, day, WISHES);
  if (wanted.kind === 'run') return { action: wanted.action, reason: wanted.reason };
  // Its rows are good, and it is held: `completed` is all, what failed or was rolled back too; and what this stage itself has
  // tried, and a person has it try again.
  if ((reprocessOf(record, stage) !== 'none' || asked >= 0) && own.failure && own.hold === null) return { action: 'rerun', reason: `its last run ${own.failure.outcome}` };
  return { action: null, reason: wanted.kind === 'left_out' ? wanted.reason : statusOf(facts) };
}

/** A backfill wants what a person's recovery wants: what failed, cools or is held by a failure is run. */
const WISHES: PlanRequest = {
  scope: { from: dayNumber(0), to: dayNumber(0), processors: null }, by: 'person', all: true, altered: 'policy', source: () => 'unknown', ownedBy: () => null, detectFrom: null,
};

function judgeSettled(world: World, record: BackfillRecord, stage: number, processor: Processor, day: Day, { asked, planned }: { readonly asked: number; readonly planned: readonly Day[][] }): Judged {
  const status = statusOf(factsOf(world, processor, day));
  if (status === 'accepted') return { action: null, reason: 'accepted by hand' };
  const wish = reprocessOf(record, stage);
  const own = world.record(processor, day);
  const ran = record.definition.stages[stage]?.reprocess === undefined ? askedByAny(record, own.recentAsks) : asked >= 0;
  if (!ran && wish === 'completed') return { action: 'rerun', reason: 'complete, and to be run again' };
  if (!ran && wish === 'failed' && own.failure) return { action: 'rerun', reason: `complete, and its last run ${own.failure.outcome}` };
  if (asked >= 0 && own.failure && own.hold === null) return { action: 'rerun', reason: `complete, and its last run ${own.failure.outcome}` };
  const read = plannedInput(world, processor, day, planned);
  if (read && processor.stalePolicy === 'reprocess') return { action: 'check', reason: `complete; reads ${describeCell(read)}` };
  return { action: null, reason: asked < 0 ? 'complete' : 'done' };
}

/** All stages, as they look now: later ones are planned again when they begin. */
export function planAll(world: World, record: BackfillRecord): readonly (StagePlan & { readonly stage: string })[] {
  const written = new Map<string, StageCell>();
  const whole = { ...record, asked: { ...record.asked, ramp: false } };
  return record.definition.stages.map(({ name }, stage) => {
    // Steps of a ramp are in order of dates, as the cells are: one after the other they are the list without a ramp.
    const plan = planStage(world, whole, stage, written);
    for (const cell of plan.cells) if (!written.has(keyOf(cell))) written.set(keyOf(cell), cell);
    return { stage: name, ...plan, ramp: rampOf(world, record, stage, processorsOf(world, record, stage)) };
  });
}

/** Names a plan: an apply that finds another says so. */
export function planDigest(plans: readonly Pick<StagePlan, 'cells'>[]): string {
  return hex64(hash64(plans.map(({ cells }) => cells.map(({ processor, day, action }) => `${processor} ${day} ${action}`).join('\n')).join('\n\n'))).slice(0, 12);
}
