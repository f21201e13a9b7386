import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadChecks, type QualityCheck } from '../../shared/pipeline/checks.ts';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import type { Column, Edge, Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import { formatProblems } from '../../shared/pipeline/problems.ts';
import { inputName } from '../../shared/rows/staged-rows.ts';
import type { Statement } from './request.ts';

/** Every pipeline of the project, and its `.sql` files as they stand: their inputs are tables of the declared columns. */

export function pipelinesIn(directory: string): readonly Pipeline[] {
  const folders = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, 'pipeline.yaml')));
  return folders.map(({ name }) => {
    const loaded = loadPipeline(join(directory, name), { readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) });
    if (loaded.kind === 'invalid') throw new Error(formatProblems(loaded.problems));
    return loaded.pipeline;
  });
}

export function sqlProcessors(pipeline: Pipeline): readonly Processor[] {
  return pipeline.processors.filter(({ sql }) => sql !== null);
}

export function upstreamOf(pipeline: Pipeline, edge: Edge): Processor {
  const upstream = pipeline.byName.get(edge.upstream);
  if (!upstream) throw new Error(`${edge.reader} reads ${edge.upstream}, which the pipeline does not have`);
  return upstream;
}

export function inputTable(pipeline: Pipeline, edge: Edge): { readonly name: string; readonly columns: readonly Column[] } {
  const upstream = upstreamOf(pipeline, edge);
  const read = new Set(edge.columns ?? upstream.fingerprintColumns);
  return { name: inputName(upstream), columns: upstream.columns.filter(({ name }) => read.has(name)) };
}

export function fileStatements(pipeline: Pipeline): readonly Statement[] {
  return sqlProcessors(pipeline).map((processor) => ({
    title: `${basename(pipeline.directory)}: ${processor.name}, the .sql file`, sql: processor.sql ?? '', parameters: { game_date: 'DATE' },
    tables: processor.upstreams.map((edge) => inputTable(pipeline, edge)), gives: processor.columns,
  }));
}

/** A pipeline's checks; one that is wrong fails loading. */
export function checksOf(pipeline: Pipeline): readonly QualityCheck[] {
  const { checks, problems } = loadChecks(pipeline.directory, pipeline, {
    listFiles: (directory) => (existsSync(directory) ? readdirSync(directory) : []), readText: (path) => readFileSync(path, 'utf8'),
  });
  if (problems.length > 0) throw new Error(formatProblems(problems));
  return checks;
}

export function checkStatements(pipeline: Pipeline): readonly Statement[] {
  return checksOf(pipeline).map(({ file, sql, reads }) => ({
    title: `${basename(pipeline.directory)}: ${file}`, sql, parameters: {}, gives: null,
    tables: reads.map((upstream) => ({ name: inputName(upstream), columns: upstream.columns.filter(({ name }) => upstream.fingerprintColumns.includes(name)) })),
  }));
}
