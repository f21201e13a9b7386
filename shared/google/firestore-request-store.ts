import { setTimeout as after } from 'node:timers/promises';
import type { DocumentReference, Firestore, Query } from '@google-cloud/firestore';
import { z } from 'zod';
import { untoldFailureSchema, type UntoldFailure } from '../alerts/untold.ts';
import { formatDay, type Day } from '../calendar/day.ts';
import type { RememberedGames } from '../calendar/remembered.ts';
import type { CascadeRecord } from '../cascade/cascade.ts';
import type { Controls, LeaseRecord, OutgoingMessage, QueuedCell, Reads, RequestStore, SlotRecord, Snapshot, Writes } from '../ports/request-store.ts';
import { controlsSchema, leaseRecordSchema, rememberedGamesSchema, slotRecordSchema } from '../ports/store-schema.ts';
import type { Ask, AskCell } from '../requests/ask.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
import { askCellSchema, askSchema, cascadeRecordSchema, cellRecordSchema, daySchema } from '../requests/record-schema.ts';
import { backfillRecordSchema, newestFirst, type BackfillRecord } from '../staged/record.ts';
import { readCells } from './firestore-blocks.ts';
import { FirestoreOutbox, type HistoryOutbox } from './firestore-outbox.ts';
import { cellId, StatePaths } from './firestore-paths.ts';
import { PATIENCE_MS } from './firestore-patience.ts';
import { FirestoreReader } from './firestore-reader.ts';
import { checked, recordIn, recordOf } from './firestore-record-schema.ts';
import { cellIn, itsOwn, namedIn, noControls, ReadRecords } from './firestore-snapshot.ts';
import { OptimisticTransactions, type FirestoreUsage } from './firestore-transactions.ts';
import { addWrites } from './firestore-writes.ts';

export interface FirestoreRequestStoreOptions {
  /** Place of a processor in the pipeline: among queued cells of one date, the lower goes first. */
  readonly rankOf: (processor: string) => number;
  /** Path of the document that the state lies under, for several pipelines in one database; '' is the top. */
  readonly root?: string;
  /** Told of each call's documents, those of attempts that lost among them. */
  readonly onUsage?: (usage: FirestoreUsage) => void;
  /** Attempts of a transaction that others keep from committing. */
  readonly attempts?: number;
  /** A call that takes longer than this is a RetrySoonError. */
  readonly patienceMs?: number;
  /** The machine's time of day, by which documents expire. */
  readonly realNow?: () => number;
  readonly random?: () => number;
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

const queuedSchema: z.ZodType<QueuedCell> = z.object({ processor: z.string(), day: daySchema, queuedAt: z.number() })
  .transform(({ processor, day, queuedAt }) => ({ processor, day, openedAt: queuedAt }));
const rememberedPartSchema = z.object({ season: z.string(), part: z.int(), parts: z.int(), text: z.string() });
const tracePartSchema = z.object({ parts: z.int(), text: z.string() });

/**
 * `RequestStore` on Firestore. Each cell is a document of its own (P15), and the truth; everything a decision writes is one
 * commit. The client is the caller's: `close` leaves it open.
 */
export class FirestoreRequestStore implements RequestStore {
  /** The rows that decisions have committed, to be written to the run history. */
  readonly history: HistoryOutbox;
  readonly #options: FirestoreRequestStoreOptions;
  readonly #realNow: () => number;
  readonly #paths: StatePaths;
  readonly #reader: FirestoreReader;
  readonly #outbox: FirestoreOutbox;
  readonly #transactions: OptimisticTransactions;

  constructor(client: Firestore, options: FirestoreRequestStoreOptions) {
    const { onUsage = () => undefined, attempts, random = Math.random, sleep = after, realNow = Date.now, patienceMs = PATIENCE_MS } = options;
    this.#options = options;
    this.#realNow = realNow;
    this.#paths = new StatePaths(client, options.root ?? '');
    this.#reader = new FirestoreReader(client, onUsage, patienceMs);
    this.#outbox = new FirestoreOutbox(this.#paths, this.#reader, realNow);
    this.#transactions = new OptimisticTransactions(client, { onUsage, attempts, random, sleep, patienceMs });
    this.history = this.#outbox;
  }

  /** `decide` runs again when what it read has changed before the commit (P16); nothing is held while it runs (P17). */
  async transact<T>(reads: Reads, decide: (snapshot: Snapshot) => { readonly writes: Writes; readonly result: T }): Promise<T> {
    const paths = this.#paths;
    let committed = (): void => undefined;
    const result = await this.#transactions.run({
      named: namedIn(reads, paths),
      locked: reads.controls ? paths.controls() : null,
      doing: doingOf(reads),
      decide: (documents, controls) => {
        const { writes, result } = decide(new ReadRecords(paths, documents, controls));
        return {
          result,
          // An ask keeps its place among the others when it is written again.
          alsoReads: (writes.asks ?? []).map(({ id }) => paths.ask(id)),
          operations: (into) => {
            addWrites(writes, { paths, rankOf: this.#options.rankOf, realNow: this.#realNow }, into);
            committed = this.#outbox.add(writes, into);
          },
        };
      },
    });
    committed();
    return result;
  }

  async cells(from: Day, to: Day): Promise<readonly CellRecord[]> {
    return (await readCells(from, to, this.#paths, this.#reader)).sort((a, b) => this.#inOrder(a, b));
  }

  async cell(key: CellKey): Promise<CellRecord> {
    const document = await this.#document(this.#paths.cell(key), `reading cell ${key.processor} ${formatDay(key.day)}`);
    return cellIn(document, key);
  }

  async openCells(): Promise<readonly CellRecord[]> {
    const documents = await this.#reader.query(this.#paths.all('cells').orderBy('openDay').select('record'), 'reading the open cells');
    return documents
      .map((document) => itsOwn(document.ref.path, recordOf(document.ref.path, cellRecordSchema, document.get('record')), document.id))
      .sort((a, b) => this.#inOrder(a, b));
  }

  async queued(now: number, limit: number): Promise<readonly QueuedCell[]> {
    if (limit <= 0) return [];
    return this.#queuedBy(this.#queue(now).orderBy('queueOrder').limit(limit));
  }

  async oldestQueued(now: number): Promise<QueuedCell | null> {
    const [oldest] = await this.#queuedBy(this.#queue(now).orderBy('queuedAt').orderBy('queueOrder').limit(1));
    return oldest ?? null;
  }

  async nextDue(now: number): Promise<number | null> {
    const [next] = await this.#reader.query(this.#paths.all('cells').where('dueAt', '>', now).orderBy('dueAt').limit(1).select('dueAt'), 'looking for the next due cell');
    return next ? checked(next.ref.path, z.number(), next.get('dueAt')) : null;
  }

  async waitersOn(key: CellKey): Promise<readonly CellKey[]> {
    const documents = await this.#reader.query(this.#paths.all('cells').where('waitingFor', '==', cellId(key)).select('processor', 'day'), 'looking for waiting cells');
    return documents.map((document) => checked(document.ref.path, z.object({ processor: z.string(), day: daySchema }), document.data())).sort((a, b) => this.#inOrder(a, b));
  }

  async slots(): Promise<readonly SlotRecord[]> {
    return this.#records(this.#paths.all('slots'), slotRecordSchema, 'reading the slots');
  }

  async asks(limit: number): Promise<readonly Ask[]> {
    if (limit <= 0) return [];
    return this.#records(this.#paths.all('asks').orderBy('askedAt', 'desc').limit(limit).select('record'), askSchema, 'reading the asks');
  }

  async ask(id: string): Promise<{ readonly ask: Ask; readonly cells: readonly AskCell[] } | null> {
    const ask = recordIn(await this.#document(this.#paths.ask(id), `reading ask ${id}`), askSchema);
    // Most asks that are looked for by their id are new ones: they cost one read.
    if (!ask) return null;
    const cells = await this.#records(this.#paths.askCells(id), askCellSchema, `reading the cells of ask ${id}`);
    return { ask, cells: cells.sort((a, b) => a.day - b.day || compareTexts(a.processor, b.processor)) };
  }

  async cascades(from: Day, to: Day): Promise<readonly CascadeRecord[]> {
    const found = await this.#records(this.#paths.all('cascades').where('day', '>=', from).where('day', '<=', to), cascadeRecordSchema, 'reading the cascades');
    return found.sort((a, b) => a.day - b.day || compareTexts(a.phase, b.phase));
  }

  async leases(): Promise<readonly LeaseRecord[]> {
    return this.#records(this.#paths.all('leases'), leaseRecordSchema, 'reading the leases');
  }

  async backfills(): Promise<readonly BackfillRecord[]> {
    return (await this.#records(this.#paths.all('backfills'), backfillRecordSchema, 'reading the backfills')).sort(newestFirst);
  }

  async backfill(id: string): Promise<BackfillRecord | null> {
    return recordIn(await this.#document(this.#paths.backfill(id), `reading backfill ${id}`), backfillRecordSchema);
  }

  async controls(): Promise<Controls> {
    return recordIn(await this.#document(this.#paths.controls(), 'reading the controls'), controlsSchema) ?? noControls;
  }

  async remembered(): Promise<readonly RememberedGames[]> {
    const documents = await this.#reader.query(this.#paths.all('remembered'), 'reading the remembered games');
    const seasons = Map.groupBy(documents.map((document) => ({ path: document.ref.path, ...checked(document.ref.path, rememberedPartSchema, document.data()) })), ({ season }) => season);
    return [...seasons].sort(([a], [b]) => compareTexts(a, b)).map(([season, found]) => {
      const parts = found.sort((a, b) => a.part - b.part);
      // A season that has become shorter leaves parts behind: the first says how many there are.
      const text = parts.slice(0, parts[0]?.parts).map((part) => part.text).join('');
      return { season, games: recordOf(parts[0]?.path ?? season, rememberedGamesSchema, text) };
    });
  }

  async untold(limit: number): Promise<readonly UntoldFailure[]> {
    return limit <= 0 ? [] : this.#records(this.#paths.all('untold').limit(limit), untoldFailureSchema, 'reading the failures that nobody was told of');
  }

  async trace(runId: string): Promise<string | null> {
    const doing = `reading the trace of run ${runId}`;
    const [cell] = await this.#reader.query(this.#paths.all('cells').where('traceRun', '==', runId).limit(1).select('trace'), doing);
    if (cell) return checked(cell.ref.path, z.string(), cell.get('trace'));
    const fields = ['parts', 'text'];
    const [first] = await this.#reader.documents([this.#paths.trace(runId, 0)], fields, doing);
    if (!first?.exists) return null;
    const { parts, text } = checked(first.ref.path, tracePartSchema, first.data());
    const others = await this.#reader.documents(Array.from({ length: parts - 1 }, (_, index) => this.#paths.trace(runId, index + 1)), fields, doing);
    return [text, ...others.map((part) => checked(part.ref.path, tracePartSchema, part.data()).text)].join('');
  }

  async unsent(limit: number): Promise<readonly OutgoingMessage[]> {
    return this.#outbox.unsent(limit);
  }

  async markSent(ids: readonly string[]): Promise<void> {
    await this.#outbox.markSent(ids);
  }

  async close(): Promise<void> {
    // Everything is durable when its promise resolves, and the client is the caller's.
  }

  #queue(now: number): Query {
    return this.#paths.all('cells').where('dueAt', '<=', now).select('processor', 'day', 'queuedAt');
  }

  async #queuedBy(query: Query): Promise<QueuedCell[]> {
    const documents = await this.#reader.query(query, 'reading the queue');
    return documents.map((document) => checked(document.ref.path, queuedSchema, document.data()));
  }

  async #records<T>(query: Query, schema: z.ZodType<T>, doing: string): Promise<T[]> {
    const documents = await this.#reader.query(query, doing);
    return documents.map((document) => recordOf(document.ref.path, schema, document.get('record')));
  }

  async #document(reference: DocumentReference, doing: string): Promise<Parameters<typeof recordIn>[0]> {
    const [document] = await this.#reader.documents([reference], ['record'], doing);
    if (!document) throw new Error(`Firestore answered nothing for ${reference.path}`);
    return document;
  }

  #inOrder(a: CellKey, b: CellKey): number {
    const { rankOf } = this.#options;
    return a.day - b.day || rankOf(a.processor) - rankOf(b.processor) || compareTexts(a.processor, b.processor);
  }
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function doingOf({ cells = [], asks = [], cascades = [], leases = [], backfills = [], controls }: Reads): string {
  const [cell] = cells;
  const [cascade] = cascades;
  if (cell) return `deciding on cell ${cell.processor} ${formatDay(cell.day)}${cells.length > 1 ? ` and ${cells.length - 1} more` : ''}`;
  if (cascade) return `deciding on the cascade of ${cascade.phase} ${formatDay(cascade.day)}`;
  const name = asks[0] ?? leases[0];
  if (name !== undefined) return `deciding on ${asks.length > 0 ? 'ask' : 'lease'} ${name}`;
  if (backfills[0] !== undefined) return `deciding on backfill ${backfills[0]}`;
  return controls ? 'deciding on the controls' : 'writing';
}
