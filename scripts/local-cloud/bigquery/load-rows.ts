import { gunzipSync } from 'node:zlib';
import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import { ApiError, invalid, type ErrorProto } from './api-error.ts';
import type { Catalog } from './catalog.ts';
import { checkedRow, insertChecked, jsonRowSchema, RowProblem } from './json-rows.ts';
import type { JobSettings } from './job-settings.ts';
import { atomically } from './storage.ts';
import { columnsSql } from './tables.ts';
import { writeRows } from './write.ts';

/** A load job's lines of JSON into its table. */

export interface Loaded { readonly rows: number; readonly badRecords: number }

/** The job's own errors list what is wrong with each row, as Google's does. */
export class LoadError extends ApiError {
  readonly rows: readonly ErrorProto[];

  constructor(rows: readonly ErrorProto[]) {
    super('invalid', `Error while reading data, error message: JSON table encountered too many errors, giving up. Rows: ${rows.length}; errors: ${rows.length}. Please look into the errors[] collection for more details.`);
    this.rows = rows;
  }
}

const MOST_UNPACKED_BYTES = 512 * 1024 * 1024;

export async function runLoad(session: Session, catalog: Catalog, settings: Extract<JobSettings, { readonly kind: 'load' }>, data: Buffer): Promise<Loaded> {
  const table = catalog.find(settings.ref);
  const fields = settings.fields ?? table?.fields ?? null;
  if (!table && settings.options.createDisposition === 'CREATE_NEVER') catalog.table(settings.ref);
  catalog.dataset(settings.ref.datasetId);
  if (!fields || fields.length === 0) throw invalid(`No schema specified on job or table ${catalog.name(settings.ref)}.`);
  const problems: ErrorProto[] = [];
  const rows = linesOf(data).flatMap((line, index) => {
    try {
      return [checkedRow(fields, parsed(line), settings.ignoreUnknown)];
    } catch (thrown) {
      if (!(thrown instanceof RowProblem)) throw thrown;
      problems.push({ reason: 'invalid', message: `Error while reading data, error message: JSON processing encountered too many errors, giving up. Row ${index + 1}: ${thrown.message}` });
      return [];
    }
  });
  if (problems.length > settings.maxBadRecords) throw new LoadError(problems);
  const relation = 'temp.main."sb_load"';
  await session.run(`CREATE OR REPLACE TEMP TABLE "sb_load" (${columnsSql(fields)})`);
  try {
    await insertChecked(session, relation, fields, rows).catch((thrown: unknown) => { throw invalid(`Error while reading data, error message: ${thrown instanceof Error ? thrown.message.split('\n')[0] : String(thrown)}`); });
    await atomically(session, () => writeRows(session, catalog, settings.ref, { relation, fields }, settings.options));
  } finally {
    await session.run('DROP TABLE IF EXISTS temp.main."sb_load"');
  }
  return { rows: rows.length, badRecords: problems.length };
}

function linesOf(data: Buffer): readonly string[] {
  return unpacked(data).toString('utf8').split('\n').filter((line) => line.trim() !== '');
}

/** Data may come gzipped. */
export function unpacked(data: Buffer): Buffer {
  if (data[0] !== 0x1f || data[1] !== 0x8b) return data;
  try {
    return gunzipSync(data, { maxOutputLength: MOST_UNPACKED_BYTES });
  } catch (thrown) {
    throw invalid(`Error while reading data, error message: the data is not gzip: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    return jsonRowSchema.parse(JSON.parse(line));
  } catch {
    throw new RowProblem('', `JSON parsing error: no object: ${line.slice(0, 80)}`);
  }
}
