import type { UntoldFailure } from '../alerts/untold.ts';
import type { Day } from '../calendar/day.ts';
import type { CascadeKey, CascadeRecord } from '../cascade/cascade.ts';
import type { Controls, LeaseRecord, OutgoingMessage, SlotRecord, Writes } from '../ports/request-store.ts';
import type { BackfillRecord } from '../staged/record.ts';
import { emptyRecord, type CellKey, type CellRecord } from '../requests/cell.ts';
import { cellId, QueueIndex } from './sqlite-queue-index.ts';

export interface KeptMessage {
  /** Its row, and its place among the others. */
  readonly seq: number;
  readonly message: OutgoingMessage;
}

export const noControls: Controls = { paused: null, adoptedOn: null, autoCells: null, lastBoundsAlert: null };

/**
 * The image in memory of what decisions read: one process owns a state folder, so what was committed last is what is
 * true. It changes after a commit only. Records are shared with the callers and never altered.
 */
export class RecordsInMemory {
  readonly slots = new Map<string, SlotRecord>();
  readonly leases = new Map<string, LeaseRecord>();
  readonly backfills = new Map<string, BackfillRecord>();
  /** In the order in which they were committed. */
  readonly outbox = new Map<string, KeptMessage>();
  readonly untold = new Map<string, UntoldFailure>();
  readonly queue: QueueIndex;
  controls: Controls = noControls;

  readonly #cells = new Map<Day, Map<string, CellRecord>>();
  readonly #cascades = new Map<Day, Map<string, CascadeRecord>>();
  readonly #open = new Map<string, CellRecord>();
  readonly #waiters = new Map<string, Map<string, CellKey>>();
  readonly #rankOf: (processor: string) => number;

  constructor(rankOf: (processor: string) => number) {
    this.#rankOf = rankOf;
    this.queue = new QueueIndex(rankOf);
  }

  cell(key: CellKey): CellRecord {
    return this.storedCell(key) ?? emptyRecord(key);
  }

  storedCell(key: CellKey): CellRecord | undefined {
    return this.#cells.get(key.day)?.get(key.processor);
  }

  cells(from: Day, to: Day): CellRecord[] {
    return between(this.#cells, from, to).sort((a, b) => this.#inOrder(a, b));
  }

  openCells(): CellRecord[] {
    return [...this.#open.values()].sort((a, b) => this.#inOrder(a, b));
  }

  waitersOn(key: CellKey): CellKey[] {
    const waiters = this.#waiters.get(cellId(key));
    return waiters ? [...waiters.values()].sort((a, b) => this.#inOrder(a, b)) : [];
  }

  cascade(key: CascadeKey): CascadeRecord | undefined {
    return this.#cascades.get(key.day)?.get(key.phase);
  }

  cascades(from: Day, to: Day): CascadeRecord[] {
    return between(this.#cascades, from, to).sort((a, b) => a.day - b.day || compareTexts(a.phase, b.phase));
  }

  /** `outgoing`: the outbox's part of the writes, with the rows that it was given. */
  apply(writes: Writes, outgoing: readonly KeptMessage[]): void {
    for (const record of writes.cells ?? []) this.setCell(record);
    for (const record of writes.slots ?? []) this.slots.set(record.processor, record);
    for (const record of writes.cascades ?? []) this.setCascade(record);
    for (const name of writes.releaseLeases ?? []) this.leases.delete(name);
    for (const record of writes.leases ?? []) this.leases.set(record.name, record);
    for (const record of writes.backfills ?? []) this.backfills.set(record.id, record);
    for (const id of writes.told ?? []) this.untold.delete(id);
    for (const failure of writes.untold ?? []) if (!this.untold.has(failure.id)) this.untold.set(failure.id, failure);
    if (writes.controls) this.controls = writes.controls;
    for (const kept of outgoing) this.outbox.set(kept.message.id, kept);
  }

  setCell(record: CellRecord): void {
    const before = this.storedCell(record)?.request ?? null;
    put(this.#cells, record.day, record.processor, record);
    const request = record.request;
    if (!request && !before) return;
    const id = cellId(record);
    if (request) this.#open.set(id, record);
    else this.#open.delete(id);
    this.queue.set(record);
    const awaitedBefore = before && waits(before.state) ? before.waitingFor : null;
    const awaited = request && waits(request.state) ? request.waitingFor : null;
    if (awaitedBefore) this.#dropWaiter(awaitedBefore, id);
    if (awaited) this.#addWaiter(awaited, id, record);
  }

  setCascade(record: CascadeRecord): void {
    put(this.#cascades, record.day, record.phase, record);
  }

  #addWaiter(awaited: CellKey, id: string, record: CellKey): void {
    const awaitedId = cellId(awaited);
    const waiters = this.#waiters.get(awaitedId) ?? new Map<string, CellKey>();
    waiters.set(id, { processor: record.processor, day: record.day });
    this.#waiters.set(awaitedId, waiters);
  }

  #dropWaiter(awaited: CellKey, id: string): void {
    const awaitedId = cellId(awaited);
    const waiters = this.#waiters.get(awaitedId);
    waiters?.delete(id);
    if (waiters?.size === 0) this.#waiters.delete(awaitedId);
  }

  #inOrder(a: CellKey, b: CellKey): number {
    return a.day - b.day || this.#rankOf(a.processor) - this.#rankOf(b.processor) || compareTexts(a.processor, b.processor);
  }
}

function waits(state: string): boolean {
  return state === 'waiting' || state === 'blocked';
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function put<T>(byDay: Map<Day, Map<string, T>>, day: Day, name: string, record: T): void {
  const ofDay = byDay.get(day);
  if (ofDay) ofDay.set(name, record);
  else byDay.set(day, new Map([[name, record]]));
}

function between<T>(byDay: ReadonlyMap<Day, ReadonlyMap<string, T>>, from: Day, to: Day): T[] {
  const found: T[] = [];
  for (const [day, records] of byDay) if (day >= from && day <= to) for (const record of records.values()) found.push(record);
  return found;
}
