import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { definitionReader } from '../../scripts/session.ts';
import { openEmbedded } from '../../scripts/runtime/embedded.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { recover } from '../../shared/flows/recover.ts';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { Row, Warehouse } from '../../shared/ports/warehouse.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const NBA = join(ROOT, 'pipelines/nba');

/** The rows of a stretch, by processor and date, volatile columns aside; sorted, so that order does not count. */
export async function rowsOfSlice(pipeline: Pipeline, warehouse: Warehouse, from: string, to: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const processor of pipeline.processors) {
    if (!processor.backfillable) continue;
    const columns = processor.fingerprintColumns;
    for (const row of await warehouse.rows(processor, { from: dayOf(from), to: dayOf(to) }, columns)) {
      const name = `${processor.name} ${String(row[processor.dateColumn])}`;
      found.set(name, [...(found.get(name) ?? []), JSON.stringify(columns.map((column) => plain(row[column])))]);
    }
  }
  for (const rows of found.values()) rows.sort();
  return found;
}

/** Where one runtime has a number and the other its text. */
function plain(value: Row[string] | undefined): Row[string] {
  return typeof value === 'string' && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) && String(Number(value)) === value ? Number(value) : value ?? null;
}

/** The same stretch, filled from nothing by the embedded runtime. */
export async function embeddedSlice(from: string, to: string, now: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const loaded = loadPipeline(NBA, definitionReader(ROOT));
  if (loaded.kind !== 'ok') throw new Error('the NBA definition has problems');
  const folder = mkdtempSync(join(tmpdir(), 'sbf-embedded-slice-'));
  const database = SqliteDatabase.open(join(folder, 'state.sqlite'));
  const runtime = await openEmbedded({ pipeline: loaded.pipeline, stateDirectory: folder, database, notifier: { notify: async () => undefined }, startAt: Date.parse(now) });
  try {
    await recover(runtime.engine, {
      scope: { from: dayOf(from), to: dayOf(to), processors: null }, by: 'person', all: true, altered: 'policy', requestedBy: 'test', reason: 'filled from nothing', signal: new AbortController().signal, budget: null,
    });
    return await rowsOfSlice(runtime.pipeline, runtime.warehouse, from, to);
  } finally {
    await runtime.close();
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
