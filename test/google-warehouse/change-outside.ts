import { formatDay, type Day } from '../../shared/calendar/day.ts';
import { FolderObjects } from '../../shared/google/objects-folder.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { Row } from '../../shared/ports/warehouse.ts';

export interface Outside {
  /** Where files are landed. */
  readonly folder: string;
  /** A table as a statement names it. */
  table(ref: string): string;
  run(statement: string): Promise<unknown>;
}

/** Rows of a date as another program leaves them; null takes them away. */
export async function changeOutside({ folder, table, run }: Outside, { output, dateColumn, columns }: Processor, day: Day, rows: readonly Row[] | null): Promise<void> {
  const date = formatDay(day);
  if (output.kind === 'landing') {
    const objects = new FolderObjects(folder);
    const name = `${output.folder}/game_date=${date}/${output.folder}.jsonl`;
    if (rows === null) await objects.remove(name);
    else await objects.write(name, new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join('')), (await objects.read(name))?.version ?? null);
    return;
  }
  await run(`DELETE FROM ${table(output.ref)} WHERE ${dateColumn} = DATE '${date}'`);
  if (rows === null || rows.length === 0) return;
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const literal = (name: string, value: Row[string]): string => (typeof value === 'string' ? `CAST(${JSON.stringify(value)} AS ${types.get(name)})` : String(value));
  const values = rows.map((row) => `(${columns.map(({ name }) => literal(name, row[name] ?? null)).join(', ')})`);
  await run(`INSERT INTO ${table(output.ref)} (${columns.map(({ name }) => name).join(', ')}) VALUES ${values.join(', ')}`);
}
