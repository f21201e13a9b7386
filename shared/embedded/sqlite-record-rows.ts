import { z } from 'zod';
import { untoldFailureSchema } from '../alerts/untold.ts';
import { day as dayNumber, formatDay } from '../calendar/day.ts';
import type { RememberedGames } from '../calendar/remembered.ts';
import { controlsSchema, leaseRecordSchema, rememberedGamesSchema, slotRecordSchema } from '../ports/store-schema.ts';
import type { Ask, AskCell } from '../requests/ask.ts';
import { askCellSchema, askSchema, cascadeRecordSchema, cellRecordSchema, daySchema } from '../requests/record-schema.ts';
import { backfillRecordSchema } from '../staged/record.ts';
import { damaged, type SqliteDatabase } from './sqlite-database.ts';
import type { RecordsInMemory } from './sqlite-records.ts';

const cascadeRow = z.object({ phase: z.string(), day: daySchema, record: z.string() });
const namedRow = z.object({ name: z.string(), record: z.string() });
const outboxRow = z.object({ seq: z.int(), id: z.string(), topic: z.string(), body: z.string() });
const askRow = z.object({ id: z.string(), record: z.string() });
const askCellColumns = z.object({
  ask_id: z.string(), processor: z.string(), day: z.int(), outcome: z.string(), note: z.string(), at: z.number(),
});
const rememberedRow = z.object({ season: z.string(), games: z.string() });

/** Reads all that decisions need into memory. A row that does not fit stops the program with its name. */
export function loadRecords(database: SqliteDatabase, into: RecordsInMemory): void {
  const { path } = database;
  // In no order: there may be a hundred thousand. That the columns fit is seen by comparing them with a record that does.
  for (const { processor, day, record } of database.prepare('SELECT processor, day, record FROM cells').iterate()) {
    const name = () => `the record of cell ${String(processor)} ${dayText(day)}`;
    const cell = recordOf(path, name, cellRecordSchema, record);
    if (cell.processor !== processor || cell.day !== day) throw damaged(`${name()} in '${path}' is that of ${cell.processor} ${dayText(cell.day)}`);
    into.setCell(cell);
  }
  for (const row of database.prepare('SELECT phase, day, record FROM cascades ORDER BY day, phase').iterate()) {
    const { phase, day, record } = rowOf(path, 'cascades', cascadeRow, row);
    into.setCascade(recordOf(path, () => `the record of cascade ${phase} ${dayText(day)}`, cascadeRecordSchema, record));
  }
  for (const row of database.prepare('SELECT processor AS name, record FROM slots ORDER BY processor').iterate()) {
    const { name, record } = rowOf(path, 'slots', namedRow, row);
    into.slots.set(name, recordOf(path, () => `the slots of ${name}`, slotRecordSchema, record));
  }
  for (const row of database.prepare('SELECT name, record FROM leases ORDER BY name').iterate()) {
    const { name, record } = rowOf(path, 'leases', namedRow, row);
    into.leases.set(name, recordOf(path, () => `the lease ${name}`, leaseRecordSchema, record));
  }
  for (const row of database.prepare('SELECT id AS name, record FROM backfills ORDER BY id').iterate()) {
    const { name, record } = rowOf(path, 'backfills', namedRow, row);
    into.backfills.set(name, recordOf(path, () => `the record of backfill ${name}`, backfillRecordSchema, record));
  }
  for (const row of database.prepare('SELECT id AS name, record FROM untold_failures ORDER BY id').iterate()) {
    const { name, record } = rowOf(path, 'untold_failures', namedRow, row);
    into.untold.set(name, recordOf(path, () => `the failure ${name}`, untoldFailureSchema, record));
  }
  const controls = database.prepare('SELECT record FROM controls').get()?.['record'];
  if (controls !== undefined) into.controls = recordOf(path, () => 'the record of the controls', controlsSchema, controls);
  for (const row of database.prepare('SELECT seq, id, topic, body FROM outbox ORDER BY seq').iterate()) {
    const { seq, ...message } = rowOf(path, 'outbox', outboxRow, row);
    into.outbox.set(message.id, { seq, message });
  }
}

export function readAsk(database: SqliteDatabase, row: unknown): Ask | null {
  if (row === undefined) return null;
  const { id, record } = rowOf(database.path, 'asks', askRow, row);
  return recordOf(database.path, () => `the record of ask ${id}`, askSchema, record);
}

export function askCellRow(database: SqliteDatabase, row: unknown): AskCell {
  const { ask_id: askId, ...rest } = rowOf(database.path, 'ask_cells', askCellColumns, row);
  return checked(database.path, () => `a cell of ask ${askId}`, askCellSchema, { askId, ...rest });
}

export function readRemembered(database: SqliteDatabase, row: unknown): RememberedGames {
  const { season, games } = rowOf(database.path, 'remembered', rememberedRow, row);
  return { season, games: recordOf(database.path, () => `the remembered games of ${season}`, rememberedGamesSchema, games) };
}

/** A row whose columns must fit; the error names the table. */
export function rowOf<T>(path: string, table: string, schema: z.ZodType<T>, row: unknown): T {
  return checked(path, () => `a row of table ${table}`, schema, row);
}

/** A column that holds a record as JSON text; the error names the record. */
export function recordOf<T>(path: string, name: () => string, schema: z.ZodType<T>, text: unknown): T {
  let value: unknown;
  try {
    value = JSON.parse(String(text));
  } catch (error) {
    throw damaged(`${name()} in '${path}' is no JSON (received ${excerpt(String(text))})`, error);
  }
  return checked(path, name, schema, value);
}

function checked<T>(path: string, name: () => string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw damaged(`${name()} in '${path}' is not as it was written (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}; received ${excerpt(JSON.stringify(value))})`, result.error);
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A damaged row may hold a day that is no date. */
function dayText(value: unknown): string {
  return typeof value === 'number' && Math.abs(value) < 1e8 ? formatDay(dayNumber(value)) : String(value);
}
