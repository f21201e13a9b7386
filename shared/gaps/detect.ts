import { addDays, type Day } from '../calendar/day.ts';
import type { Edge, Processor } from '../pipeline/pipeline.ts';
import type { CellKey } from '../requests/cell.ts';
import { factsOf } from './cell-facts.ts';
import { isSettled, statusOf, type CellFacts, type Status } from './facts.ts';
import { traceKey } from './trace.ts';
import type { World } from './world.ts';

/** What explains a cell furthest upstream: a cell, or the source that has nothing for it. */
export interface Root extends CellKey {
  readonly kind: 'cell' | 'source';
  readonly because: string;
}

export interface Finding extends CellKey {
  readonly status: Status;
  readonly facts: CellFacts;
  readonly root: Root;
}

/** A run of expected dates, consecutive in the calendar, that are missing or short for one processor. */
export interface Gap {
  readonly processor: string;
  readonly days: readonly Day[];
  readonly missing: number;
  readonly short: number;
  readonly root: Root;
}

export interface Scope {
  readonly from: Day;
  readonly to: Day;
  /** Null is every processor. */
  readonly processors: ReadonlySet<string> | null;
}

export interface Detection {
  /** Every cell that is not complete, in topological order: date, then phase. */
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
  /** Cells that were judged: expected and due. */
  readonly judged: number;
}

/** Judges every expected cell of a scope. */
export function detect(world: World, scope: Scope): Detection {
  const found = new Map<string, Finding>();
  const findings: Finding[] = [];
  let judged = 0;
  const lanes = world.pipeline.processors
    .filter((processor) => scope.processors === null || scope.processors.has(processor.name))
    .map((processor) => ({ processor, dates: world.expectedDates(processor) }));
  for (let day = clamp(scope.from, world); day <= scope.to && world.contains(day); day = addDays(day, 1)) {
    for (const { processor, dates } of lanes) {
      if (!dates.has(day)) continue;
      const facts = factsOf(world, processor, day);
      if (facts.data === 'not_expected' || facts.data === 'pending') continue;
      judged += 1;
      if (isSettled(facts)) continue;
      const finding: Finding = { processor: processor.name, day, status: statusOf(facts), facts, root: rootOf(world, processor, day, facts, found) };
      found.set(keyOf(finding), finding);
      findings.push(finding);
    }
  }
  return { findings, gaps: gapsOf(world, findings), judged };
}

function clamp(from: Day, world: World): Day {
  return from < world.calendar.first ? world.calendar.first : from;
}

/** A cell's root cause. Inputs come earlier in topological order, so theirs is known already when they are in the scope. */
function rootOf(world: World, processor: Processor, day: Day, facts: CellFacts, found: ReadonlyMap<string, Finding>): Root {
  const explains = explainingInput(world, processor, day, facts);
  if (explains) {
    const known = found.get(keyOf(explains));
    if (known) return known.root;
    const upstream = world.processor(explains.processor);
    return rootOf(world, upstream, explains.day, factsOf(world, upstream, explains.day), found);
  }
  return ownRoot(world, processor, day, facts);
}

/** The input that stands in this cell's way, if one does: that of its own date first, then the furthest upstream, the oldest. */
export function explainingInput(world: World, processor: Processor, day: Day, facts: CellFacts): CellKey | null {
  // Rows that somebody altered are their own root, whatever their inputs are.
  if (facts.trace === 'altered' && facts.data === 'present') return null;
  // Rows that were verified once and are gone now were not lost for want of an older input.
  const wasComplete = world.record(processor, day).last !== null && facts.data !== 'present';
  // What made rows stale lies where the trace differs, not behind another input that is lost by now.
  const isStale = facts.trace === 'stale' && facts.data === 'present';
  const edges = byRank(world, processor).filter((edge) => !isStale || facts.changedEdges.includes(traceKey(edge)));
  for (const pick of wasComplete ? [ownDate] : [ownDate, oldest]) {
    for (const edge of edges) {
      const upstream = world.processor(edge.upstream);
      const at = pick(world, edge, upstream, day);
      if (at !== null) return { processor: upstream.name, day: at };
    }
  }
  return null;
}

function ownDate(world: World, edge: Edge, upstream: Processor, day: Day): Day | null {
  return edge.window.ownDate && world.contains(day) && world.unusableIn(upstream, { from: day, to: day }) > 0 ? day : null;
}

function oldest(world: World, edge: Edge, upstream: Processor, day: Day): Day | null {
  const range = world.range(edge, day);
  return range && world.firstUnusableIn(upstream, range);
}

const ranked = new WeakMap<Processor, readonly Edge[]>();
function byRank(world: World, processor: Processor): readonly Edge[] {
  let edges = ranked.get(processor);
  if (!edges) {
    edges = [...processor.upstreams].sort((a, b) => world.processor(a.upstream).rank - world.processor(b.upstream).rank);
    ranked.set(processor, edges);
  }
  return edges;
}

function ownRoot(world: World, processor: Processor, day: Day, facts: CellFacts): Root {
  const { failure } = world.record(processor, day);
  const root = { processor: processor.name, day };
  if (failure?.category === 'data_availability') return { ...root, kind: 'source', because: `its source has nothing: ${failure.message}` };
  return { ...root, kind: 'cell', because: reasonOf(facts, failure && `last run ${failure.outcome} (${failure.category}): ${failure.message}`) };
}

/** Why a cell is not complete, in words. */
export function reasonOf(facts: CellFacts, failure: string | null): string {
  const status = facts.activity === 'held' || facts.activity === 'in_flight' ? `${facts.activity}; ` : '';
  if (facts.data === 'pending') return `${status}expected, and not due yet`;
  if (facts.data === 'missing') return `${status}no rows${failure ? `; ${failure}` : ''}`;
  if (facts.data === 'short') return `${status}${facts.shortcomings.join('; ')}${failure ? `; ${failure}` : ''}`;
  if (facts.trace === 'altered') return `${status}its rows are not those that its last run wrote`;
  if (facts.trace === 'stale') {
    return `${status}${facts.changedEdges.length > 0 ? `read other rows of ${upstreamNames(facts.changedEdges)} than there are now` : 'made by another definition or code'}`;
  }
  if (facts.trace === 'suspect') return `${status}no trace, and its inputs were absent or have been filled since`;
  return `${status}complete`;
}

/** For people: which upstreams, without the columns that an edge names. */
function upstreamNames(edges: readonly string[]): string {
  return [...new Set(edges.map((edge) => edge.replace(/\(.*$/, '')))].join(', ');
}

function gapsOf(world: World, findings: readonly Finding[]): Gap[] {
  const byProcessor = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (finding.facts.data !== 'missing' && finding.facts.data !== 'short') continue;
    const list = byProcessor.get(finding.processor);
    if (list) list.push(finding);
    else byProcessor.set(finding.processor, [finding]);
  }
  const gaps: Gap[] = [];
  for (const [name, list] of byProcessor) {
    const dates = world.expectedDates(world.processor(name));
    for (const run of unbrokenRuns(list, (finding) => finding.day, (day) => dates.countBefore(day))) {
      const [first] = run;
      if (!first) continue;
      const missing = run.filter((finding) => finding.facts.data === 'missing').length;
      gaps.push({ processor: name, days: run.map((finding) => finding.day), missing, short: run.length - missing, root: first.root });
    }
  }
  return gaps.sort((a, b) => (a.days[0] ?? 0) - (b.days[0] ?? 0) || world.processor(a.processor).rank - world.processor(b.processor).rank);
}

/** Splits items, in date order, into runs whose dates follow each other in the calendar. */
export function unbrokenRuns<T>(items: readonly T[], dayOf: (item: T) => Day, ordinal: (day: Day) => number): T[][] {
  const runs: T[][] = [];
  let previous = Number.NaN;
  for (const item of items) {
    const at = ordinal(dayOf(item));
    const current = runs.at(-1);
    if (current && at === previous + 1) current.push(item);
    else runs.push([item]);
    previous = at;
  }
  return runs;
}

export function keyOf(key: CellKey): string {
  return `${key.processor}/${key.day}`;
}
