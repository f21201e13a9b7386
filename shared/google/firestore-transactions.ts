import type { DocumentReference, DocumentSnapshot, Firestore, Transaction } from '@google-cloud/firestore';
import { firestoreError, isContention, isPassing } from './firestore-errors.ts';
import { Operations } from './firestore-operations.ts';
import { noAnswer, within } from './firestore-patience.ts';
import { RetrySoonError } from '../failures/errors.ts';

/** Documents that were read and written; a document that is not there counts as read, as it does on the bill. */
export interface FirestoreUsage {
  readonly reads: number;
  readonly writes: number;
  readonly deletes: number;
}

export interface TransactionOptions {
  readonly onUsage?: (usage: FirestoreUsage) => void;
  readonly attempts?: number;
  readonly patienceMs: number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
}

type Documents = ReadonlyMap<string, DocumentSnapshot>;

export interface Decided<T> {
  readonly result: T;
  /** Documents that its writes depend on and that were not named; read before the operations are made. */
  readonly alsoReads: readonly DocumentReference[];
  operations(into: Operations): void;
}

interface Request<T> {
  readonly named: readonly DocumentReference[];
  /** Read by many and written by few: read under a shared lock, which they do not take from each other. */
  readonly locked: DocumentReference | null;
  /** Said in errors. */
  readonly doing: string;
  decide(documents: Documents, locked: DocumentSnapshot | null): Decided<T>;
}

const ATTEMPTS = 12;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 400;

/** Leaves the client's transaction without a commit. */
class Left extends Error {}

/** An error that no further attempt mends: the decision's own, or one of reading. It is thrown as it is. */
class Final {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

/** Something is not as it was read. */
class Changed extends Error {}

/**
 * Optimistic transactions. Documents are read without locks, in one consistent read; the commit names the version of each
 * that it writes; what was read and is not written is read again under a lock, beside the commit. Pessimistic ones, which
 * the client offers, let fifty readers of one document wait for each other's read locks until the first gives up (P15:
 * 3.8 s on the emulator); these tell forty-nine of them at once that they have lost.
 *
 * Transactions of this process that name a common document run one after the other: they would only make each other try
 * again. Attempts are bounded, with growing random pauses; contention that does not end is a RetrySoonError.
 */
export class OptimisticTransactions {
  readonly #client: Firestore;
  readonly #options: TransactionOptions;
  readonly #lines = new Map<string, Promise<unknown>>();

  constructor(client: Firestore, options: TransactionOptions) {
    this.#client = client;
    this.#options = options;
  }

  async run<T>(request: Request<T>): Promise<T> {
    const paths = request.named.map(({ path }) => path);
    const { patienceMs } = this.#options;
    const deadline = performance.now() + patienceMs;
    const before = Promise.allSettled(paths.map(async (path) => this.#lines.get(path)));
    const mine = within(patienceMs, request.doing, before.then(() => this.#retried(request, deadline)));
    for (const path of paths) this.#lines.set(path, mine);
    try {
      return await mine;
    } finally {
      for (const path of paths) if (this.#lines.get(path) === mine) this.#lines.delete(path);
    }
  }

  async #retried<T>(request: Request<T>, deadline: number): Promise<T> {
    const attempts = this.#options.attempts ?? ATTEMPTS;
    for (let attempt = 1; ; attempt += 1) {
      // The caller has been told to come again: what it asked for must not be done behind its back.
      if (performance.now() > deadline) throw noAnswer(this.#options.patienceMs, request.doing);
      try {
        return await this.#attempt(request);
      } catch (error) {
        if (error instanceof Final) throw error.error;
        const contended = error instanceof Changed || isContention(error);
        if (!contended && !isPassing(error)) throw firestoreError(error, request.doing);
        if (attempt >= attempts) {
          const what = request.named.map(({ path }) => path).slice(0, 3).join(', ');
          const why = contended ? 'others changed what it reads each time' : String(error);
          throw new RetrySoonError(`Firestore, ${request.doing}: not committed in ${attempts} attempts, because ${why} (${what || 'it reads nothing'})`, { cause: error });
        }
        await this.#options.sleep(this.#options.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt));
      }
    }
  }

  async #attempt<T>(request: Request<T>): Promise<T> {
    const { locked } = request;
    if (locked) return this.#inTransaction(request, locked);
    const documents = await this.#read(request.named, request.doing);
    return this.#commit(await this.#decide(request, documents, null));
  }

  async #commit<T>(decision: Decision<T>): Promise<T> {
    const { operations, unwritten, result } = decision;
    if (operations.size === 0) return result;
    if (unwritten.length === 0) {
      const batch = this.#client.batch();
      operations.apply(batch);
      await batch.commit();
    } else {
      await this.#client.runTransaction((transaction) => this.#prepare(transaction, decision), { maxAttempts: 1 });
    }
    this.#used(0, operations);
    return result;
  }

  async #inTransaction<T>(request: Request<T>, locked: DocumentReference): Promise<T> {
    const decided: Decision<T>[] = [];
    try {
      await this.#client.runTransaction(async (transaction) => {
        const [[lockedDocument], documents] = await Promise.all([reading(request.doing, () => transaction.getAll(locked)), this.#read(request.named, request.doing)]);
        this.#used(1);
        const decision = await this.#decide(request, documents, lockedDocument ?? null);
        decided.push(decision);
        // Of nothing to commit there is nothing to wait for; and who writes what others hold read locks on does it without one.
        if (decision.operations.size === 0 || decision.operations.has(locked)) throw new Left();
        await this.#prepare(transaction, decision);
      }, { maxAttempts: 1 });
    } catch (error) {
      const [decision] = decided;
      if (!(error instanceof Left) || !decision) throw error;
      return this.#commit(decision);
    }
    const [decision] = decided;
    if (!decision) throw new Error('a transaction ended without its decision');
    this.#used(0, decision.operations);
    return decision.result;
  }

  async #decide<T>(request: Request<T>, documents: Map<string, DocumentSnapshot>, locked: DocumentSnapshot | null): Promise<Decision<T>> {
    const decided = final(() => request.decide(documents, locked));
    const more = await this.#read(decided.alsoReads.filter(({ path }) => !documents.has(path)), request.doing);
    const operations = new Operations(new Map([...documents, ...more, ...(locked ? [[locked.ref.path, locked] as const] : [])]));
    final(() => decided.operations(operations));
    return { operations, unwritten: [...documents.values()].filter(({ ref }) => !operations.has(ref)), result: decided.result };
  }

  async #prepare<T>(transaction: Transaction, { operations, unwritten }: Decision<T>): Promise<void> {
    if (unwritten.length > 0) {
      const after = await transaction.getAll(...unwritten.map(({ ref }) => ref), { fieldMask: ['record'] });
      this.#used(unwritten.length);
      for (const [index, document] of unwritten.entries()) if (!isSame(document, after[index])) throw new Changed(`${document.ref.path} has changed since it was read`);
    }
    operations.apply(transaction);
  }

  /** One consistent read of all. */
  async #read(references: readonly DocumentReference[], doing: string): Promise<Map<string, DocumentSnapshot>> {
    if (references.length === 0) return new Map();
    const documents = await reading(doing, () => this.#client.getAll(...references, { fieldMask: ['record'] }));
    this.#used(references.length);
    return new Map(documents.map((document) => [document.ref.path, document]));
  }

  #used(reads: number, operations?: Operations): void {
    this.#options.onUsage?.({ reads, writes: operations?.writes ?? 0, deletes: operations?.deletes ?? 0 });
  }
}

interface Decision<T> {
  readonly operations: Operations;
  /** Read, and not written. */
  readonly unwritten: readonly DocumentSnapshot[];
  readonly result: T;
}

/** Codes that mean contention to a commit mean something else to a read, for example that there is no database. */
async function reading<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isPassing(error) ? error : new Final(firestoreError(error, doing));
  }
}

function final<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Final(error);
  }
}

function isSame(before: DocumentSnapshot, after: DocumentSnapshot | undefined): boolean {
  return before.updateTime && after?.updateTime ? before.updateTime.isEqual(after.updateTime) : before.updateTime === after?.updateTime;
}
