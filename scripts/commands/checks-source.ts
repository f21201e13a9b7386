import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { InputError } from '../../shared/failures/errors.ts';
import { loadChecks, type ChecksReader, type QualityCheck } from '../../shared/pipeline/checks.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { formatProblem } from '../../shared/pipeline/problems.ts';
import type { Io } from '../output/io.ts';
import { googlePipeline, pipelineDirectory, type CommonOptions } from './options.ts';

/** The checks in a pipeline's folder, as files. */
export const checkFiles: ChecksReader = {
  listFiles: (directory) => (existsSync(directory) ? readdirSync(directory) : []),
  readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
};

/** All of them, or an InputError with every mistake: a check that is left out would let pass what it should hold. */
export function checksOf(io: Pick<Io, 'cwd' | 'environment'>, options: Pick<CommonOptions, 'pipeline' | 'runtime'>, pipeline: Pipeline): readonly QualityCheck[] {
  const place = options.runtime === 'google' ? { pipeline: googlePipeline(options, io.environment) } : options;
  const { checks, problems } = loadChecks(pipelineDirectory(place, io.cwd), pipeline, checkFiles);
  if (problems.length === 0) return checks;
  throw new InputError(`${problems.map(formatProblem).join('\n')}\nerror: the checks of ${pipeline.name} have ${problems.length} problem${problems.length === 1 ? '' : 's'}; correct them (docs/commands.md)`);
}
