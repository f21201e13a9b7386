import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { z } from 'zod';

/**
 * What loads a running pipeline's rows into the warehouse of the embedded runtime, as `bq load` would into BigQuery:
 * `node load.ts STATE DATASET.TABLE LINES`, each line a row as JSON. The table is made by whoever was there first.
 */

const [state, table, lines] = z.tuple([z.string(), z.string().regex(/^\w+\.\w+$/), z.string()]).parse(process.argv.slice(2));
const row = z.record(z.string().regex(/^\w+$/), z.union([z.string(), z.number()]));
const instance = await DuckDBInstance.create(join(state, 'warehouse.duckdb'));
const connection = await instance.connect();
for (const line of lines.split('\n').filter((text) => text !== '')) {
  const entries = Object.entries(row.parse(JSON.parse(line)));
  const values = entries.map(([, value]) => (typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`));
  await connection.run(`INSERT INTO ${table} (${entries.map(([name]) => name).join(', ')}) VALUES (${values.join(', ')})`);
}
connection.closeSync();
instance.closeSync();
