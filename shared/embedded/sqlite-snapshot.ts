import type { CascadeKey, CascadeRecord } from '../cascade/cascade.ts';
import type { Controls, LeaseRecord, Reads, SlotRecord, Snapshot } from '../ports/request-store.ts';
import type { BackfillRecord } from '../staged/record.ts';
import type { Ask } from '../requests/ask.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
import { cellId } from './sqlite-queue-index.ts';
import type { RecordsInMemory } from './sqlite-records.ts';

/** Up to this many names are looked through; more of them get a set. */
const FEW = 8;

/**
 * What a decision sees: the records that the transaction named, and no other. Here the others could be read as well, but
 * a decision that did so would not be protected by Firestore's transactions.
 */
export class NamedRecords implements Snapshot {
  readonly #reads: Reads;
  readonly #records: RecordsInMemory;
  readonly #readAsk: (id: string) => Ask | null;
  readonly #cells: ReadonlySet<string> | null;

  constructor(reads: Reads, records: RecordsInMemory, readAsk: (id: string) => Ask | null) {
    this.#reads = reads;
    this.#records = records;
    this.#readAsk = readAsk;
    this.#cells = (reads.cells?.length ?? 0) > FEW ? new Set(reads.cells?.map(cellId)) : null;
  }

  cell(key: CellKey): CellRecord {
    const named = this.#cells
      ? this.#cells.has(cellId(key))
      : this.#reads.cells?.some((read) => read.day === key.day && read.processor === key.processor);
    if (!named) throw notNamed('cells', `${key.processor} day ${key.day}`);
    return this.#records.cell(key);
  }

  slots(processor: string): SlotRecord {
    if (!this.#reads.slots?.includes(processor)) throw notNamed('slots', processor);
    return this.#records.slots.get(processor) ?? { processor, holders: [], slowUntil: null };
  }

  ask(id: string): Ask | null {
    if (!this.#reads.asks?.includes(id)) throw notNamed('asks', id);
    return this.#readAsk(id);
  }

  cascade(key: CascadeKey): CascadeRecord | null {
    if (!this.#reads.cascades?.some((read) => read.day === key.day && read.phase === key.phase)) throw notNamed('cascades', `${key.phase} day ${key.day}`);
    return this.#records.cascade(key) ?? null;
  }

  lease(name: string): LeaseRecord | null {
    if (!this.#reads.leases?.includes(name)) throw notNamed('leases', name);
    return this.#records.leases.get(name) ?? null;
  }

  backfill(id: string): BackfillRecord | null {
    if (!this.#reads.backfills?.includes(id)) throw notNamed('backfills', id);
    return this.#records.backfills.get(id) ?? null;
  }

  controls(): Controls {
    if (!this.#reads.controls) throw notNamed('controls', 'true');
    return this.#records.controls;
  }
}

function notNamed(field: keyof Reads, name: string): Error {
  return new Error(`a decision read ${name}, which its transaction does not name; add it to the reads' '${field}'`);
}
