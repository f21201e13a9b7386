import type { DocumentReference, DocumentSnapshot, Firestore, Query, QueryDocumentSnapshot, Transaction } from '@google-cloud/firestore';
import { firestoreError } from './firestore-errors.ts';
import type { Fields } from './firestore-operations.ts';
import { within } from './firestore-patience.ts';
import type { FirestoreUsage } from './firestore-transactions.ts';

/** Reads and writes outside decisions, counted, with errors that say what was being done. */
export class FirestoreReader {
  readonly #client: Firestore;
  readonly #onUsage: (usage: FirestoreUsage) => void;
  readonly #patienceMs: number;

  constructor(client: Firestore, onUsage: (usage: FirestoreUsage) => void, patienceMs: number) {
    this.#client = client;
    this.#onUsage = onUsage;
    this.#patienceMs = patienceMs;
  }

  /** A query that finds nothing is charged as one read: https://cloud.google.com/firestore/pricing#minimum-charge. */
  async query(query: Query, doing: string): Promise<readonly QueryDocumentSnapshot[]> {
    return this.#guarded(doing, async () => {
      const { docs } = await query.get();
      this.#onUsage({ reads: Math.max(1, docs.length), writes: 0, deletes: 0 });
      return docs;
    });
  }

  /** Several queries at one instant: none sees a commit that another does not see. */
  async queriesAtOnce(queries: readonly Query[], doing: string): Promise<readonly (readonly QueryDocumentSnapshot[])[]> {
    return this.#guarded(doing, async () => {
      const found = await this.#client.runTransaction((transaction) => Promise.all(queries.map((query) => transaction.get(query))), { readOnly: true });
      for (const { size } of found) this.#onUsage({ reads: Math.max(1, size), writes: 0, deletes: 0 });
      return found.map(({ docs }) => docs);
    });
  }

  /** The documents, in their order, with the named fields. */
  async documents(references: readonly DocumentReference[], fields: readonly string[], doing: string): Promise<readonly DocumentSnapshot[]> {
    if (references.length === 0) return [];
    return this.#guarded(doing, async () => {
      const documents = await this.#client.getAll(...references, { fieldMask: [...fields] });
      this.#onUsage({ reads: references.length, writes: 0, deletes: 0 });
      return documents;
    });
  }

  /** Updates fields of a document; `unless`: errors that are as good as done. */
  async write(reference: DocumentReference, fields: Fields, doing: string, unless: (error: unknown) => boolean): Promise<void> {
    await this.#guarded(doing, async () => {
      try {
        await reference.update(fields);
        this.#onUsage({ reads: 0, writes: 1, deletes: 0 });
      } catch (error) {
        if (!unless(error)) throw error;
      }
    });
  }

  async deleteAll(references: readonly DocumentReference[], aCommit: number): Promise<void> {
    for (let start = 0; start < references.length; start += aCommit) {
      await this.#guarded('deleting what is done', async () => {
        const batch = this.#client.batch();
        const chunk = references.slice(start, start + aCommit);
        for (const reference of chunk) batch.delete(reference);
        await batch.commit();
        this.#onUsage({ reads: 0, writes: 0, deletes: chunk.length });
      });
    }
  }

  /** A transaction of the client's, with its locks, for what few want at a time. `work` says what it used. */
  async transaction(doing: string, work: (transaction: Transaction) => Promise<FirestoreUsage>): Promise<void> {
    await this.#guarded(doing, async () => this.#onUsage(await this.#client.runTransaction(work)));
  }

  async #guarded<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await within(this.#patienceMs, doing, work());
    } catch (error) {
      throw firestoreError(error, doing);
    }
  }
}
