import type { BigQuery } from '@google-cloud/bigquery';
import { z } from 'zod';
import { bigQueryClient } from '../../../scripts/local-cloud/bigquery/client.ts';
import { startBigQuery, type BigQueryOptions, type FakeBigQuery } from '../../../scripts/local-cloud/bigquery/server.ts';

/** A server and Google's client for each test. */

export interface Rig { readonly fake: FakeBigQuery; readonly client: BigQuery; close(): Promise<void> }

export async function rig(options: BigQueryOptions = {}): Promise<Rig> {
  const fake = await startBigQuery({ projectId: 'p', ...options });
  const client = bigQueryClient(fake);
  return { fake, client, close: () => fake.close() };
}

export const SHOTS = {
  schema: { fields: [{ name: 'game_date', type: 'DATE' }, { name: 'player', type: 'STRING' }, { name: 'points', type: 'INTEGER' }] },
  timePartitioning: { type: 'DAY', field: 'game_date' },
};

/** Dataset `d` with the partitioned table `shots`. */
export async function withShots({ client }: Pick<Rig, 'client'>, name = 'shots'): Promise<void> {
  const dataset = client.dataset('d');
  if (!(await dataset.exists())[0]) await client.createDataset('d');
  await dataset.createTable(name, SHOTS);
}

export async function load(client: BigQuery, table: string, rows: readonly object[], settings: object = {}): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stream = client.dataset('d').table(table).createWriteStream({ sourceFormat: 'NEWLINE_DELIMITED_JSON', ...settings });
    stream.on('error', reject).on('complete', () => resolve());
    stream.end(rows.map((row) => JSON.stringify(row)).join('\n'));
  });
}

const rowsSchema = z.array(z.record(z.string(), z.unknown()));

/** Rows as JSON holds them. */
export async function rowsOf(client: BigQuery, query: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>[]> {
  const [rows] = await client.query({ query, params });
  return rowsSchema.parse(JSON.parse(JSON.stringify(rows)));
}

const problemSchema = z.object({ code: z.union([z.number(), z.string()]).optional(), message: z.string(), errors: z.array(z.looseObject({ reason: z.string().optional(), message: z.string().optional() })).default([]) });

/** What a call was refused with. */
export async function problemOf(work: Promise<unknown>): Promise<z.infer<typeof problemSchema>> {
  try {
    await work;
  } catch (thrown) {
    return problemSchema.parse(thrown);
  }
  throw new Error('nothing was refused');
}
