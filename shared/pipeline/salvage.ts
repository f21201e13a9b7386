import { pipelineSchema, type PipelineDefinition } from './schema.ts';
import { isMapping } from './shape.ts';

/**
 * What can still be judged of a definition whose shape is wrong, so that all mistakes are reported at once: unknown keys
 * and wrong values are left out, processors that had any are `doubtful`. Nothing runs on what comes out of here.
 */
export interface Salvaged {
  readonly definition: PipelineDefinition;
  readonly doubtful: ReadonlySet<string>;
}

export function salvage(data: unknown): Salvaged | undefined {
  const doubtful = new Set<string>();
  const current: unknown = structuredClone(data);
  // Leaving out a wrong value may leave a required one missing: then its processor goes as a whole.
  for (let round = 0; round < 3; round += 1) {
    const parsed = pipelineSchema.safeParse(current);
    if (parsed.success) return { definition: parsed.data, doubtful };
    for (const issue of parsed.error.issues) {
      const [section, processor] = issue.path;
      const unknownKeys = issue.code === 'unrecognized_keys' ? issue.keys : [];
      if (section === 'processors' && typeof processor === 'string' && unknownKeys.length === 0) doubtful.add(processor);
      const wholeProcessor = round > 0 && section === 'processors' ? issue.path.slice(0, 2) : issue.path;
      const paths = unknownKeys.length > 0 ? unknownKeys.map((key) => [...issue.path, key]) : [wholeProcessor];
      for (const path of paths) leaveOut(current, path);
    }
  }
  return undefined;
}

/** Deletes a key. An entry of a list stays in place, emptied: the paths of its neighbours must not move. */
function leaveOut(data: unknown, path: readonly PropertyKey[]): void {
  let around = data;
  for (const step of path.slice(0, -1)) {
    if (Array.isArray(around) && typeof step === 'number') around = around[step];
    else if (isMapping(around)) around = around[String(step)];
    else return;
  }
  const last = path.at(-1);
  if (isMapping(around) && typeof last === 'string') delete around[last];
}
