import { z } from 'zod';
import { day, formatDay, parseDay, type Day } from '../../shared/calendar/day.ts';
import type { Column, Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { integerOf } from '../../shared/rows/checked-rows.ts';
import type { Analyzer } from './analyzer.ts';
import { inputTable } from './pipelines.ts';
import { requestOf, type Language } from './request.ts';

/** A processor's `.sql` run by ZetaSQL's reference evaluator, on rows at hand. */

export interface Input {
  readonly upstream: string;
  readonly rows: readonly Row[];
}

/** The rows that the query gives for a date, columns in the declared order. Throws SqlRefused with the evaluator's message. */
export async function evaluate(analyzer: Analyzer, language: Language, pipeline: Pipeline, processor: Processor, at: Day, inputs: readonly Input[]): Promise<readonly Row[]> {
  const tables = processor.upstreams.map((edge) => ({ upstream: edge.upstream, ...inputTable(pipeline, edge) }));
  const answer = answerSchema.parse(await analyzer.call('evaluateQuery', {
    sql: processor.sql, ...requestOf(language, { tables, parameters: { game_date: 'DATE' } }), params: [{ name: 'game_date', value: { dateValue: at } }],
    tableContent: Object.fromEntries(tables.map(({ upstream, name, columns }) => [name, contentOf(columns, inputs.find((input) => input.upstream === upstream)?.rows ?? [])])),
  }));
  const places = new Map(answer.prepared.columns.map(({ name }, index) => [name, index]));
  return answer.content.tableData.row.map(({ cell }) => Object.fromEntries(processor.columns.map(({ name }) => [name, valueOf(cell[places.get(name) ?? -1])])));
}

function contentOf(columns: readonly Column[], rows: readonly Row[]): object {
  return { tableData: { row: rows.map((row) => ({ cell: columns.map(({ name, type }) => cellOf(type, row[name] ?? null)) })) } };
}

/** A cell without any field is null. */
function cellOf(type: Column['type'], value: Row[string]): object {
  if (value === null) return {};
  switch (type) {
    case 'INT64': return { int64Value: String(value) };
    case 'FLOAT64': return { doubleValue: value };
    case 'STRING': return { stringValue: value };
    case 'BOOL': return { boolValue: value };
    case 'DATE': return { dateValue: parseDay(String(value)) };
    case 'NUMERIC':
    case 'TIMESTAMP':
      throw new Error(`a ${type} is read by a .sql file, and this check does not hand one over yet: add it in ${import.meta.filename}`);
  }
}

const long = z.custom<{ toString(): string }>((value) => typeof value === 'object' && value !== null);
const cellSchema = z.looseObject({
  value: z.string().optional(), int64Value: long.optional(), doubleValue: z.number().optional(), stringValue: z.string().optional(), boolValue: z.boolean().optional(), dateValue: z.number().optional(),
});
const answerSchema = z.object({
  content: z.object({ tableData: z.object({ row: z.array(z.object({ cell: z.array(cellSchema) })) }) }),
  prepared: z.object({ columns: z.array(z.object({ name: z.string() })) }),
});

function valueOf(cell: z.infer<typeof cellSchema> | undefined): Row[string] {
  if (cell === undefined) throw new Error('the evaluator left a column out');
  switch (cell.value) {
    case undefined: return null;
    case 'int64Value': return integerOf(BigInt(String(cell.int64Value))) ?? null;
    case 'doubleValue': return cell.doubleValue ?? null;
    case 'stringValue': return cell.stringValue ?? null;
    case 'boolValue': return cell.boolValue ?? null;
    case 'dateValue': return formatDay(day(cell.dateValue ?? 0));
    default: throw new Error(`the evaluator gave a ${cell.value}, which this check does not read yet: add it in ${import.meta.filename}`);
  }
}
