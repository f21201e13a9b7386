import { z } from 'zod';
import { addDays, dayOf, formatDay, type Day } from '../calendar/day.ts';
import { WHOLE_ROW, type Edge, type Processor } from '../pipeline/pipeline.ts';
import type { TraceDigests } from '../requests/cell.ts';
import { hash64, hex64 } from './fingerprint.ts';
import type { World } from './world.ts';

/** One entry of a trace: what a run read of one input on one date. `absent` is an expected date without rows. */
export interface TraceEntry {
  readonly edge: string;
  readonly day: Day;
  readonly content: string;
}

const ABSENT = 'absent';

/** Names an edge inside a trace: the upstream, and its columns where it reads only some. */
export function traceKey(edge: Edge): string {
  return edge.view === WHOLE_ROW ? edge.upstream : `${edge.upstream}(${edge.view})`;
}

/** The one digest over all edges, the definition and the code: the quick comparison of two traces. */
export function digestOf(edges: Readonly<Record<string, string>>, definitionHash: string, codeVersion: string): string {
  const text = Object.keys(edges).sort().map((key) => `${key}=${edges[key]}`).join(';');
  return hex64(hash64(`${text}|${definitionHash}|${codeVersion}`));
}

/** What a run of this cell would read now, as digests. Taken before the run starts, never after. */
export function traceOf(world: World, processor: Processor, day: Day): TraceDigests {
  const edges = world.traceDigests(processor, day);
  return { digest: digestOf(edges, processor.definitionHash, processor.codeVersion), edges, definitionHash: processor.definitionHash, codeVersion: processor.codeVersion };
}

/** The full list behind the digests: every date that a window holds rows of, or expects. */
export function traceEntries(world: World, processor: Processor, day: Day): TraceEntry[] {
  return processor.upstreams.flatMap((edge) => {
    const range = world.range(edge, day);
    if (!range) return [];
    const upstream = world.processor(edge.upstream);
    const expected = world.expectedDates(upstream);
    const entries: TraceEntry[] = [];
    for (let at = range.from; at <= range.to; at = addDays(at, 1)) {
      const content = world.content(upstream, edge.view, at, 'actual');
      if (content !== undefined) entries.push({ edge: traceKey(edge), day: at, content });
      else if (expected.has(at)) entries.push({ edge: traceKey(edge), day: at, content: ABSENT });
    }
    return entries;
  });
}

/** What differs between what a run read and what it would read now, oldest first. */
export function traceDifferences(read: readonly TraceEntry[], now: readonly TraceEntry[]): { edge: string; day: Day; read: string; now: string }[] {
  const key = (entry: TraceEntry): string => `${entry.edge}|${entry.day}`;
  const before = new Map(read.map((entry) => [key(entry), entry]));
  const after = new Map(now.map((entry) => [key(entry), entry]));
  const differences = [];
  for (const [at, entry] of before) {
    const current = after.get(at)?.content ?? 'not in the window';
    if (current !== entry.content) differences.push({ edge: entry.edge, day: entry.day, read: entry.content, now: current });
  }
  for (const [at, entry] of after) {
    if (!before.has(at)) differences.push({ edge: entry.edge, day: entry.day, read: 'not in the window', now: entry.content });
  }
  return differences.sort((a, b) => a.day - b.day || (a.edge < b.edge ? -1 : 1));
}

/** Compact JSON text: edges once, then [day, content] pairs. */
export function encodeTrace(entries: readonly TraceEntry[]): string {
  const byEdge: Record<string, [string, string][]> = Object.create(null);
  for (const entry of entries) (byEdge[entry.edge] ??= []).push([formatDay(entry.day), entry.content]);
  return JSON.stringify(byEdge);
}


const encodedTrace = z.record(z.string(), z.array(z.tuple([z.string(), z.string()])));

/** Reads back what `encodeTrace` wrote; throws a ZodError on anything else. */
export function decodeTrace(text: string): TraceEntry[] {
  const byEdge = encodedTrace.parse(JSON.parse(text));
  return Object.entries(byEdge).flatMap(([edge, entries]) => entries.map(([date, content]) => ({ edge, day: dayOf(date), content })));
}
