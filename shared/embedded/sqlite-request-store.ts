import type { StatementSync } from 'node:sqlite';
import type { UntoldFailure } from '../alerts/untold.ts';
import type { Day } from '../calendar/day.ts';
import type { RememberedGames } from '../calendar/remembered.ts';
import type { CascadeRecord } from '../cascade/cascade.ts';
import type {
  Controls, Durable, LeaseRecord, OutgoingMessage, QueuedCell, Reads, RequestStore, SlotRecord, Snapshot, Writes,
} from '../ports/request-store.ts';
import type { Ask, AskCell } from '../requests/ask.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
import { newestFirst, type BackfillRecord } from '../staged/record.ts';
import { RetrySoonError } from '../failures/errors.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { askCellRow, loadRecords, readAsk, readRemembered } from './sqlite-record-rows.ts';
import { RecordsInMemory, type KeptMessage } from './sqlite-records.ts';
import { insertRunHistory } from './sqlite-run-history.ts';
import { NamedRecords } from './sqlite-snapshot.ts';
import { StateFolderError } from './state-folder-error.ts';

export interface SqliteRequestStoreOptions {
  /** Place of a processor in the pipeline: among queued cells of one date, the lower goes first. */
  readonly rankOf: (processor: string) => number;
}

/**
 * `RequestStore` on the state folder's database. What decisions read is kept in memory; a decision is run on that, and
 * what it writes is one SQLite transaction, after which memory follows. If the commit fails nothing has changed.
 */
export class SqliteRequestStore implements RequestStore {
  readonly #database: SqliteDatabase;
  readonly #records: RecordsInMemory;
  readonly #sql: ReturnType<typeof statements>;
  readonly #insertHistory: ReturnType<typeof insertRunHistory>;
  readonly #readAsk: (id: string) => Ask | null;
  /** The one that a decision has read last: thousands of cells are opened for the same. */
  #lastAsk: Ask | null = null;
  #deciding = false;
  #lastOutgoing: number;

  constructor(database: SqliteDatabase, options: SqliteRequestStoreOptions) {
    this.#database = database;
    this.#records = new RecordsInMemory(options.rankOf);
    this.#sql = statements((sql) => database.prepare(sql));
    this.#insertHistory = insertRunHistory(database);
    this.#readAsk = (id) => {
      if (this.#lastAsk?.id !== id) this.#lastAsk = readAsk(database, this.#sql.ask.get(id));
      return this.#lastAsk;
    };
    database.guarded(() => loadRecords(database, this.#records));
    this.#lastOutgoing = this.#records.outbox.values().reduce((last, { seq }) => Math.max(last, seq), 0);
  }

  async transact<T>(reads: Reads, decide: (snapshot: Snapshot) => { readonly writes: Writes; readonly result: T }, durable: Durable = 'now'): Promise<T> {
    if (this.#deciding) throw new Error('a transaction was begun inside a decision; a decision has no side effect: begin it after the other one');
    this.#deciding = true;
    let decision;
    try {
      decision = decide(new NamedRecords(reads, this.#records, this.#readAsk));
    } finally {
      this.#deciding = false;
    }
    const { writes, result } = decision;
    if (writesSomething(writes)) {
      const outgoing = this.#withRows(writes.outbox ?? []);
      const rows = this.#rowsOf(writes, outgoing);
      if (durable === 'with_next' && !writesTablesRead(writes)) this.#database.defer(rows);
      else this.#commit(rows);
      this.#records.apply(writes, outgoing);
      if ((writes.asks ?? []).length > 0) this.#lastAsk = null;
    }
    return result;
  }

  async cells(from: Day, to: Day): Promise<readonly CellRecord[]> {
    return this.#records.cells(from, to);
  }

  async cell(key: CellKey): Promise<CellRecord> {
    return this.#records.cell(key);
  }

  async openCells(): Promise<readonly CellRecord[]> {
    return this.#records.openCells();
  }

  async queued(now: number, limit: number): Promise<readonly QueuedCell[]> {
    return this.#records.queue.best(now, limit).map(({ processor, day, openedAt }) => ({ processor, day, openedAt }));
  }

  async oldestQueued(now: number): Promise<QueuedCell | null> {
    const entry = this.#records.queue.oldest(now);
    return entry && { processor: entry.processor, day: entry.day, openedAt: entry.openedAt };
  }

  async nextDue(now: number): Promise<number | null> {
    return this.#records.queue.nextDue(now);
  }

  async waitersOn(key: CellKey): Promise<readonly CellKey[]> {
    return this.#records.waitersOn(key);
  }

  async slots(): Promise<readonly SlotRecord[]> {
    return [...this.#records.slots.values()];
  }

  async asks(limit: number): Promise<readonly Ask[]> {
    return this.#database.guarded(() => this.#sql.asks.all(limit).map((row) => readAsk(this.#database, row)).filter((ask) => ask !== null));
  }

  async ask(id: string): Promise<{ readonly ask: Ask; readonly cells: readonly AskCell[] } | null> {
    return this.#database.read(() => {
      const ask = this.#readAsk(id);
      return ask && { ask, cells: this.#sql.askCells.all(id).map((row) => askCellRow(this.#database, row)) };
    });
  }

  async cascades(from: Day, to: Day): Promise<readonly CascadeRecord[]> {
    return this.#records.cascades(from, to);
  }

  async leases(): Promise<readonly LeaseRecord[]> {
    return [...this.#records.leases.values()];
  }

  async backfills(): Promise<readonly BackfillRecord[]> {
    return [...this.#records.backfills.values()].sort(newestFirst);
  }

  async backfill(id: string): Promise<BackfillRecord | null> {
    return this.#records.backfills.get(id) ?? null;
  }

  async controls(): Promise<Controls> {
    return this.#records.controls;
  }

  async remembered(): Promise<readonly RememberedGames[]> {
    return this.#database.guarded(() => this.#sql.remembered.all().map((row) => readRemembered(this.#database, row)));
  }

  async untold(limit: number): Promise<readonly UntoldFailure[]> {
    return this.#records.untold.values().take(Math.max(0, limit)).toArray();
  }

  async trace(runId: string): Promise<string | null> {
    const find = () => this.#sql.trace.get(runId)?.['trace'];
    // A run's trace never changes: one that is on the disk does not wait for what is deferred.
    const trace = this.#database.guarded(find) ?? this.#database.read(find);
    return typeof trace === 'string' ? trace : null;
  }

  async unsent(limit: number): Promise<readonly OutgoingMessage[]> {
    return this.#records.outbox.values().take(Math.max(0, limit)).map(({ message }) => message).toArray();
  }

  /** The mark reaches the disk with the next commit, or shortly after: a crash before that sends the message twice. */
  async markSent(ids: readonly string[]): Promise<void> {
    const { outbox } = this.#records;
    const sent = ids.map((id) => outbox.get(id)?.seq).filter((seq) => seq !== undefined);
    if (sent.length === 0) return;
    for (const id of ids) outbox.delete(id);
    this.#database.defer(() => {
      for (const seq of sent) this.#sql.deleteOutgoing.run(seq);
    });
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #commit(work: () => void): void {
    try {
      this.#database.write(work);
    } catch (error) {
      if (error instanceof StateFolderError && error.problem === 'busy') throw new RetrySoonError(error.message, { cause: error });
      throw error;
    }
  }

  /** A message whose id is in the outbox already is there once. */
  #withRows(messages: readonly OutgoingMessage[]): readonly KeptMessage[] {
    const fresh = new Map(messages.filter(({ id }) => !this.#records.outbox.has(id)).map((message) => [message.id, message]));
    return [...fresh.values()].map((message) => ({ seq: (this.#lastOutgoing += 1), message }));
  }

  /** Writes them when it is called; which cells are others than before is seen now. */
  #rowsOf(writes: Writes, outgoing: readonly KeptMessage[]): () => void {
    const cells = (writes.cells ?? []).filter((cell) => this.#records.storedCell(cell) !== cell);
    return () => this.#write({ ...writes, cells }, outgoing);
  }

  #write(writes: Writes, outgoing: readonly KeptMessage[]): void {
    const sql = this.#sql;
    for (const cell of writes.cells ?? []) sql.putCell.run(cell.processor, cell.day, JSON.stringify(cell));
    for (const slots of writes.slots ?? []) sql.putSlots.run(slots.processor, JSON.stringify(slots));
    for (const ask of writes.asks ?? []) sql.putAsk.run(ask.id, JSON.stringify(ask));
    for (const cell of writes.askCells ?? []) sql.putAskCell.run(cell.askId, cell.processor, cell.day, cell.outcome, cell.note, cell.at);
    for (const cascade of writes.cascades ?? []) sql.putCascade.run(cascade.phase, cascade.day, JSON.stringify(cascade));
    for (const name of writes.releaseLeases ?? []) sql.deleteLease.run(name);
    for (const lease of writes.leases ?? []) sql.putLease.run(lease.name, JSON.stringify(lease));
    for (const backfill of writes.backfills ?? []) sql.putBackfill.run(backfill.id, JSON.stringify(backfill));
    for (const id of writes.told ?? []) sql.deleteUntold.run(id);
    for (const failure of writes.untold ?? []) sql.insertUntold.run(failure.id, JSON.stringify(failure));
    if (writes.controls) sql.putControls.run(JSON.stringify(writes.controls));
    for (const { seq, message } of outgoing) sql.insertOutgoing.run(seq, message.id, message.topic, message.body);
    for (const { runId, trace } of writes.traces ?? []) sql.putTrace.run(runId, trace);
    for (const { season, games } of writes.remembered ?? []) sql.putRemembered.run(season, JSON.stringify(games));
    this.#insertHistory(writes.history ?? [], writes.changes ?? []);
  }
}

/** Decisions and calendars read these from their tables. They are never deferred: no such read has to write first, which it could not on a full disk. */
function writesTablesRead({ asks = [], remembered = [] }: Writes): boolean {
  return asks.length + remembered.length > 0;
}

function writesSomething(writes: Writes): boolean {
  return Object.values(writes).some((part) => part !== undefined && (!Array.isArray(part) || part.length > 0));
}

function statements(prepare: (sql: string) => StatementSync) {
  return {
    putCell: prepare('INSERT INTO cells (processor, day, record) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record'),
    putSlots: prepare('INSERT INTO slots (processor, record) VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record'),
    putAsk: prepare('INSERT INTO asks (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record'),
    putAskCell: prepare(
      `INSERT INTO ask_cells (ask_id, processor, day, outcome, note, at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET outcome = excluded.outcome, note = excluded.note, at = excluded.at`,
    ),
    putCascade: prepare('INSERT INTO cascades (phase, day, record) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record'),
    putLease: prepare('INSERT INTO leases (name, record) VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record'),
    deleteLease: prepare('DELETE FROM leases WHERE name = ?'),
    putBackfill: prepare('INSERT INTO backfills (id, record) VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record'),
    putControls: prepare('INSERT INTO controls (id, record) VALUES (1, ?) ON CONFLICT DO UPDATE SET record = excluded.record'),
    insertUntold: prepare('INSERT INTO untold_failures (id, record) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    deleteUntold: prepare('DELETE FROM untold_failures WHERE id = ?'),
    insertOutgoing: prepare('INSERT INTO outbox (seq, id, topic, body) VALUES (?, ?, ?, ?)'),
    deleteOutgoing: prepare('DELETE FROM outbox WHERE seq = ?'),
    putTrace: prepare('INSERT INTO traces (run_id, trace) VALUES (?, ?) ON CONFLICT DO UPDATE SET trace = excluded.trace'),
    putRemembered: prepare('INSERT INTO remembered (season, games) VALUES (?, ?) ON CONFLICT DO UPDATE SET games = excluded.games'),
    ask: prepare('SELECT id, record FROM asks WHERE id = ?'),
    asks: prepare('SELECT id, record FROM asks ORDER BY seq DESC LIMIT ?'),
    askCells: prepare('SELECT ask_id, processor, day, outcome, note, at FROM ask_cells WHERE ask_id = ? ORDER BY day, processor'),
    remembered: prepare('SELECT season, games FROM remembered ORDER BY season'),
    trace: prepare('SELECT trace FROM traces WHERE run_id = ?'),
  };
}
