import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { bigQuerySchemaOf, historyRowSchema, requestChangeRowSchema, tableSchemaOf } from '../../shared/google/history-schema.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { named } from '../contract/warehouse-under-test.ts';

const GOOGLESQL: Readonly<Record<string, string>> = { INTEGER: 'INT64', BOOLEAN: 'BOOL', FLOAT: 'FLOAT64' };

describe("BigQuery's schemas", () => {
  for (const [file, schema] of [['processor_run_history', historyRowSchema], ['backfill_requests', requestChangeRowSchema]] as const) {
    it(`of ${file}.sql are those of zod, column by column`, () => {
      const sql = readFileSync(new URL(`../../shared/google/sql/${file}.sql`, import.meta.url), 'utf8');
      const columns = [...sql.matchAll(/^ {2}(\w+) (\w+)( NOT NULL)?,?$/gm)].map(([, name, type, required]) => ({ name, type, mode: required ? 'REQUIRED' : 'NULLABLE' }));
      assert.deepEqual(columns, bigQuerySchemaOf(schema).map(({ name, type, mode }) => ({ name, type: GOOGLESQL[type] ?? type, mode })));
    });
  }
  it('tell dates, times, whole numbers and nulls', () => {
    const row = z.object({ at: z.iso.date(), when: z.iso.datetime({ offset: true }).nullable(), count: z.int(), share: z.number().nullable(), ok: z.boolean(), text: z.string() });
    assert.deepEqual(bigQuerySchemaOf(row).map(({ name, type, mode }) => `${name} ${type} ${mode}`), [
      'at DATE REQUIRED', 'when TIMESTAMP NULLABLE', 'count INTEGER REQUIRED', 'share FLOAT NULLABLE', 'ok BOOLEAN REQUIRED', 'text STRING REQUIRED',
    ]);
  });
  it('refuse what is no plain value', () => {
    assert.throws(() => bigQuerySchemaOf(z.object({ list: z.array(z.string()) })), /column list.*allowed is a text, number/);
  });
  it("of a processor's table are its columns, all of which may be null", () => {
    const fields = tableSchemaOf(named(warehousePipeline(), 'Schedule'));
    assert.deepEqual(fields.map(({ name, type, mode }) => `${name} ${type} ${mode}`), ['game_date DATE NULLABLE', 'game_id STRING NULLABLE', 'game_status INTEGER NULLABLE', 'season_type STRING NULLABLE']);
  });
});
