import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { z } from 'zod';

const request = z.tuple([z.string().regex(/^\w+\.\w+$/), z.string()]);
const row = z.record(z.string().regex(/^\w+$/), z.union([z.string(), z.number()]));

/**
 * What loads a running pipeline's rows into the warehouse of the embedded runtime, as `bq load DATASET.TABLE LINES` would
 * into BigQuery, each line a row as JSON. The table is made by whoever was there first.
 */
export async function load(state: string, words: readonly string[]): Promise<void> {
  const [table, lines] = request.parse(words);
  const instance = await DuckDBInstance.create(join(state, 'warehouse.duckdb'));
  const connection = await instance.connect();
  for (const line of lines.split('\n').filter((text) => text !== '')) {
    const entries = Object.entries(row.parse(JSON.parse(line)));
    const values = entries.map(([, value]) => (typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`));
    await connection.run(`INSERT INTO ${table} (${entries.map(([name]) => name).join(', ')}) VALUES (${values.join(', ')})`);
  }
  connection.closeSync();
  instance.closeSync();
}
