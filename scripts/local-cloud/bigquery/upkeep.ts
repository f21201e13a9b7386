import type { Session } from '../../../shared/embedded/duckdb-connections.ts';
import type { Catalog } from './catalog.ts';
import { flushBuffer } from './streaming.ts';
import { dropExpired } from './tables.ts';

/** Google moves rows out of the streaming buffer within 90 minutes. https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery */
const BUFFERED_MS = 90 * 60_000;

/** What time alone has changed since the last request. */
export async function upkeep(session: Session, catalog: Catalog): Promise<void> {
  await dropExpired(session, catalog);
  for (const table of catalog.buffered()) {
    if (table.bufferedSinceMs !== null && table.bufferedSinceMs + BUFFERED_MS <= catalog.now()) await flushBuffer(session, catalog, table);
  }
}
