import type { Mistake } from './problems.ts';
import type { PipelineDefinition } from './schema.ts';

/** Cycles: each is named once, at the edge that closes it. */
export function graphMistakes(definition: PipelineDefinition): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (name: string): void => {
    trail.push(name);
    const processor = Object.hasOwn(definition.processors, name) ? definition.processors[name] : undefined;
    for (const [index, { processor: upstream }] of (processor?.upstream ?? []).entries()) {
      if (upstream === name || done.has(upstream)) continue;
      const start = trail.indexOf(upstream);
      if (start < 0) visit(upstream);
      else mistakes.push(cycle([...trail.slice(start), upstream], ['processors', name, 'upstream', index, 'processor']));
    }
    trail.pop();
    done.add(name);
  };
  for (const name of Object.keys(definition.processors)) if (!done.has(name)) visit(name);
  return mistakes;
}

function cycle(names: readonly string[], path: readonly PropertyKey[]): Mistake {
  return {
    path, what: `a cycle: ${names.join(' reads ')}`, received: `${names.length - 1} processors that wait for each other`,
    allowed: 'upstreams that do not lead back', hint: 'remove one of these upstreams; a processor reads its own earlier dates by reads_own_history',
  };
}
