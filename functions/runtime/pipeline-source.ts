import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../shared/failures/errors.ts';
import { compilePipeline } from '../../shared/pipeline/compile.ts';
import { forGoogle } from '../../shared/pipeline/for-google.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { pipelineSchema } from '../../shared/pipeline/schema.ts';

/** The definition inside a bundle, beside its code. */
export const BUNDLED_PIPELINE = 'pipeline.json';

/** A definition that the build has found right: what its YAML says, and its processors' SQL. */
const bundledPipelineSchema = z.object({ definition: pipelineSchema, sql: z.record(z.string(), z.string()) });

/**
 * The definition with its targets for Google: the bundle's own, or that of a folder. Throws an InputError with all that is
 * wrong with it. Reading YAML and judging all of it again would take a third of a cold start; the build has done both.
 */
export async function readPipeline(directory: string | null, bundleFolder: string): Promise<Pipeline> {
  return forGoogle(directory === null ? bundled(bundleFolder) : await loaded(directory));
}

function bundled(folder: string): Pipeline {
  const file = join(folder, BUNDLED_PIPELINE);
  const text = textOf(file);
  if (text === undefined) throw new InputError(`PIPELINE_DIR: received nothing, and there is no ${file}; name the folder that holds pipeline.yaml, or deploy what 'npm run build' makes`);
  const { definition, sql } = bundledPipelineSchema.parse(JSON.parse(text));
  return compilePipeline(definition, { directory: folder, sql: new Map(Object.entries(sql)) });
}

async function loaded(folder: string): Promise<Pipeline> {
  const [{ loadPipeline }, { formatProblem }] = await Promise.all([import('../../shared/pipeline/load.ts'), import('../../shared/pipeline/problems.ts')]);
  const found = loadPipeline(folder, { readText: textOf });
  if (found.kind === 'ok') return found.pipeline;
  throw new InputError(`${found.problems.map(formatProblem).join('\n')}\nthe pipeline definition in ${folder} can't be used; correct it, or give another folder with PIPELINE_DIR`);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
