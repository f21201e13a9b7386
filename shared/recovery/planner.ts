import { addDays, type Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { keyOf, unbrokenRuns } from '../gaps/detect.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellKey } from '../requests/cell.ts';
import { describeCell } from '../gaps/usable.ts';
import { boundOutages } from './bounds.ts';
import type { LeftOut, Outage, PlanRequest, PlanStep, RecoveryPlan } from './plan.ts';
import { addReaders } from './readers.ts';
import { wantedOf } from './wanted.ts';

interface Candidate extends CellKey {
  readonly rank: number;
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
  const ordered = [...candidates.values()].sort((a, b) => a.day - b.day || a.rank - b.rank);
  let kept = keepRunnable(world, ordered, leftOut);
  let overBounds: readonly Outage[] = [];
  let outages: readonly Outage[] = kept.outages;
  if (!request.all) {
    const bounded = boundOutages(kept.outages, world.pipeline.settings);
    overBounds = bounded.over.map((entry) => entry.outage);
    if (bounded.over.length > 0) {
      for (const { outage, code, reason } of bounded.over) {
        for (const day of outage.days) leftOut.set(keyOf({ processor: outage.processor, day }), { processor: outage.processor, day, code, reason, because: null });
      }
      kept = keepRunnable(world, ordered, leftOut);
      outages = bounded.within;
    }
  }
  const steps = addReaders(world, request, kept.steps, leftOut);
  return { scope: request.scope, steps: calendarFirst(world, steps), leftOut: [...leftOut.values()].sort(inOrder(world)), outages, overBounds };
}

/** Every cell of the scope that wants work, and every unusable input of those, wherever it lies. */
function collect(world: World, request: PlanRequest): { candidates: Map<string, Candidate>; leftOut: Map<string, LeftOut> } {
  const candidates = new Map<string, Candidate>();
  const leftOut = new Map<string, LeftOut>();
  const seen = new Set<string>();
  const pending: { key: CellKey; processor: Processor; inputOf: CellKey | null }[] = [];
  const { scope } = request;
  for (const processor of world.pipeline.processors) {
    if (scope.processors && !scope.processors.has(processor.name)) continue;
    for (const day of world.expectedDates(processor).within(scope.from, scope.to)) pending.push({ key: { processor: processor.name, day }, processor, inputOf: null });
  }
  for (let next = pending.pop(); next; next = pending.pop()) {
    const id = keyOf(next.key);
    if (seen.has(id)) continue;
    seen.add(id);
    const { processor, key } = next;
    const wanted = wantedOf(world, processor, key.day, request);
    if (wanted.kind === 'nothing') continue;
    if (wanted.kind === 'left_out') {
      leftOut.set(id, { ...key, code: wanted.code, reason: wanted.reason, because: null });
      continue;
    }
    candidates.set(id, { ...key, rank: processor.rank, action: wanted.action, reason: wanted.reason, inputOf: inScope(request, next.key) ? null : next.inputOf });
    forEachUnusableInput(world, processor, key.day, (upstream, day) => {
      if (!seen.has(keyOf({ processor: upstream.name, day }))) pending.push({ key: { processor: upstream.name, day }, processor: upstream, inputOf: key });
    });
  }
  return { candidates, leftOut };
}

function inScope({ scope }: PlanRequest, key: CellKey): boolean {
  return key.day >= scope.from && key.day <= scope.to && (scope.processors === null || scope.processors.has(key.processor));
}

/** Visits unusable inputs until the callback says `stop`. */
function forEachUnusableInput(world: World, processor: Processor, day: Day, visit: (upstream: Processor, day: Day) => 'stop' | void): void {
  for (const edge of processor.upstreams) {
    const range = world.range(edge, day);
    if (!range) continue;
    const upstream = world.processor(edge.upstream);
    let from = range.from;
    while (from <= range.to) {
      const at = world.firstUnusableIn(upstream, { from, to: range.to });
      if (at === null) break;
      if (visit(upstream, at) === 'stop') return;
      from = addDays(at, 1);
    }
  }
}

/**
 * Walks the candidates in topological order: a cell whose unusable input is not going to be mended is left out, and so is
 * all that waits for it. Root causes are those with no unusable input; each of the others belongs to its root's outage.
 */
function keepRunnable(world: World, ordered: readonly Candidate[], leftOut: Map<string, LeftOut>): { steps: PlanStep[]; outages: Outage[] } {
  const steps: PlanStep[] = [];
  const rootOf = new Map<string, string>();
  const kept = new Set<string>();
  const roots: Candidate[] = [];
  const explained = new Map<string, number>();
  for (const candidate of ordered) {
    const id = keyOf(candidate);
    if (leftOut.has(id)) continue;
    const processor = world.processor(candidate.processor);
    let blockedBy: CellKey | null = null;
    let root: string | null = null;
    forEachUnusableInput(world, processor, candidate.day, (upstream, day) => {
      const input = { processor: upstream.name, day };
      const inputId = keyOf(input);
      root ??= rootOf.get(inputId) ?? null;
      if (kept.has(inputId)) return undefined;
      blockedBy = input;
      return 'stop';
    });
    if (blockedBy !== null) {
      leftOut.set(id, blocked(world, candidate, blockedBy, leftOut));
      continue;
    }
    kept.add(id);
    const isRootCause = root === null;
    if (isRootCause) roots.push(candidate);
    const rootId = root ?? id;
    rootOf.set(id, rootId);
    if (candidate.action === 'fill') explained.set(rootId, (explained.get(rootId) ?? 0) + 1);
    const reason = candidate.inputOf ? `${candidate.reason}; input of ${describeCell(candidate.inputOf)}` : candidate.reason;
    steps.push({ processor: candidate.processor, day: candidate.day, action: candidate.action, reason, isRootCause });
  }
  return { steps, outages: outagesOf(world, roots, explained) };
}

function blocked(world: World, candidate: Candidate, input: CellKey, leftOut: ReadonlyMap<string, LeftOut>): LeftOut {
  const why = leftOut.get(keyOf(input));
  const facts = factsOf(world, world.processor(input.processor), input.day);
  const reason = why ? `${why.code === 'blocked' ? 'blocked' : why.reason}` : facts.data === 'pending' ? 'pending: not due yet' : 'not going to be mended by this plan';
  return { processor: candidate.processor, day: candidate.day, code: 'blocked', reason: `waits for ${describeCell(input)}: ${reason}`, because: why?.because ?? input };
}

/** Root causes that fill, grouped into unbroken runs of dates of one processor. */
function outagesOf(world: World, roots: readonly Candidate[], explained: ReadonlyMap<string, number>): Outage[] {
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
      const cells = run.reduce((sum, root) => sum + (explained.get(keyOf(root)) ?? 0), 0);
      outages.push({ processor, days: run.map((root) => root.day), cells });
    }
  }
  return outages.sort((a, b) => (a.days[0] ?? 0) - (b.days[0] ?? 0));
}

function calendarFirst(world: World, steps: readonly PlanStep[]): PlanStep[] {
  const fills = (step: PlanStep): boolean => world.processor(step.processor).fillsCalendar;
  return [...steps.filter(fills), ...steps.filter((step) => !fills(step))];
}

function inOrder(world: World): (a: CellKey, b: CellKey) => number {
  return (a, b) => a.day - b.day || world.processor(a.processor).rank - world.processor(b.processor).rank;
}
