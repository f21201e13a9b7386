import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compositeIndexes, fieldIndexes, timeToLive, unindexedCollections } from '../shared/google/firestore-indexes.ts';
import { bigQuerySchemaOf, historyRowSchema, requestChangeRowSchema, tableSchemaOf } from '../shared/google/history-schema.ts';
import { loadPipeline } from '../shared/pipeline/load.ts';
import type { Pipeline } from '../shared/pipeline/pipeline.ts';
import { formatProblem } from '../shared/pipeline/problems.ts';

/**
 * Writes what terraform/ can't read by itself: the tables' schemas, in the form of `bq mk --schema` (yamldecode puts the keys
 * of a map in alphabetical order), and the indexes of shared/google/firestore-indexes.ts.
 *
 *   node scripts/terraform-schemas.ts [--pipeline DIR] [--out DIR] [--check]
 */

/** The schema files of a pipeline: text by file name, `dataset.table.json`. */
export function schemaFiles(pipeline: Pipeline): ReadonlyMap<string, string> {
  const files = new Map<string, readonly object[]>();
  for (const processor of pipeline.processors) {
    if (processor.output.kind === 'table' && !files.has(processor.output.ref)) files.set(processor.output.ref, tableSchemaOf(processor));
  }
  files.set(pipeline.tables.run_history, bigQuerySchemaOf(historyRowSchema));
  files.set(pipeline.tables.backfill_requests, bigQuerySchemaOf(requestChangeRowSchema));
  return new Map([...files].map(([ref, columns]) => [`${ref}.json`, formatted(columns)]));
}

interface FieldConfig {
  readonly collection: string;
  readonly field: string;
  readonly ttl: boolean;
  readonly indexes: readonly { readonly order?: string; readonly array_config?: string }[];
}

/** The variables `indexes` and `fields` of terraform/modules/state. A field that is only there to expire needs no index. */
export function firestoreFile(): string {
  const indexes = Object.fromEntries(compositeIndexes.map(({ collectionGroup: collection, queryScope, fields }) => [
    `${collection}-${fields.map(({ fieldPath }) => fieldPath).join('-')}`,
    { collection, query_scope: queryScope, fields: fields.map(({ fieldPath, order }) => ({ field_path: fieldPath, order })) },
  ]));
  const fields = new Map<string, FieldConfig>();
  const add = (collection: string, field: string, more: Partial<FieldConfig>): void => {
    const id = `${collection}/${field}`;
    const known = fields.get(id);
    fields.set(id, { collection, field, ttl: more.ttl ?? known?.ttl ?? false, indexes: [...(known?.indexes ?? []), ...(more.indexes ?? [])] });
  };
  for (const collection of unindexedCollections) add(collection, '*', {});
  for (const { collectionGroup, fieldPath, index } of fieldIndexes) add(collectionGroup, fieldPath, { indexes: ['order' in index ? { order: index.order } : { array_config: index.arrayConfig }] });
  for (const { collectionGroup, fieldPath } of timeToLive) add(collectionGroup, fieldPath, { ttl: true });
  return `${JSON.stringify({ indexes, fields: Object.fromEntries(fields) }, null, 2)}\n`;
}

/** One column a line, so that a change of one shows as one. */
function formatted(columns: readonly object[]): string {
  return `[\n${columns.map((column) => `  ${JSON.stringify(column)}`).join(',\n')}\n]\n`;
}

/** Names of files that are not what they must be. */
export function differences(wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): readonly string[] {
  const names = new Set([...wanted.keys(), ...found.keys()]);
  return [...names].filter((name) => wanted.get(name) !== found.get(name)).sort();
}

/** The JSON files of a folder; none where there is no such folder. */
export function readFolder(folder: string): ReadonlyMap<string, string> {
  try {
    return new Map(readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw error;
  }
}

/** Reads a pipeline definition from disk; throws with every problem where it is not right. */
export function pipelineAt(directory: string): Pipeline {
  const loaded = loadPipeline(directory, {
    readText: (path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
  });
  if (loaded.kind === 'ok') return loaded.pipeline;
  throw new Error(loaded.problems.map(formatProblem).join('\n'));
}

function main(): number {
  const { values } = parseArgs({ options: { pipeline: { type: 'string' }, out: { type: 'string' }, check: { type: 'boolean', default: false } } });
  const root = dirname(import.meta.dirname);
  const pipeline = pipelineAt(values.pipeline ?? join(root, 'pipelines/nba'));
  const targets = [
    { folder: resolve(values.out ?? join(root, 'terraform/schemas', pipeline.name)), wanted: schemaFiles(pipeline) },
    { folder: join(root, 'terraform/schemas'), wanted: new Map([['firestore.json', firestoreFile()]]) },
  ];
  const changed = targets.flatMap(({ folder, wanted }) => differences(wanted, readFolder(folder)).map((name) => ({ path: join(folder, name), content: wanted.get(name) })));
  for (const { path, content } of changed) {
    const shown = relative(process.cwd(), path);
    if (values.check) console.error(`${shown} is not what it is made from says; run node scripts/terraform-schemas.ts`);
    else if (content === undefined) rmSync(path);
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }
  console.log(`${targets.map(({ wanted }) => wanted.size).reduce((sum, size) => sum + size)} files, ${changed.length} changed`);
  return values.check && changed.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = main();
