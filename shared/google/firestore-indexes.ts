/**
 * What Firestore needs to know of the state beforehand, as data for Terraform (`google_firestore_index`,
 * `google_firestore_field`) and for the test that holds it against the queries. The emulator asks for none of it;
 * production refuses a query whose index is not there.
 */
export interface CompositeIndex {
  readonly collectionGroup: string;
  readonly queryScope: 'COLLECTION';
  readonly fields: readonly { readonly fieldPath: string; readonly order: 'ASCENDING' | 'DESCENDING' }[];
}

export interface FieldIndex {
  readonly collectionGroup: string;
  readonly fieldPath: string;
  readonly index: { readonly order: 'ASCENDING' | 'DESCENDING' } | { readonly arrayConfig: 'CONTAINS' };
}

export const compositeIndexes: readonly CompositeIndex[] = [
  // The queue by turn, without what backs off: a filter on one field and an order by another.
  { collectionGroup: 'cells', queryScope: 'COLLECTION', fields: [{ fieldPath: 'queueOrder', order: 'ASCENDING' }, { fieldPath: 'dueAt', order: 'ASCENDING' }] },
  // The oldest of it.
  {
    collectionGroup: 'cells', queryScope: 'COLLECTION',
    fields: [{ fieldPath: 'queuedAt', order: 'ASCENDING' }, { fieldPath: 'queueOrder', order: 'ASCENDING' }, { fieldPath: 'dueAt', order: 'ASCENDING' }],
  },
];

/** Fields that a query goes by alone. */
export const fieldIndexes: readonly FieldIndex[] = [
  { collectionGroup: 'cells', fieldPath: 'openDay', index: { order: 'ASCENDING' } },
  { collectionGroup: 'cells', fieldPath: 'dueAt', index: { order: 'ASCENDING' } },
  { collectionGroup: 'cells', fieldPath: 'waitingFor', index: { order: 'ASCENDING' } },
  { collectionGroup: 'cells', fieldPath: 'traceRun', index: { order: 'ASCENDING' } },
  { collectionGroup: 'blocks', fieldPath: 'block', index: { order: 'ASCENDING' } },
  { collectionGroup: 'asks', fieldPath: 'askedAt', index: { order: 'DESCENDING' } },
  { collectionGroup: 'cascades', fieldPath: 'day', index: { order: 'ASCENDING' } },
  { collectionGroup: 'outbox', fieldPath: 'unsentAt', index: { order: 'ASCENDING' } },
  { collectionGroup: 'outbox', fieldPath: 'rowsAt', index: { order: 'ASCENDING' } },
  { collectionGroup: 'outbox', fieldPath: 'left', index: { arrayConfig: 'CONTAINS' } },
];

/**
 * Collections whose other fields are not to be indexed (field `*`, no indexes): by default Firestore indexes every field of
 * a document twice, and a block has one for each of its days. No query goes by them; each would cost time and storage.
 */
export const unindexedCollections: readonly string[] = [
  'cells', 'blocks', 'slots', 'asks', 'ask_cells', 'cascades', 'leases', 'backfills', 'controls', 'remembered', 'untold_failures', 'traces', 'outbox',
];

/** Documents that go away by themselves at the instant in this field. */
export const timeToLive: readonly { readonly collectionGroup: string; readonly fieldPath: 'expireAt' }[] = [
  { collectionGroup: 'asks', fieldPath: 'expireAt' },
  { collectionGroup: 'ask_cells', fieldPath: 'expireAt' },
  { collectionGroup: 'traces', fieldPath: 'expireAt' },
  { collectionGroup: 'outbox', fieldPath: 'expireAt' },
];
