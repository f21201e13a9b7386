import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDbWarehouse } from '../../shared/embedded/duckdb-warehouse.ts';
import { translateWithInputs } from '../../shared/embedded/googlesql.ts';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import type { Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import type { WarehouseUnderTest } from '../contract/warehouse-under-test.ts';

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'smart-backfill-warehouse-'));
}

export async function openDuckDb(pipeline: Pipeline, stateDirectory: string = temporaryFolder()): Promise<WarehouseUnderTest & { readonly warehouse: DuckDbWarehouse }> {
  const warehouse = await DuckDbWarehouse.open({ pipeline, stateDirectory, translate: translateWithInputs });
  return {
    warehouse,
    outside: (processor, day, rows) => changeOutside(warehouse, stateDirectory, processor, day, rows),
    reopen: async (other) => {
      await warehouse.close();
      return openDuckDb(other, stateDirectory);
    },
    dispose: async () => {
      await warehouse.close();
      rmSync(stateDirectory, { recursive: true, force: true });
    },
  };
}

async function changeOutside(warehouse: DuckDbWarehouse, stateDirectory: string, { output, dateColumn, columns }: Processor, day: Day, rows: readonly Row[] | null): Promise<void> {
  const date = formatDay(day);
  if (output.kind === 'landing') {
    const folder = join(stateDirectory, 'landing', output.folder, `game_date=${date}`);
    await mkdir(folder, { recursive: true });
    const file = join(folder, `${output.folder}.jsonl`);
    if (rows === null) await rm(file, { force: true });
    else await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return;
  }
  const literal = (value: Row[string]): string => (typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value));
  const inserts = (rows ?? []).map((row) => `INSERT INTO ${output.ref} VALUES (${columns.map(({ name }) => literal(row[name] ?? null)).join(', ')});`);
  await warehouse.outside(`DELETE FROM ${output.ref} WHERE ${dateColumn} = DATE '${date}'; ${inserts.join(' ')}`);
}
