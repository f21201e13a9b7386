import { suggestion } from './nearest.ts';
import { enumerated, shown, type Mistake } from './problems.ts';
import type { PipelineDefinition, ProcessorDefinition } from './schema.ts';
import { sqlFileOf } from './targets.ts';

/** What each processor names of others: whom it reads, and which columns. */
export function upstreamMistakes(definition: PipelineDefinition, doubtful: ReadonlySet<string>): readonly Mistake[] {
  return Object.entries(definition.processors).flatMap(([name, processor]) => [
    ...processor.upstream.flatMap((_, index) => upstreamMistake(name, index, processor, definition, doubtful)),
    ...(doubtful.has(name) ? [] : inputNameMistakes(name, processor, definition)),
  ]);
}

function upstreamMistake(name: string, index: number, processor: ProcessorDefinition, definition: PipelineDefinition, doubtful: ReadonlySet<string>): readonly Mistake[] {
  const entry = processor.upstream[index];
  if (!entry) return [];
  const path = ['processors', name, 'upstream', index];
  const { processor: upstream } = entry;
  if (upstream === name) {
    return [{ path: [...path, 'processor'], what: `${name} is its own upstream`, received: shown(upstream), allowed: 'another processor', hint: 'use reads_own_history: {window: …} to read earlier dates of its own table' }];
  }
  if (processor.upstream.findIndex((other) => other.processor === upstream) < index) {
    return [{ path: [...path, 'processor'], what: `${upstream} is named twice`, received: shown(upstream), allowed: 'each upstream once', hint: 'merge the two: the longer window, all columns' }];
  }
  const names = Object.keys(definition.processors);
  const source = Object.hasOwn(definition.processors, upstream) ? definition.processors[upstream] : undefined;
  if (!source) {
    if (doubtful.has(upstream)) return [];
    return [{ path: [...path, 'processor'], what: `unknown processor ${upstream}`, received: shown(upstream), allowed: enumerated(names), hint: suggestion(upstream, names, 'name a processor of this pipeline') }];
  }
  const mistakes: Mistake[] = [];
  const phases = definition.phases.map((phase) => phase.name);
  if (phases.includes(source.phase) && phases.includes(processor.phase) && phases.indexOf(source.phase) > phases.indexOf(processor.phase)) {
    mistakes.push({
      path: [...path, 'processor'], what: `${name} of ${processor.phase} reads ${upstream} of the later ${source.phase}`, received: `${upstream} (${source.phase})`,
      allowed: `processors of ${enumerated(phases.slice(0, phases.indexOf(processor.phase) + 1))}`, hint: 'move one of the two to another phase',
    });
  }
  if (!doubtful.has(upstream)) mistakes.push(...namedColumns(upstream, source, entry.columns ?? [], [...path, 'columns']));
  return mistakes;
}

function namedColumns(upstream: string, source: ProcessorDefinition, columns: readonly string[], path: readonly PropertyKey[]): readonly Mistake[] {
  const known = Object.keys(source.columns ?? {});
  return columns.flatMap((column, index): readonly Mistake[] => {
    const at = [...path, index];
    if (!known.includes(column)) {
      const allowed = known.length > 0 ? enumerated(known) : `no columns: ${upstream} declares none`;
      return [{ path: at, what: `unknown column ${column} of ${upstream}`, received: shown(column), allowed, hint: suggestion(column, known, `add it to the columns of ${upstream}, or remove it here`) }];
    }
    if (!source.volatile.includes(column)) return [];
    return [{ path: at, what: `column ${column} of ${upstream} is volatile`, received: shown(column), allowed: enumerated(known.filter((name) => !source.volatile.includes(name))), hint: 'a change of it would go unseen: remove it here, or from volatile there' }];
  });
}

/** In a .sql file an input has the short name of its table. */
function inputNameMistakes(name: string, processor: ProcessorDefinition, definition: PipelineDefinition): readonly Mistake[] {
  if (sqlFileOf(processor.target) === undefined) return [];
  const mistakes: Mistake[] = [];
  const byShortName = new Map<string, string>();
  if (processor.reads_own_history && processor.table !== undefined) byShortName.set(shortName(processor.table), name);
  for (const [index, { processor: upstream }] of processor.upstream.entries()) {
    const source = Object.hasOwn(definition.processors, upstream) ? definition.processors[upstream] : undefined;
    const path = ['processors', name, 'upstream', index, 'processor'];
    if (source?.landing !== undefined) {
      mistakes.push({ path, what: `the SQL of ${name} cannot read the files of ${upstream}`, received: `landing ${source.landing}`, allowed: 'upstreams that fill a table', hint: 'put a processor between that loads the files into a table' });
    }
    if (source?.table === undefined) continue;
    const other = byShortName.get(shortName(source.table));
    if (other === undefined) byShortName.set(shortName(source.table), upstream);
    else if (other !== upstream) mistakes.push({ path, what: `the tables of ${other} and ${upstream} have one name in the SQL of ${name}`, received: source.table, allowed: 'upstreams whose table names differ without the dataset', hint: source.table_filter ? 'read one of them: the SQL names the table, not whose rows of it' : 'rename one table' });
  }
  return mistakes;
}

function shortName(table: string): string {
  return (table.split('.').at(-1) ?? table).toLowerCase();
}
