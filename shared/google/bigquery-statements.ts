import { day } from '../calendar/day.ts';
import type { Pipeline, Processor } from '../pipeline/pipeline.ts';
import { countingSql, measuringDaysSql, measuringRangeSql } from './bigquery-coverage.ts';
import { fillingSql, queryWithInputs } from './bigquery-inputs.ts';
import { ofDaySql, puttingBackSql } from './bigquery-kept.ts';
import { measuringSql } from './bigquery-measure.ts';
import { metadataSql } from './bigquery-metadata.ts';
import { replacingSql } from './bigquery-replacing.ts';
import { columnsOf, readingSql } from './bigquery-rows.ts';
import { tableOf } from './bigquery-tables.ts';
import { bigQuerySchemaOf, historyRowSchema, requestChangeRowSchema } from './history-schema.ts';
import { selectingSql } from './run-history.ts';

/** A statement that the adapter sends, for Google's analyzer. */
export interface AdapterStatement {
  /** `Boxscores: measure`. */
  readonly name: string;
  readonly sql: string;
  /** GoogleSQL's types by the parameters' names. */
  readonly parameters: Readonly<Record<string, string>>;
}

const RANGE = { from_date: 'DATE', to_date: 'DATE' };

/** Every statement of a pipeline's adapter. A staging table is named as its processor's table: it has the same columns. */
export function adapterStatements(pipeline: Pipeline, project: string): readonly AdapterStatement[] {
  const named = (ref: string): string => `\`${project}.${ref}\``;
  const tables = pipeline.processors.filter(({ output }) => output.kind === 'table');
  const datasets = [...new Set(tables.map((processor) => tableOf(processor).dataset))];
  return [
    ...datasets.map((dataset) => ({
      name: `${dataset}: metadata`, sql: metadataSql((view) => named(`${dataset}.INFORMATION_SCHEMA.${view}`)),
      parameters: { tables: 'ARRAY<STRING>', from_partition: 'STRING', to_partition: 'STRING' },
    })),
    ...tables.flatMap((processor) => ofTable(pipeline, processor, named)),
    { name: 'history: runs', sql: selectingSql(bigQuerySchemaOf(historyRowSchema), named(pipeline.tables.run_history), 'data_date', 'created_at'), parameters: HISTORY },
    { name: 'history: changes', sql: selectingSql(bigQuerySchemaOf(requestChangeRowSchema), named(pipeline.tables.backfill_requests), 'game_date', 'changed_at'), parameters: HISTORY },
  ];
}

const HISTORY = { processor: 'STRING', ...RANGE, most: 'INT64' };

function ofTable(pipeline: Pipeline, processor: Processor, named: (ref: string) => string): readonly AdapterStatement[] {
  const { name, output } = processor;
  const relation = named(output.ref);
  return [
    { name: `${name}: measure days`, sql: measuringDaysSql(processor, relation), parameters: { ...RANGE, days: 'ARRAY<DATE>' } },
    { name: `${name}: measure a range`, sql: measuringRangeSql(processor, relation), parameters: RANGE },
    { name: `${name}: measure a stage`, sql: measuringSql(processor, relation, ''), parameters: {} },
    { name: `${name}: count`, sql: countingSql(processor, relation), parameters: RANGE },
    { name: `${name}: read`, sql: readingSql(processor, columnsOf(processor, null), relation), parameters: RANGE },
    { name: `${name}: replace`, sql: replacingSql(processor, relation, relation), parameters: { game_date: 'DATE' } },
    { name: `${name}: put back`, sql: insertingSql(processor, relation), parameters: { game_date: 'DATE' } },
    { name: `${name}: keep`, sql: replacingSql(processor, relation, `(${ofDaySql(processor, namesOf(processor), relation)})`), parameters: { game_date: 'DATE' } },
    ...(processor.sql === null ? [] : [filling(pipeline, processor, named)]),
  ];
}

function namesOf({ columns }: Processor): readonly string[] {
  return columns.map(({ name }) => name);
}

function insertingSql(processor: Processor, relation: string): string {
  const names = namesOf(processor);
  return puttingBackSql(relation, names, ofDaySql(processor, names, relation));
}

function filling(pipeline: Pipeline, processor: Processor, named: (ref: string) => string): AdapterStatement {
  const inputs = processor.upstreams.flatMap(({ upstream, columns }) => {
    const found = pipeline.byName.get(upstream);
    return found ? [{ upstream: found, columns, range: null }] : [];
  });
  const query = queryWithInputs(processor, day(0), inputs, (dataset, table) => named(`${dataset}.${table}`));
  return { name: `${processor.name}: fill`, sql: fillingSql(processor, named(processor.output.ref), query.sql), parameters: Object.fromEntries(query.parameters.map(({ name, parameterType }) => [name, parameterType.type])) };
}
