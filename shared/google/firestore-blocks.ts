import { formatDay, parseDay, type Day } from '../calendar/day.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
import { cellRecordSchema } from '../requests/record-schema.ts';
import { z } from 'zod';
import type { Operations } from './firestore-operations.ts';
import { blockOf, cellId, DAYS_A_BLOCK, type StatePaths } from './firestore-paths.ts';
import type { FirestoreReader } from './firestore-reader.ts';
import { checked, damaged, recordIn, recordOf } from './firestore-record-schema.ts';
import { itsOwn } from './firestore-snapshot.ts';

/** So many days of records of this size fit into a document of 1 MiB; a longer one is read from its cell's document. */
const LONGEST_IN_BLOCK_BYTES = Math.floor(900_000 / DAYS_A_BLOCK);
const TOO_LONG = '';

const blockSchema = z.object({ processor: z.string(), block: z.int(), days: z.record(z.string(), z.string()) });

/**
 * Puts closed records where a season of them is read in a few documents. An open record's text in its block is out of
 * date: whoever reads blocks lays the open cells over them.
 */
export function addBlocks(records: Iterable<{ readonly record: CellRecord; readonly text: string }>, paths: StatePaths, into: Operations): void {
  const blocks = new Map<string, { processor: string; block: number; days: Record<string, string> }>();
  for (const { record, text } of records) {
    if (record.request !== null) continue;
    const block = blockOf(record.day);
    const id = paths.block(record.processor, block).path;
    const entry = blocks.get(id) ?? { processor: record.processor, block, days: {} };
    entry.days[formatDay(record.day)] = Buffer.byteLength(text) <= LONGEST_IN_BLOCK_BYTES ? text : TOO_LONG;
    blocks.set(id, entry);
  }
  for (const { processor, block, days } of blocks.values()) into.merge(paths.block(processor, block), { processor, block, days });
}

/** Records of [from, to] in no order: two or three documents a processor and season, and one for each open cell. */
export async function readCells(from: Day, to: Day, paths: StatePaths, reader: FirestoreReader): Promise<CellRecord[]> {
  const doing = `reading the cells of ${formatDay(from)} to ${formatDay(to)}`;
  const [blocks = [], open = []] = await reader.queriesAtOnce([
    paths.all('blocks').where('block', '>=', blockOf(from)).where('block', '<=', blockOf(to)),
    paths.all('cells').where('openDay', '>=', from).where('openDay', '<=', to).select('record'),
  ], doing);
  const found = new Map<string, CellRecord>();
  for (const document of open) {
    const record = itsOwn(document.ref.path, recordOf(document.ref.path, cellRecordSchema, document.get('record')), document.id);
    found.set(document.id, record);
  }
  const long: CellKey[] = [];
  for (const document of blocks) {
    const { processor, days } = checked(document.ref.path, blockSchema, document.data());
    for (const [date, text] of Object.entries(days)) {
      const day = parseDay(date);
      if (day === undefined) throw damaged(document.ref.path, `received '${date}' where a date was to be`);
      const key = { processor, day };
      const id = cellId(key);
      if (day < from || day > to || found.has(id)) continue;
      if (text === TOO_LONG) long.push(key);
      else found.set(id, itsOwn(document.ref.path, recordOf(`${document.ref.path} (${date})`, cellRecordSchema, text), id));
    }
  }
  for (const document of await reader.documents(long.map((key) => paths.cell(key)), ['record'], doing)) {
    const record = recordIn(document, cellRecordSchema);
    if (record) found.set(document.id, itsOwn(document.ref.path, record, document.id));
  }
  return [...found.values()];
}
