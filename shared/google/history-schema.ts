import { z } from 'zod';
import type { Processor } from '../pipeline/pipeline.ts';
import type { HistoryRow, RequestChangeRow } from '../ports/run-history.ts';
import { fieldsOf } from './bigquery-tables.ts';

/**
 * The append-only tables, as zod has them; BigQuery's JSON schemas, for Terraform and for creating them, are made of these.
 * A time is TIMESTAMP and a date DATE, by their formats.
 */
const date = z.iso.date();
const time = z.iso.datetime({ offset: true });
const text = z.string();

export const historyRowSchema: z.ZodType<HistoryRow> = z.object({
  run_id: text, processor_name: text, phase: text, data_date: date, success: z.boolean(), status: text, error_message: text.nullable(),
  rows_processed: z.int().nullable(), processing_decision: text, skip_reason: text.nullable(), backfill_mode: z.boolean(), created_at: time,
  attempt: z.int(), trace_digest: text.nullable(), fingerprint: text.nullable(), category: text.nullable(), started_at: time.nullable(),
  completed_at: time.nullable(), metadata: text.nullable(),
});

export const requestChangeRowSchema: z.ZodType<RequestChangeRow> = z.object({
  processor_name: text, game_date: date, request_type: text, priority: text, requested_at: time, requested_by: text, status: text,
  started_at: time.nullable(), completed_at: time.nullable(), error_message: text.nullable(), metadata: text.nullable(), changed_at: time,
});

/** A field of BigQuery's JSON schema, types as its API answers them. */
export interface BigQueryField {
  readonly name: string;
  readonly type: 'STRING' | 'INTEGER' | 'FLOAT' | 'NUMERIC' | 'BOOLEAN' | 'DATE' | 'TIMESTAMP';
  readonly mode: 'REQUIRED' | 'NULLABLE';
}

const scalar = z.object({ type: z.union([z.string(), z.array(z.string())]).optional(), format: z.string().optional() });
const property = z.union([z.object({ anyOf: z.array(scalar) }), scalar]);
const objectSchema = z.object({ properties: z.record(z.string(), property) });

const TYPES: Readonly<Record<string, BigQueryField['type']>> = { string: 'STRING', integer: 'INTEGER', number: 'FLOAT', boolean: 'BOOLEAN' };
const FORMATS: Readonly<Record<string, BigQueryField['type']>> = { date: 'DATE', 'date-time': 'TIMESTAMP' };

/** BigQuery's JSON schema of a row that zod describes: flat, each field a text, number, truth, date or time, or null. */
export function bigQuerySchemaOf(row: z.ZodType): readonly BigQueryField[] {
  const { properties } = objectSchema.parse(z.toJSONSchema(row));
  return Object.entries(properties).map(([name, found]) => {
    const forms = ('anyOf' in found ? found.anyOf : [found]).flatMap(({ type, format }) => [type ?? []].flat().map((one) => ({ type: one, format })));
    const value = forms.find((form) => form.type !== 'null');
    const type = FORMATS[value?.format ?? ''] ?? TYPES[value?.type ?? ''];
    if (!type) throw new TypeError(`column ${name}: received ${JSON.stringify(found)}; allowed is a text, number, truth, date or time, or null`);
    return { name, type, mode: forms.some((form) => form.type === 'null') ? 'NULLABLE' : 'REQUIRED' };
  });
}

/** BigQuery's JSON schema of a processor's table. Every column may be null: what must not be is an expectation, checked on the stage. */
export function tableSchemaOf(processor: Processor): readonly { readonly name: string; readonly type: string; readonly mode?: string }[] {
  return fieldsOf(processor);
}
