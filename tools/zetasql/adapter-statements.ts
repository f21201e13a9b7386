import { day } from '../../shared/calendar/day.ts';
import { checkingSql } from '../../shared/google/bigquery-check-rows.ts';
import { countingSql, measuringDaysSql, measuringRangeSql } from '../../shared/google/bigquery-coverage.ts';
import { fillingSql, queryOver, queryWithInputs } from '../../shared/google/bigquery-inputs.ts';
import { measuringSql } from '../../shared/google/bigquery-measure.ts';
import { metadataSql } from '../../shared/google/bigquery-metadata.ts';
import type { QueryParameter } from '../../shared/google/bigquery-parameters.ts';
import { replacingSql } from '../../shared/google/bigquery-replacing.ts';
import { readingSql } from '../../shared/google/bigquery-rows.ts';
import { bigQuerySchemaOf, historyRowSchema, requestChangeRowSchema, type BigQueryField } from '../../shared/google/history-schema.ts';
import { selectingSql } from '../../shared/google/run-history.ts';
import type { Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import { checksOf, sqlProcessors, upstreamOf } from './pipelines.ts';
import type { ScalarType, SqlTable, SqlType, Statement } from './request.ts';

/** The statements that the BigQuery adapter composes, by its own builders, for every table of a pipeline. */

const PROJECT = 'a-project';
const RANGE = { from_date: 'DATE', to_date: 'DATE' } as const;

function named(dataset: string, table: string): string {
  return `\`${PROJECT}.${dataset}.${table}\``;
}

function tableNamed(dataset: string, name: string, columns: SqlTable['columns']): SqlTable {
  return { name: `${PROJECT}.${dataset}.${name}`, columns };
}

export function adapterStatements(pipeline: Pipeline): readonly Statement[] {
  return [...pipeline.processors.flatMap((processor) => tableStatements(pipeline, processor)), ...sqlProcessors(pipeline).flatMap((processor) => runStatements(pipeline, processor)), ...checkRuns(pipeline), ...datasetStatements(pipeline), ...historyStatements(pipeline)];
}

function tableStatements(pipeline: Pipeline, processor: Processor): readonly Statement[] {
  const { output, columns, name, dateColumn } = processor;
  if (output.kind !== 'table') return [];
  const relation = named(output.dataset, output.table);
  const stage = named(pipeline.tables.staging_dataset, `${name}_stage`);
  const tables = [tableNamed(output.dataset, output.table, columns), tableNamed(pipeline.tables.staging_dataset, `${name}_stage`, columns)];
  const read = columns.map((column) => ({ name: column.name, type: column.type === 'TIMESTAMP' ? 'INT64' as const : column.type }));
  const statement = (what: string, sql: string, parameters: Statement['parameters'], gives: Statement['gives'] = null): Statement => ({ title: `${output.ref}: ${what}`, sql, tables, parameters, gives });
  return [
    statement('measure changed dates', measuringDaysSql(processor, relation), { ...RANGE, days: 'ARRAY<DATE>' }),
    statement('measure a range', measuringRangeSql(processor, relation), RANGE),
    statement('measure a stage', measuringSql(processor, stage, ''), {}),
    statement('count by date', countingSql(processor, relation), RANGE, [{ name: 'day', type: columns.find((column) => column.name === dateColumn)?.type ?? 'DATE' }, { name: 'row_count', type: 'INT64' }]),
    statement('read rows', readingSql(processor, columns, relation), RANGE, read),
    statement('replace a date', replacingSql(processor, relation, stage), { game_date: 'DATE' }),
  ];
}

/** A run's query as it is dry-run, and as it fills a stage. */
function runStatements(pipeline: Pipeline, processor: Processor): readonly Statement[] {
  const upstreams = processor.upstreams.map((edge) => ({ upstream: upstreamOf(pipeline, edge), columns: edge.columns, range: { from: day(19_000), to: day(19_001) } }));
  const query = queryWithInputs(processor, day(19_001), upstreams, named);
  const tables = upstreams.flatMap(({ upstream: { output, columns } }) => (output.kind === 'table' ? [tableNamed(output.dataset, output.table, columns)] : []));
  const parameters = Object.fromEntries(query.parameters.map((parameter) => [parameter.name, typeOf(parameter)]));
  const title = (what: string): string => `${processor.name}: ${what}`;
  const staged = [pipeline.tables.staging_dataset, `${processor.name}_stage`] as const;
  return [
    { title: title('with its inputs'), sql: query.sql, tables, parameters, gives: processor.columns },
    { title: title('into its stage'), sql: fillingSql(processor, named(...staged), query.sql), tables: [...tables, tableNamed(...staged, processor.columns)], parameters, gives: null },
  ];
}

/** A check's query as it is run: over its inputs, counted, the first rows. */
function checkRuns(pipeline: Pipeline): readonly Statement[] {
  return checksOf(pipeline).map(({ name, sql, reads }) => {
    const query = queryOver(sql, day(19_001), reads.map((upstream) => ({ upstream, columns: null, range: { from: day(19_000), to: day(19_001) } })), named);
    return {
      title: `the check ${name}: over its inputs`, sql: checkingSql(query.sql, 5), gives: null,
      tables: reads.flatMap(({ output, columns }) => (output.kind === 'table' ? [tableNamed(output.dataset, output.table, columns)] : [])),
      parameters: Object.fromEntries(query.parameters.map((parameter) => [parameter.name, typeOf(parameter)])),
    };
  });
}

/** Columns of the metadata views that are read: https://cloud.google.com/bigquery/docs/information-schema-partitions, …-columns */
const COLUMNS_VIEW = [{ name: 'table_name', type: 'STRING' }, { name: 'column_name', type: 'STRING' }, { name: 'is_partitioning_column', type: 'STRING' }, { name: 'data_type', type: 'STRING' }] as const;
const PARTITIONS_VIEW = [{ name: 'table_name', type: 'STRING' }, { name: 'partition_id', type: 'STRING' }, { name: 'total_rows', type: 'INT64' }, { name: 'last_modified_time', type: 'TIMESTAMP' }] as const;

function datasetStatements(pipeline: Pipeline): readonly Statement[] {
  const datasets = new Set(pipeline.processors.flatMap(({ output }) => (output.kind === 'table' ? [output.dataset] : [])));
  return [...datasets].map((dataset) => ({
    title: `${dataset}: metadata`, sql: metadataSql((view) => named(dataset, `INFORMATION_SCHEMA.${view}`)),
    tables: [tableNamed(dataset, 'INFORMATION_SCHEMA.COLUMNS', COLUMNS_VIEW), tableNamed(dataset, 'INFORMATION_SCHEMA.PARTITIONS', PARTITIONS_VIEW)],
    parameters: { tables: 'ARRAY<STRING>', from_partition: 'STRING', to_partition: 'STRING' },
    gives: [{ name: 'kind', type: 'STRING' }, { name: 'table_name', type: 'STRING' }, { name: 'name', type: 'STRING' }, { name: 'number', type: 'INT64' }, { name: 'changed', type: 'INT64' }],
  }));
}

const HISTORY_PARAMETERS = { processor: 'STRING', ...RANGE, most: 'INT64' } as const;

function historyStatements({ tables: { run_history: runs, backfill_requests: changes } }: Pipeline): readonly Statement[] {
  return [
    historyStatement(runs, bigQuerySchemaOf(historyRowSchema), 'data_date', 'created_at'),
    historyStatement(changes, bigQuerySchemaOf(requestChangeRowSchema), 'game_date', 'changed_at'),
  ];
}

function historyStatement(ref: string, fields: readonly BigQueryField[], dateColumn: string, timeColumn: string): Statement {
  const [dataset = '', table = ''] = ref.split('.');
  return {
    title: `${ref}: read`, sql: selectingSql(fields, named(dataset, table), dateColumn, timeColumn), parameters: HISTORY_PARAMETERS,
    tables: [tableNamed(dataset, table, fields.map(({ name, type }) => ({ name, type: googleSqlType(type) })))], gives: null,
  };
}

/** The API's names of types in SQL. */
const SQL_NAMES: Readonly<Record<string, ScalarType>> = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL', STRING: 'STRING', DATE: 'DATE', TIMESTAMP: 'TIMESTAMP', NUMERIC: 'NUMERIC', JSON: 'JSON', INT64: 'INT64', FLOAT64: 'FLOAT64', BOOL: 'BOOL' };

function googleSqlType(type: string): ScalarType {
  const known = SQL_NAMES[type];
  if (known === undefined) throw new Error(`the analyzer is not told of the type ${type}; add it to ${import.meta.filename}`);
  return known;
}

function typeOf({ parameterType: { type, arrayType } }: QueryParameter): SqlType {
  return type === 'ARRAY' ? `ARRAY<${googleSqlType(arrayType?.type ?? '')}>` : googleSqlType(type);
}
