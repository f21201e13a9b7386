import { FieldValue, type DocumentReference, type DocumentSnapshot, type Precondition, type SetOptions, type Timestamp } from '@google-cloud/firestore';

/** Values that this store writes. */
export type Value = string | number | boolean | readonly string[] | FieldValue | Timestamp | { readonly [field: string]: Value };
export type Fields = Readonly<Record<string, Value>>;

/** What a batch and a transaction have in common. */
interface Target {
  create(reference: DocumentReference, fields: Fields): unknown;
  set(reference: DocumentReference, fields: Fields, options: SetOptions): unknown;
  update(reference: DocumentReference, fields: Fields, precondition: Precondition): unknown;
  delete(reference: DocumentReference, precondition?: Precondition): unknown;
}

type Documents = ReadonlyMap<string, DocumentSnapshot>;
type Operation = (target: Target) => void;

/**
 * The writes of one commit, at most one a document. What was read before is written only if it is still as it was read
 * (`lastUpdateTime`, or not there): that, and no lock, is what protects a decision, so that who loses a race learns of it
 * at once instead of waiting for the winner's lock (P15).
 */
export class Operations {
  readonly #documents: Documents;
  readonly #operations = new Map<string, Operation>();
  #deletes = 0;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  get writes(): number {
    return this.#operations.size - this.#deletes;
  }

  get deletes(): number {
    return this.#deletes;
  }

  get size(): number {
    return this.#operations.size;
  }

  has(reference: DocumentReference): boolean {
    return this.#operations.has(reference.path);
  }

  /** Writes fields and takes others away. `once`: fields that a document gets when it is made. */
  put(reference: DocumentReference, fields: Fields, { without = [], once = {} }: { readonly without?: readonly string[]; readonly once?: Fields } = {}): void {
    const known = this.#documents.get(reference.path);
    const gone = Object.fromEntries(without.map((name) => [name, FieldValue.delete()]));
    this.#operations.set(reference.path, (target) => {
      if (!known) target.set(reference, { ...once, ...fields, ...gone }, { merge: true });
      else if (known.exists) target.update(reference, { ...fields, ...gone }, { lastUpdateTime: known.updateTime });
      else target.create(reference, { ...once, ...fields });
    });
  }

  /** Merges into a document that no decision reads, whatever it holds. */
  merge(reference: DocumentReference, fields: Fields): void {
    this.#operations.set(reference.path, (target) => target.set(reference, fields, { merge: true }));
  }

  remove(reference: DocumentReference): void {
    const known = this.#documents.get(reference.path);
    if (known && !known.exists) return;
    this.#deletes += 1;
    this.#operations.set(reference.path, (target) => target.delete(reference, known ? { lastUpdateTime: known.updateTime } : undefined));
  }

  apply(target: Target): void {
    for (const operation of this.#operations.values()) operation(target);
  }
}
