import type { DocumentReference, DocumentSnapshot } from '@google-cloud/firestore';
import { formatDay } from '../calendar/day.ts';
import type { CascadeKey, CascadeRecord } from '../cascade/cascade.ts';
import type { Controls, LeaseRecord, Reads, SlotRecord, Snapshot } from '../ports/request-store.ts';
import { controlsSchema, leaseRecordSchema, slotRecordSchema } from '../ports/store-schema.ts';
import type { Ask } from '../requests/ask.ts';
import { emptyRecord, type CellKey, type CellRecord } from '../requests/cell.ts';
import { askSchema, cascadeRecordSchema, cellRecordSchema } from '../requests/record-schema.ts';
import { backfillRecordSchema, type BackfillRecord } from '../staged/record.ts';
import { cellId, type StatePaths } from './firestore-paths.ts';
import { damaged, recordIn } from './firestore-record-schema.ts';

export const noControls: Controls = { paused: null, adoptedOn: null, autoCells: null, lastBoundsAlert: null };

/** The documents that a transaction names, controls aside: those are read under a lock. */
export function namedIn(reads: Reads, paths: StatePaths): DocumentReference[] {
  const named = [
    ...(reads.cells ?? []).map((key) => paths.cell(key)),
    ...(reads.slots ?? []).map((processor) => paths.slots(processor)),
    ...(reads.asks ?? []).map((id) => paths.ask(id)),
    ...(reads.cascades ?? []).map((key) => paths.cascade(key)),
    ...(reads.leases ?? []).map((name) => paths.lease(name)),
    ...(reads.backfills ?? []).map((id) => paths.backfill(id)),
  ];
  return [...new Map(named.map((reference) => [reference.path, reference])).values()];
}

/** The record of a cell's document; one that has none has its empty record. */
export function cellIn(document: DocumentSnapshot, key: CellKey): CellRecord {
  const record = recordIn(document, cellRecordSchema);
  if (!record) return emptyRecord(key);
  return itsOwn(document.ref.path, record, cellId(key));
}

/** The record, if it is that of the cell in whose place it lies. */
export function itsOwn(place: string, record: CellRecord, id: string): CellRecord {
  if (cellId(record) !== id) throw damaged(place, `its record is that of cell ${record.processor} ${formatDay(record.day)}`);
  return record;
}

/** What a decision sees: the records that the transaction named, and no other, since no other is protected. */
export class ReadRecords implements Snapshot {
  readonly #paths: StatePaths;
  readonly #documents: ReadonlyMap<string, DocumentSnapshot>;
  readonly #controls: DocumentSnapshot | null;

  constructor(paths: StatePaths, documents: ReadonlyMap<string, DocumentSnapshot>, controls: DocumentSnapshot | null) {
    this.#paths = paths;
    this.#documents = documents;
    this.#controls = controls;
  }

  cell(key: CellKey): CellRecord {
    return cellIn(this.#document('cells', this.#paths.cell(key), `${key.processor} day ${key.day}`), key);
  }

  slots(processor: string): SlotRecord {
    return recordIn(this.#document('slots', this.#paths.slots(processor), processor), slotRecordSchema) ?? { processor, holders: [], slowUntil: null };
  }

  ask(id: string): Ask | null {
    return recordIn(this.#document('asks', this.#paths.ask(id), id), askSchema);
  }

  cascade(key: CascadeKey): CascadeRecord | null {
    return recordIn(this.#document('cascades', this.#paths.cascade(key), `${key.phase} day ${key.day}`), cascadeRecordSchema);
  }

  lease(name: string): LeaseRecord | null {
    return recordIn(this.#document('leases', this.#paths.lease(name), name), leaseRecordSchema);
  }

  backfill(id: string): BackfillRecord | null {
    return recordIn(this.#document('backfills', this.#paths.backfill(id), id), backfillRecordSchema);
  }

  controls(): Controls {
    if (!this.#controls) throw notNamed('controls', 'true');
    return recordIn(this.#controls, controlsSchema) ?? noControls;
  }

  #document(field: keyof Reads, reference: DocumentReference, name: string): DocumentSnapshot {
    const document = this.#documents.get(reference.path);
    if (!document) throw notNamed(field, name);
    return document;
  }
}

function notNamed(field: keyof Reads, name: string): Error {
  return new Error(`a decision read ${name}, which its transaction does not name; add it to the reads' '${field}'`);
}
