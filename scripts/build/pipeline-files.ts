import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../shared/failures/errors.ts';
import { DEFINITION_FILE, loadPipeline } from '../../shared/pipeline/load.ts';
import { formatProblem } from '../../shared/pipeline/problems.ts';
import { forGoogle } from '../../shared/pipeline/for-google.ts';
import { readYaml } from '../../shared/pipeline/yaml-source.ts';

/**
 * What a bundle carries of a pipeline's folder: the definition as its YAML says it, and the SQL of its processors. All of
 * it has been found right, also for Google; a function need not judge it again.
 */
export function bundledPipeline(directory: string): { readonly name: string; readonly json: string } {
  const loaded = loadPipeline(directory, { readText: textOf });
  if (loaded.kind === 'invalid') throw new InputError(`${loaded.problems.map(formatProblem).join('\n')}\nthe definition in ${directory} can't be deployed; correct it (docs/pipeline-yaml.md)`);
  const pipeline = forGoogle(loaded.pipeline);
  const file = join(directory, DEFINITION_FILE);
  const yaml = readYaml(file, textOf(file) ?? '');
  if (yaml.kind === 'unparseable') throw new InputError(`${file} changed while it was read; build again`);
  const sql = Object.fromEntries(pipeline.processors.flatMap((processor) => (processor.sql === null ? [] : [[processor.name, processor.sql]])));
  return { name: pipeline.name, json: JSON.stringify({ definition: yaml.data, sql }) };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
