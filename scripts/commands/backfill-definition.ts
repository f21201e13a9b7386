import { InputError } from '../../shared/failures/errors.ts';
import { suggestion } from '../../shared/pipeline/nearest.ts';
import { formatProblem } from '../../shared/pipeline/problems.ts';
import { BACKFILLS_FILE, loadBackfills } from '../../shared/staged/load.ts';
import type { BackfillDefinition } from '../../shared/staged/schema.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { Io } from '../output/io.ts';
import { definitionReader, InvalidPipelineError, pipelinePath } from '../session.ts';
import { ended, googlePipeline, type CommonOptions } from './options.ts';

/** Where definitions are: beside the pipeline that a command was given. */
export interface DefinitionsPlace {
  readonly pipeline: Pipeline;
  readonly options: Pick<CommonOptions, 'pipeline' | 'runtime'>;
  readonly io: Pick<Io, 'cwd' | 'environment'>;
}

/** The definitions of the pipeline's folder, or all mistakes in them. */
export function openDefinitions({ pipeline, options, io }: DefinitionsPlace): ReadonlyMap<string, BackfillDefinition> {
  // Paths start where the command was given, which may be another folder than the owner's.
  const loaded = loadBackfills({ ...pipeline, directory: pipelinePath(options.runtime === 'google' ? { pipeline: googlePipeline(options, io.environment) } : options, io.cwd) }, definitionReader(io.cwd));
  if (loaded.kind === 'ok') return loaded.definitions;
  const { problems } = loaded;
  throw new InvalidPipelineError(`${problems.map(formatProblem).join('\n')}\nerror: ${BACKFILLS_FILE} has ${problems.length} problem${problems.length === 1 ? '' : 's'}; correct it (docs/backfills.md)`);
}

export function definitionNamed(place: DefinitionsPlace, name: string | undefined): BackfillDefinition {
  const definitions = openDefinitions(place);
  const names = [...definitions.keys()];
  const received = name === undefined ? 'no definition' : `the definition '${name}', which there is not`;
  if (names.length === 0) throw new InputError(`received ${received}; the pipeline has none: write ${BACKFILLS_FILE} beside pipeline.yaml (docs/backfills.md)`);
  if (name === undefined) throw new InputError(`received ${received}; allowed are ${names.join(', ')}; add --definition NAME`);
  const definition = definitions.get(name);
  if (!definition) throw new InputError(`received ${received}; ${ended(suggestion(name, names, 'give one that there is'))} allowed are ${names.join(', ')}`);
  return definition;
}
