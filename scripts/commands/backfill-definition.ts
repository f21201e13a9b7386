import { InputError } from '../../shared/failures/errors.ts';
import { suggestion } from '../../shared/pipeline/nearest.ts';
import { formatProblem } from '../../shared/pipeline/problems.ts';
import { BACKFILLS_FILE, loadBackfills } from '../../shared/staged/load.ts';
import type { BackfillDefinition } from '../../shared/staged/schema.ts';
import { googlePipeline } from './options.ts';
import { definitionReader, InvalidPipelineError, pipelinePath, type Session } from '../session.ts';

/** The definitions of the pipeline's folder, or all mistakes in them. */
export function openDefinitions({ pipeline, options, io, runtime }: Session): ReadonlyMap<string, BackfillDefinition> {
  // Paths start where the command was given, which may be another folder than the owner's.
  const loaded = loadBackfills({ ...pipeline, directory: pipelinePath(runtime.kind === 'google' ? { pipeline: googlePipeline(options, io.environment) } : options, io.cwd) }, definitionReader(io.cwd));
  if (loaded.kind === 'ok') return loaded.definitions;
  const { problems } = loaded;
  throw new InvalidPipelineError(`${problems.map(formatProblem).join('\n')}\nerror: ${BACKFILLS_FILE} has ${problems.length} problem${problems.length === 1 ? '' : 's'}; correct it (docs/backfills.md)`);
}

export function definitionNamed(session: Session, name: string | undefined): BackfillDefinition {
  const definitions = openDefinitions(session);
  const names = [...definitions.keys()];
  const allowed = names.length === 0 ? `the pipeline has none: write ${BACKFILLS_FILE} beside pipeline.yaml (docs/backfills.md)` : `allowed are ${names.join(', ')}`;
  if (name === undefined) throw new InputError(`received no definition; ${allowed}; add --definition NAME`);
  const definition = definitions.get(name);
  if (!definition) throw new InputError(`received the definition '${name}', which there is not; ${suggestion(name, names, 'give one that there is')}; ${allowed}`);
  return definition;
}
