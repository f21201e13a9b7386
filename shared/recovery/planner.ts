import { addDays, type Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { unbrokenRuns } from '../gaps/detect.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellKey } from '../requests/cell.ts';
import { describeCell, judgeInputs } from '../gaps/usable.ts';
import { boundOutages } from './bounds.ts';
import type { LeftOut, Outage, PlanRequest, PlanStep, RecoveryPlan } from './plan.ts';
import { addReaders, type LeftOutById } from './readers.ts';
import { wantedOf } from './wanted.ts';

interface Candidate extends CellKey {
  readonly id: number;
  readonly of: Processor;
  readonly action: 'fill' | 'redo';
  readonly reason: string;
  readonly inputOf: CellKey | null;
}

/**
 * An ordered list of steps that makes the cells of a scope complete, root causes first, with what it leaves out and why.
 * Decides in values: the same world and request give the same plan, and a dry run prints the very list that is walked.
 */
export function planRecovery(world: World, request: PlanRequest): RecoveryPlan {
  const { candidates, leftOut } = collect(world, request);
  const ordered = candidates.sort((a, b) => a.id - b.id);
  let kept = keepRunnable(world, ordered, leftOut);
  let overBounds: readonly Outage[] = [];
  let outages: readonly Outage[] = kept.outages;
  if (!request.all) {
    const bounded = boundOutages(kept.outages, world.pipeline.settings);
    overBounds = bounded.over.map((entry) => entry.outage);
    if (bounded.over.length > 0) {
      for (const { outage, code, reason } of bounded.over) {
        const processor = world.processor(outage.processor);
        for (const day of outage.days) leftOut.set(world.cellId(processor, day), { processor: outage.processor, day, code, reason, because: null });
      }
      kept = keepRunnable(world, ordered, leftOut);
      outages = bounded.within;
    }
  }
  const steps = addReaders(world, request, kept.steps, leftOut);
  return { scope: request.scope, steps: calendarFirst(world, steps), leftOut: [...leftOut.entries()].sort(([a], [b]) => a - b).map(([, entry]) => entry), outages, overBounds };
}

/** Every cell of the scope that wants work, and every unusable input of those, wherever it lies. */
function collect(world: World, request: PlanRequest): { candidates: Candidate[]; leftOut: LeftOutById } {
  const candidates: Candidate[] = [];
  const leftOut: LeftOutById = new Map();
  const { scope } = request;
  const outside = new Set<number>();
  const pending: { of: Processor; day: Day; inputOf: CellKey }[] = [];
  const isInScope = (processor: Processor): boolean => scope.processors === null || scope.processors.has(processor.name);
  const look = (of: Processor, day: Day, inputOf: CellKey | null): void => {
    const wanted = wantedOf(world, of, day, request);
    if (wanted.kind === 'nothing') return;
    const id = world.cellId(of, day);
    const key = { processor: of.name, day };
    if (wanted.kind === 'left_out') {
      leftOut.set(id, { ...key, code: wanted.code, reason: wanted.reason, because: null });
      // A request that waits is run by whoever ends its inputs: those are part of the work.
      if (!isWaiting(world, of, day)) return;
    } else {
      candidates.push({ ...key, id, of, action: wanted.action, reason: wanted.reason, inputOf });
    }
    forEachUnusableInput(world, of, day, (upstream, at) => {
      if (at >= scope.from && at <= scope.to && isInScope(upstream)) return;
      const inputId = world.cellId(upstream, at);
      if (outside.has(inputId)) return;
      outside.add(inputId);
      pending.push({ of: upstream, day: at, inputOf: key });
    }, isInScope, scope);
  };
  for (const processor of world.pipeline.processors) {
    if (isInScope(processor)) for (const day of world.expectedDates(processor).within(scope.from, scope.to)) look(processor, day, null);
  }
  for (let next = pending.pop(); next; next = pending.pop()) look(next.of, next.day, next.inputOf);
  return { candidates, leftOut };
}

function isWaiting(world: World, processor: Processor, day: Day): boolean {
  const state = world.record(processor, day).request?.state;
  return state === 'waiting' || state === 'blocked';
}

/** Visits unusable inputs, edge by edge, oldest first; those of a scope that is looked through anyway are passed over. */
function forEachUnusableInput(
  world: World, processor: Processor, day: Day, visit: (upstream: Processor, day: Day) => void, isInScope: (processor: Processor) => boolean, scope: { readonly from: Day; readonly to: Day },
): void {
  for (const edge of processor.upstreams) {
    const range = world.range(edge, day);
    if (!range) continue;
    const upstream = world.processor(edge.upstream);
    if (range.from >= scope.from && range.to <= scope.to && isInScope(upstream)) continue;
    for (let at = world.firstUnusableIn(upstream, range); at !== null; at = at < range.to ? world.firstUnusableIn(upstream, { from: addDays(at, 1), to: range.to }) : null) visit(upstream, at);
  }
}

/**
 * Walks the candidates in topological order: a cell whose unusable input is not going to be mended is left out, and so is
 * all that waits for it. Root causes are those with no unusable input; each of the others belongs to its root's outage.
 */
function keepRunnable(world: World, ordered: readonly Candidate[], leftOut: LeftOutById): { steps: PlanStep[]; outages: Outage[] } {
  const steps: PlanStep[] = [];
  const rootOf = new Map<number, number>();
  const mended = new MendedInputs(world);
  const roots: Candidate[] = [];
  const explained = new Map<number, number>();
  for (const candidate of ordered) {
    const { id, of, day } = candidate;
    if (leftOut.has(id)) continue;
    const blockedBy = mended.firstLeft(of, day);
    if (blockedBy !== null) {
      leftOut.set(id, blocked(world, candidate, blockedBy, leftOut));
      continue;
    }
    const input = mended.firstUnusable(of, day);
    const root = input === null ? undefined : rootOf.get(input);
    mended.add(of, day);
    const isRootCause = root === undefined;
    if (isRootCause) roots.push(candidate);
    const rootId = root ?? id;
    rootOf.set(id, rootId);
    if (candidate.action === 'fill') explained.set(rootId, (explained.get(rootId) ?? 0) + 1);
    const reason = candidate.inputOf ? `${candidate.reason}; input of ${describeCell(candidate.inputOf)}` : candidate.reason;
    steps.push({ processor: candidate.processor, day, action: candidate.action, reason, isRootCause });
  }
  return { steps, outages: outagesOf(world, roots, explained) };
}

/** The unusable cells that a plan is going to mend, by processor; added in topological order. */
class MendedInputs {
  readonly #world: World;
  readonly #days: readonly Day[][];

  constructor(world: World) {
    this.#world = world;
    this.#days = world.pipeline.processors.map(() => []);
  }

  add(processor: Processor, day: Day): void {
    if (this.#world.unusableIn(processor, { from: day, to: day }) > 0) this.#days[processor.rank]?.push(day);
  }

  /** An unusable input that stands in this cell's way and is not going to be mended, or null. */
  firstLeft(processor: Processor, day: Day): CellKey | null {
    const { strict_mode: strict, window_completeness: windowCompleteness } = this.#world.pipeline.settings;
    for (const edge of processor.upstreams) {
      const range = this.#world.range(edge, day);
      if (!range) continue;
      const upstream = this.#world.processor(edge.upstream);
      const days = this.#days[upstream.rank] ?? [];
      const first = lowerBound(days, range.from);
      const unusable = this.#world.unusableIn(upstream, range);
      if (unusable === lowerBound(days, addDays(range.to, 1)) - first) continue;
      if (!strict) return judgeInputs(this.#world, processor, day, { strict, windowCompleteness }, (input, at) => this.#has(input, at)).blocking[0] ?? null;
      for (let at = this.#world.firstUnusableIn(upstream, range), index = first; at !== null; index += 1) {
        if (days[index] !== at) return { processor: upstream.name, day: at };
        at = at < range.to ? this.#world.firstUnusableIn(upstream, { from: addDays(at, 1), to: range.to }) : null;
      }
    }
    return null;
  }

  /** The id of the first unusable input, edge by edge. */
  firstUnusable(processor: Processor, day: Day): number | null {
    for (const edge of processor.upstreams) {
      const range = this.#world.range(edge, day);
      const upstream = this.#world.processor(edge.upstream);
      const at = range && this.#world.firstUnusableIn(upstream, range);
      if (at !== null) return this.#world.cellId(upstream, at);
    }
    return null;
  }

  #has(processor: Processor, day: Day): boolean {
    const days = this.#days[processor.rank] ?? [];
    return days[lowerBound(days, day)] === day;
  }
}

/** Where, in ascending days, the first one at or after `day` stands. */
function lowerBound(days: readonly Day[], day: Day): number {
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((days[middle] ?? day) < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

function blocked(world: World, candidate: Candidate, input: CellKey, leftOut: LeftOutById): LeftOut {
  const upstream = world.processor(input.processor);
  const why = leftOut.get(world.cellId(upstream, input.day));
  const facts = factsOf(world, upstream, input.day);
  const reason = why ? (why.code === 'blocked' ? 'blocked' : why.reason) : facts.data === 'pending' ? 'pending: not due yet' : 'not going to be mended by this plan';
  return { processor: candidate.processor, day: candidate.day, code: 'blocked', reason: `waits for ${describeCell(input)}: ${reason}`, because: why?.because ?? input };
}

/** Root causes that fill, grouped into unbroken runs of dates of one processor. */
function outagesOf(world: World, roots: readonly Candidate[], explained: ReadonlyMap<number, number>): Outage[] {
  const byProcessor = new Map<string, Candidate[]>();
  for (const root of roots) {
    if (root.action !== 'fill') continue;
    const list = byProcessor.get(root.processor);
    if (list) list.push(root);
    else byProcessor.set(root.processor, [root]);
  }
  const outages: Outage[] = [];
  for (const [processor, list] of byProcessor) {
    const dates = world.expectedDates(world.processor(processor));
    for (const run of unbrokenRuns(list, (root) => root.day, (day) => dates.countBefore(day))) {
      const cells = run.reduce((sum, root) => sum + (explained.get(root.id) ?? 0), 0);
      outages.push({ processor, days: run.map((root) => root.day), cells });
    }
  }
  return outages.sort((a, b) => (a.days[0] ?? 0) - (b.days[0] ?? 0));
}

function calendarFirst(world: World, steps: readonly PlanStep[]): readonly PlanStep[] {
  const fillers = new Set(world.pipeline.processors.filter((processor) => processor.fillsCalendar).map((processor) => processor.name));
  if (fillers.size === 0) return steps;
  return [...steps.filter((step) => fillers.has(step.processor)), ...steps.filter((step) => !fillers.has(step.processor))];
}
