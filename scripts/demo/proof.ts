import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';

export interface TableProof {
  readonly table: string;
  readonly rows: number;
  /** Rows of one warehouse that the other does not have, both ways. */
  readonly differing: number;
}

/** Compares two state folders row for row over a range of dates: every table without its volatile columns, and every landed file. */
export async function compareWarehouses(pipeline: Pipeline, reference: string, recovered: string, from: Day, to: Day): Promise<TableProof[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`ATTACH '${join(reference, 'warehouse.duckdb')}' AS reference (READ_ONLY)`);
    await connection.run(`ATTACH '${join(recovered, 'warehouse.duckdb')}' AS recovered (READ_ONLY)`);
    const proofs: TableProof[] = [];
    for (const processor of pipeline.processors) {
      if (processor.output.kind === 'landing') {
        proofs.push(compareFiles(processor.output.folder, reference, recovered, from, to));
        continue;
      }
      const { ref } = processor.output;
      const columns = processor.fingerprintColumns.map((column) => `"${column}"`).join(', ');
      const rowsOf = (side: string): string => `SELECT ${columns} FROM ${side}.${ref} WHERE "${processor.dateColumn}" BETWEEN DATE '${formatDay(from)}' AND DATE '${formatDay(to)}'`;
      const result = await connection.runAndReadAll(
        `SELECT (SELECT count(*) FROM (${rowsOf('recovered')})), (SELECT count(*) FROM (${rowsOf('reference')} EXCEPT ALL ${rowsOf('recovered')})) + (SELECT count(*) FROM (${rowsOf('recovered')} EXCEPT ALL ${rowsOf('reference')}))`,
      );
      const [row] = result.getRows();
      proofs.push({ table: ref, rows: Number(row?.[0]), differing: Number(row?.[1]) });
    }
    return proofs;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function compareFiles(folder: string, reference: string, recovered: string, from: Day, to: Day): TableProof {
  const a = landed(join(reference, 'landing', folder), from, to);
  const b = landed(join(recovered, 'landing', folder), from, to);
  const dates = new Set([...a.keys(), ...b.keys()]);
  let differing = 0;
  for (const date of dates) if (a.get(date) !== b.get(date)) differing += 1;
  const rows = [...b.values()].reduce((sum, text) => sum + text.split('\n').filter((line) => line !== '').length, 0);
  return { table: `landing/${folder}`, rows, differing };
}

function landed(folder: string, from: Day, to: Day): Map<string, string> {
  const files = new Map<string, string>();
  if (!existsSync(folder)) return files;
  for (const entry of readdirSync(folder)) {
    const date = entry.replace('game_date=', '');
    if (date < formatDay(from) || date > formatDay(to)) continue;
    const data = readdirSync(join(folder, entry)).find((name) => name.endsWith('.jsonl'));
    const text = data ? readFileSync(join(folder, entry, data), 'utf8') : '';
    // A date without rows may have an empty file or none.
    if (text !== '') files.set(date, text);
  }
  return files;
}
