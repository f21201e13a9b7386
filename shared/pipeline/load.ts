import { join } from 'node:path';
import { compilePipeline } from './compile.ts';
import type { Pipeline } from './pipeline.ts';
import { mistakeMessage, sortProblems, type Mistake, type Problem } from './problems.ts';
import { salvage, type Salvaged } from './salvage.ts';
import { pipelineSchema, type PipelineDefinition, type ProcessorDefinition } from './schema.ts';
import { shapeMistakes } from './shape.ts';
import { sqlMistakes } from './sql-check.ts';
import { positionAt } from './sql-tokens.ts';
import { isSqlPath, sqlFileOf } from './targets.ts';
import { validateDefinition } from './validate.ts';
import { readYaml } from './yaml-source.ts';

/** Reads a pipeline's folder: the definition, its SQL, and every mistake in them at once. */

export const DEFINITION_FILE = 'pipeline.yaml';

export interface DefinitionReader {
  /** The text of a file, or undefined when there is none. */
  readText(path: string): string | undefined;
}

export type LoadedPipeline =
  | { readonly kind: 'ok'; readonly pipeline: Pipeline }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

export function loadPipeline(directory: string, io: DefinitionReader): LoadedPipeline {
  const file = join(directory, DEFINITION_FILE);
  const text = io.readText(file);
  if (text === undefined) return invalid([missingDefinition(directory, file)]);
  const yaml = readYaml(file, text);
  if (yaml.kind === 'unparseable') return invalid(yaml.problems);
  const locate = (mistake: Mistake): Problem => ({ file, ...yaml.positionOf(mistake.path, mistake.at), message: mistakeMessage(mistake) });

  const parsed = pipelineSchema.safeParse(yaml.data);
  const shape = parsed.success ? [] : shapeMistakes(parsed.error.issues, yaml.data);
  const judged: Salvaged | undefined = parsed.success ? { definition: parsed.data, doubtful: new Set() } : salvage(yaml.data);
  const meaning = judged ? validateDefinition(judged.definition, judged.doubtful) : [];
  const files = judged ? readSql(directory, judged.definition, io) : { sql: new Map<string, string>(), missing: [] };
  const inSql = judged ? [...files.sql].flatMap(([name, sql]) => sqlProblemsOf(directory, name, sql, judged, meaning)) : [];
  const problems = [...[...shape, ...meaning, ...files.missing].map(locate), ...inSql];
  if (problems.length > 0 || !parsed.success) return invalid(problems);
  return { kind: 'ok', pipeline: compilePipeline(parsed.data, { directory, sql: files.sql }) };
}

function invalid(problems: readonly Problem[]): LoadedPipeline {
  return { kind: 'invalid', problems: sortProblems(problems) };
}

function missingDefinition(directory: string, file: string): Problem {
  const message = mistakeMessage({
    what: `there is no ${DEFINITION_FILE} in ${directory}`, received: `the folder ${directory}`,
    allowed: `a folder that holds ${DEFINITION_FILE}`, hint: 'name another folder with --pipeline, or write one (docs/pipeline-yaml.md)',
  });
  return { file, line: 1, column: 1, message };
}

interface SqlFiles {
  readonly sql: ReadonlyMap<string, string>;
  readonly missing: readonly Mistake[];
}

function readSql(directory: string, definition: PipelineDefinition, io: DefinitionReader): SqlFiles {
  const sql = new Map<string, string>();
  const missing: Mistake[] = [];
  for (const [name, processor] of Object.entries(definition.processors)) {
    const file = sqlFileOf(processor.target);
    if (file === undefined || !isSqlPath(file)) continue;
    const text = io.readText(join(directory, file));
    if (text !== undefined) sql.set(name, text);
    else missing.push({ path: sqlPath(name, processor), what: `there is no file ${file}`, received: `'${file}'`, allowed: `a .sql file below ${directory}`, hint: 'write the file, or correct the path' });
  }
  return { sql, missing };
}

function sqlProblemsOf(directory: string, name: string, sql: string, { definition, doubtful }: Salvaged, meaning: readonly Mistake[]): readonly Problem[] {
  const processor = definition.processors[name];
  const file = processor && sqlFileOf(processor.target);
  if (!processor || file === undefined) return [];
  const read = [...processor.upstream.map((upstream) => upstream.processor), ...(processor.reads_own_history ? [name] : [])];
  // What a processor fills or reads is not known where that is a mistake itself: then no input is called unknown.
  const allKnown = [name, ...read].every((known) => !doubtful.has(known) && !meaning.some((mistake) => isAboutInputs(mistake, known)));
  const inputs = read.flatMap((upstream) => definition.processors[upstream]?.table?.split('.').at(-1) ?? []);
  return sqlMistakes(sql, inputs, allKnown).map(({ offset, ...mistake }) => ({
    file: join(directory, file), ...positionAt(sql, offset), message: mistakeMessage(mistake),
  }));
}

function isAboutInputs({ path: [section, name, field] }: Mistake, processor: string): boolean {
  return section === 'processors' && name === processor && (field === undefined || ['upstream', 'table', 'landing'].includes(String(field)));
}

function sqlPath(name: string, { target }: ProcessorDefinition): readonly PropertyKey[] {
  const path = ['processors', name, 'target'];
  if (!('embedded' in target)) return [...path, 'bigquery_sql'];
  return [...path, 'bigquery_sql' in target.embedded ? 'embedded' : 'google', 'bigquery_sql'];
}
