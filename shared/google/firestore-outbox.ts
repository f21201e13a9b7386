import { FieldValue, Timestamp, type DocumentReference, type QueryDocumentSnapshot } from '@google-cloud/firestore';
import { z } from 'zod';
import type { OutgoingMessage, Writes } from '../ports/request-store.ts';
import type { HistoryRow, RequestChangeRow } from '../ports/run-history.ts';
import { isNotFound } from './firestore-errors.ts';
import type { Fields, Operations } from './firestore-operations.ts';
import type { StatePaths } from './firestore-paths.ts';
import type { FirestoreReader } from './firestore-reader.ts';
import { checked, outgoingMessagesSchema, recordOf, rowsSchema } from './firestore-record-schema.ts';
import { batchesOf } from './firestore-text.ts';

/** Rows of one commit, to be written to the run history, in the order in which they were committed. */
export interface PendingRows {
  /** Of the outbox document; unique for ever, so that a row's insert id can be made of it and the row's place. */
  readonly id: string;
  readonly history: readonly HistoryRow[];
  readonly changes: readonly RequestChangeRow[];
}

/** What the run history drains: rows are here until `rowsWritten` says that they are durable where they belong. */
export interface HistoryOutbox {
  /** Oldest first; `limit` counts commits. */
  pendingRows(limit: number): Promise<readonly PendingRows[]>;
  /** By the ids of `pendingRows`. Doing it again changes nothing. */
  rowsWritten(ids: readonly string[]): Promise<void>;
}

/** Messages and rows lie in one document for each commit. Its id says what it was made with: who takes that away can delete it unread. */
type Kind = 'm' | 'r' | 'b';

/** Messages whose documents are remembered, so that marking them needs no query. */
const REMEMBERED = 10_000;
/** https://cloud.google.com/firestore/docs/query-data/queries: values of array-contains-any. */
const VALUES_A_QUERY = 30;
const DELETES_A_COMMIT = 400;
/** A document that is emptied from both sides at once stays behind: a TTL policy on `expireAt` collects it. */
const LEFT_BEHIND_MS = 400 * 86_400_000;

interface Holder {
  readonly reference: DocumentReference;
  readonly left: ReadonlySet<string>;
}

const leftSchema = z.array(z.string());

export class FirestoreOutbox implements HistoryOutbox {
  readonly #paths: StatePaths;
  readonly #reader: FirestoreReader;
  readonly #realNow: () => number;
  /** By message id: the documents that hold it, as far as this process has seen them. */
  readonly #holders = new Map<string, readonly Holder[]>();

  constructor(paths: StatePaths, reader: FirestoreReader, realNow: () => number) {
    this.#paths = paths;
    this.#reader = reader;
    this.#realNow = realNow;
  }

  /** Adds the documents of one commit; call `committed` once it is. */
  add(writes: Writes, into: Operations): () => void {
    const messages = batchesOf([...new Map((writes.outbox ?? []).map((message) => [message.id, message])).values()], 'a message');
    const history = batchesOf(writes.history ?? [], 'a row of the run history');
    const changes = batchesOf(writes.changes ?? [], 'a row of the requests');
    const count = Math.max(messages.length, history.length, changes.length);
    const collection = this.#paths.all('outbox');
    const base = collection.doc().id;
    const holders: [string, Holder][] = [];
    for (let index = 0; index < count; index += 1) {
      const rows = { history: history[index] ?? [], changes: changes[index] ?? [] };
      const hasRows = rows.history.length + rows.changes.length > 0;
      const batch = messages[index] ?? [];
      const kind: Kind = batch.length === 0 ? 'r' : hasRows ? 'b' : 'm';
      const reference = collection.doc(`${kind}-${base}-${String(index).padStart(4, '0')}`);
      const left = batch.map(({ id }) => id);
      const messageFields: Fields = batch.length > 0 ? { messages: JSON.stringify(batch), left, unsentAt: FieldValue.serverTimestamp() } : {};
      const rowFields: Fields = hasRows ? { rows: JSON.stringify(rows), rowsAt: FieldValue.serverTimestamp() } : {};
      into.merge(reference, { ...messageFields, ...rowFields });
      for (const id of left) holders.push([id, { reference, left: new Set(left) }]);
    }
    return () => {
      for (const [id, holder] of holders) this.#remember(id, holder);
    };
  }

  /** A message whose id was committed twice is named once. */
  async unsent(limit: number): Promise<readonly OutgoingMessage[]> {
    if (limit <= 0) return [];
    const documents = await this.#reader.query(this.#paths.all('outbox').orderBy('unsentAt').limit(limit).select('messages', 'left'), 'reading unsent messages');
    const found = new Map<string, OutgoingMessage>();
    for (const document of documents) {
      const messages = recordOf(document.ref.path, outgoingMessagesSchema, document.get('messages'));
      const holder = holderOf(document);
      if (holder.left.size === 0) await this.#empty(document.ref);
      for (const message of messages) {
        if (!holder.left.has(message.id)) continue;
        this.#remember(message.id, holder);
        if (!found.has(message.id)) found.set(message.id, message);
      }
    }
    return [...found.values()].slice(0, limit);
  }

  /** Writes or deletes a document for each commit whose messages are named; reads nothing of those that this process has seen. */
  async markSent(ids: readonly string[]): Promise<void> {
    const unseen = ids.filter((id) => !this.#holders.has(id));
    for (let start = 0; start < unseen.length; start += VALUES_A_QUERY) {
      const query = this.#paths.all('outbox').where('left', 'array-contains-any', unseen.slice(start, start + VALUES_A_QUERY)).select('left');
      for (const document of await this.#reader.query(query, 'looking for sent messages')) {
        const holder = holderOf(document);
        for (const id of holder.left) this.#remember(id, holder);
      }
    }
    const holders = new Map(ids.flatMap((id) => this.#holders.get(id) ?? []).map((holder) => [holder.reference.path, holder]));
    const emptied: DocumentReference[] = [];
    const shortened: Promise<void>[] = [];
    for (const { reference, left } of holders.values()) {
      const sent = ids.filter((id) => left.has(id));
      const rest = new Set([...left].filter((id) => !sent.includes(id)));
      for (const id of left) this.#forget(id, reference);
      for (const id of rest) this.#remember(id, { reference, left: rest });
      if (rest.size === 0) emptied.push(reference);
      else shortened.push(this.#update(reference, { left: FieldValue.arrayRemove(...sent) }));
    }
    const kept = emptied.filter(({ id }) => !id.startsWith('m-'));
    await Promise.all([this.#reader.deleteAll(emptied.filter(({ id }) => id.startsWith('m-')), DELETES_A_COMMIT), ...kept.map((reference) => this.#empty(reference)), ...shortened]);
  }

  async pendingRows(limit: number): Promise<readonly PendingRows[]> {
    if (limit <= 0) return [];
    const documents = await this.#reader.query(this.#paths.all('outbox').orderBy('rowsAt').limit(limit).select('rows'), 'reading pending rows');
    return documents.map((document) => ({ id: document.id, ...recordOf(document.ref.path, rowsSchema, document.get('rows')) }));
  }

  async rowsWritten(ids: readonly string[]): Promise<void> {
    const references = ids.map((id) => this.#paths.all('outbox').doc(id));
    await this.#reader.deleteAll(references.filter(({ id }) => id.startsWith('r-')), DELETES_A_COMMIT);
    for (const reference of references.filter(({ id }) => !id.startsWith('r-'))) {
      await this.#reader.transaction('taking rows out of the outbox', async (transaction) => {
        const document = await transaction.get(reference);
        if (!document.exists) return { reads: 1, writes: 0, deletes: 0 };
        if (holderOf(document).left.size === 0) {
          transaction.delete(reference);
          return { reads: 1, writes: 0, deletes: 1 };
        }
        transaction.update(reference, { rows: FieldValue.delete(), rowsAt: FieldValue.delete(), expireAt: Timestamp.fromMillis(this.#realNow() + LEFT_BEHIND_MS) });
        return { reads: 1, writes: 1, deletes: 0 };
      });
    }
  }

  /** Its messages are sent; its rows may not be written yet. */
  async #empty(reference: DocumentReference): Promise<void> {
    if (reference.id.startsWith('m-')) await this.#reader.deleteAll([reference], DELETES_A_COMMIT);
    else await this.#update(reference, { left: [], messages: FieldValue.delete(), unsentAt: FieldValue.delete() });
  }

  async #update(reference: DocumentReference, fields: Fields): Promise<void> {
    // Another process may have marked the same messages, and deleted the document.
    await this.#reader.write(reference, fields, 'marking messages as sent', isNotFound);
  }

  #remember(id: string, holder: Holder): void {
    const others = (this.#holders.get(id) ?? []).filter(({ reference }) => reference.path !== holder.reference.path);
    if (this.#holders.size >= REMEMBERED) this.#holders.clear();
    this.#holders.set(id, [...others, holder]);
  }

  #forget(id: string, reference: DocumentReference): void {
    const others = (this.#holders.get(id) ?? []).filter(({ reference: other }) => other.path !== reference.path);
    if (others.length > 0) this.#holders.set(id, others);
    else this.#holders.delete(id);
  }
}

function holderOf(document: Pick<QueryDocumentSnapshot, 'ref' | 'get'>): Holder {
  return { reference: document.ref, left: new Set(checked(document.ref.path, leftSchema, document.get('left') ?? [])) };
}
