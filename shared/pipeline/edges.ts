import { WHOLE_ROW, type Edge } from './pipeline.ts';
import type { PipelineDefinition } from './schema.ts';
import { completeWindow } from './window-form.ts';

/** Who reads whom: the edges of a definition, windows completed. */

/** The edges by reader, in the order in which the definition names the upstreams; a processor's own history comes last. */
export function edgesByReader(definition: PipelineDefinition): ReadonlyMap<string, readonly Edge[]> {
  const edges = new Map<string, Edge[]>();
  for (const [reader, processor] of Object.entries(definition.processors)) {
    const own: Edge[] = processor.upstream.map((upstream) => {
      const columns = upstream.columns ? [...new Set(upstream.columns)].sort() : null;
      const window = completeWindow(upstream.window, mayReadOwnDate(definition, reader, upstream.processor, columns !== null));
      return { reader, upstream: upstream.processor, window, columns, view: columns?.join(',') ?? WHOLE_ROW, ownHistory: false };
    });
    if (processor.reads_own_history) {
      const window = { ...completeWindow(processor.reads_own_history.window, false), ownDate: false };
      own.push({ reader, upstream: reader, window, columns: null, view: WHOLE_ROW, ownHistory: true });
    }
    edges.set(reader, own);
  }
  return edges;
}

/**
 * What is due before the games reads nothing of that date that comes to be after them. The schedule is known before,
 * its scores are not: only named columns of it may be read.
 */
export function mayReadOwnDate(definition: PipelineDefinition, reader: string, upstream: string, namesColumns: boolean): boolean {
  if (definition.processors[reader]?.expected !== 'before_games') return true;
  if (definition.processors[upstream]?.expected === 'before_games') return true;
  return namesColumns && definition.calendar.schedule?.processor === upstream;
}

/** The schedule's processor and all that it reads, directly or not: the cells that must run before the calendar is known. */
export function calendarFillers(definition: PipelineDefinition): ReadonlySet<string> {
  const fillers = new Set<string>();
  const visit = (name: string): void => {
    if (fillers.has(name)) return;
    fillers.add(name);
    for (const upstream of definition.processors[name]?.upstream ?? []) visit(upstream.processor);
  };
  if (definition.calendar.schedule) visit(definition.calendar.schedule.processor);
  return fillers;
}

/**
 * Names in topological order: by phase, then by how many processors of the phase lie before it, then by name. Expects a
 * definition without cycles in which no upstream belongs to a later phase.
 */
export function topologicalOrder(definition: PipelineDefinition): readonly string[] {
  const phaseIndex = new Map(definition.phases.map((phase, index) => [phase.name, index]));
  const depths = new Map<string, number>();
  const depthOf = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    const processor = definition.processors[name];
    const before = (processor?.upstream ?? []).filter((upstream) => definition.processors[upstream.processor]?.phase === processor?.phase);
    const depth = before.reduce((deepest, upstream) => Math.max(deepest, depthOf(upstream.processor) + 1), 0);
    depths.set(name, depth);
    return depth;
  };
  const placed = Object.entries(definition.processors).map(([name, { phase }]) => ({ name, phase: phaseIndex.get(phase) ?? 0, depth: depthOf(name) }));
  placed.sort((a, b) => a.phase - b.phase || a.depth - b.depth || (a.name < b.name ? -1 : 1));
  return placed.map(({ name }) => name);
}
