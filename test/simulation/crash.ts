import type { Calendar } from '../../shared/calendar/calendar.ts';
import type { CalendarRow } from '../../shared/calendar/games.ts';
import type { Day } from '../../shared/calendar/day.ts';
import type { WindowRange } from '../../shared/calendar/window.ts';
import type { Coverage } from '../../shared/gaps/coverage.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { Durable, OutgoingMessage, Reads, RequestStore, Snapshot, Writes } from '../../shared/ports/request-store.ts';
import type { DataCheck, Keep, OffendingRows, OldRows, Promotion, Row, RowSource, Staged, Warehouse, WriteClaim } from '../../shared/ports/warehouse.ts';
import type { CellKey } from '../../shared/requests/cell.ts';

/** What a process sees of its own death: every call of a port throws this from then on. */
export class SimulatedCrash extends Error {
  constructor() {
    super('the process has died (simulated)');
    this.name = 'SimulatedCrash';
  }
}

let underWay = 0;
async function counted<T>(work: () => Promise<T>): Promise<T> {
  underWay += 1;
  try {
    return await work();
  } finally {
    underWay -= 1;
  }
}

/** Calls of ports that have not answered yet: while there are any, nobody waits for time to pass. */
export function callsUnderWay(): number {
  return underWay;
}

/** Cuts the power at the n-th call that changes something, before it takes effect or after; or at the n-th call of any kind. */
export class Fuse {
  #left: number;
  readonly #before: boolean;
  readonly #countsReads: boolean;
  #blown = false;

  constructor(calls: number, before: boolean, counts: 'changes' | 'all calls' = 'changes') {
    this.#left = calls;
    this.#before = before;
    this.#countsReads = counts === 'all calls';
  }

  static never(): Fuse {
    return new Fuse(Number.POSITIVE_INFINITY, true);
  }

  get blown(): boolean {
    return this.#blown;
  }

  /** A call that changes something. */
  change<T>(work: () => Promise<T>): Promise<T> {
    return counted(() => this.#counted(work));
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    this.#left -= 1;
    const last = this.#left === 0;
    if (last && this.#before) this.#blown = true;
    this.check();
    const result = await work();
    if (last) this.#blown = true;
    this.check();
    return result;
  }

  /** A call that only reads. */
  read<T>(work: () => Promise<T>): Promise<T> {
    if (this.#countsReads) return this.change(work);
    return counted(async () => {
      this.check();
      const result = await work();
      this.check();
      return result;
    });
  }

  check(): void {
    if (this.#blown) throw new SimulatedCrash();
  }
}

export class FusedStore implements RequestStore {
  readonly #store: RequestStore;
  readonly #fuse: Fuse;

  constructor(store: RequestStore, fuse: Fuse) {
    this.#store = store;
    this.#fuse = fuse;
  }

  transact<T>(reads: Reads, decide: (snapshot: Snapshot) => { readonly writes: Writes; readonly result: T }, durable?: Durable): Promise<T> {
    return this.#fuse.change(() => this.#store.transact(reads, decide, durable));
  }
  cells(from: Day, to: Day): ReturnType<RequestStore['cells']> { return this.#fuse.read(() => this.#store.cells(from, to)); }
  cell(key: CellKey): ReturnType<RequestStore['cell']> { return this.#fuse.read(() => this.#store.cell(key)); }
  openCells(): ReturnType<RequestStore['openCells']> { return this.#fuse.read(() => this.#store.openCells()); }
  queued(now: number, limit: number): ReturnType<RequestStore['queued']> { return this.#fuse.read(() => this.#store.queued(now, limit)); }
  oldestQueued(now: number): ReturnType<RequestStore['oldestQueued']> { return this.#fuse.read(() => this.#store.oldestQueued(now)); }
  nextDue(now: number): Promise<number | null> { return this.#fuse.read(() => this.#store.nextDue(now)); }
  waitersOn(key: CellKey): ReturnType<RequestStore['waitersOn']> { return this.#fuse.read(() => this.#store.waitersOn(key)); }
  slots(): ReturnType<RequestStore['slots']> { return this.#fuse.read(() => this.#store.slots()); }
  asks(limit: number): ReturnType<RequestStore['asks']> { return this.#fuse.read(() => this.#store.asks(limit)); }
  ask(id: string): ReturnType<RequestStore['ask']> { return this.#fuse.read(() => this.#store.ask(id)); }
  cascades(from: Day, to: Day): ReturnType<RequestStore['cascades']> { return this.#fuse.read(() => this.#store.cascades(from, to)); }
  leases(): ReturnType<RequestStore['leases']> { return this.#fuse.read(() => this.#store.leases()); }
  backfills(): ReturnType<RequestStore['backfills']> { return this.#fuse.read(() => this.#store.backfills()); }
  backfill(id: string): ReturnType<RequestStore['backfill']> { return this.#fuse.read(() => this.#store.backfill(id)); }
  controls(): ReturnType<RequestStore['controls']> { return this.#fuse.read(() => this.#store.controls()); }
  remembered(): ReturnType<RequestStore['remembered']> { return this.#fuse.read(() => this.#store.remembered()); }
  untold(limit: number): ReturnType<RequestStore['untold']> { return this.#fuse.read(() => this.#store.untold(limit)); }
  trace(runId: string): Promise<string | null> { return this.#fuse.read(() => this.#store.trace(runId)); }
  unsent(limit: number): Promise<readonly OutgoingMessage[]> { return this.#fuse.read(() => this.#store.unsent(limit)); }
  markSent(ids: readonly string[]): Promise<void> { return this.#fuse.change(() => this.#store.markSent(ids)); }
  close(): Promise<void> { return this.#store.close(); }
}

export class FusedWarehouse implements Warehouse {
  readonly #warehouse: Warehouse;
  readonly #fuse: Fuse;
  readonly #onRun: (cell: CellKey) => void;

  /** `onRun` is told of each run that has rows to stage. */
  constructor(warehouse: Warehouse, fuse: Fuse, onRun: (cell: CellKey) => void) {
    this.#warehouse = warehouse;
    this.#fuse = fuse;
    this.#onRun = onRun;
  }

  coverage(processors: readonly Processor[], from: Day, to: Day): Promise<ReadonlyMap<string, ReadonlyMap<Day, Coverage>>> {
    return this.#fuse.read(() => this.#warehouse.coverage(processors, from, to));
  }
  mayHaveChanged(processor: Processor, from: Day, to: Day): boolean { return this.#warehouse.mayHaveChanged(processor, from, to); }
  calendarRows(from: Day, to: Day): Promise<readonly CalendarRow[]> { return this.#fuse.read(() => this.#warehouse.calendarRows(from, to)); }
  promotion(processor: Processor, day: Day): Promise<Promotion | null> { return this.#fuse.read(() => this.#warehouse.promotion(processor, day)); }
  rows(processor: Processor, range: WindowRange, columns: readonly string[] | null): Promise<readonly Row[]> {
    return this.#fuse.read(() => this.#warehouse.rows(processor, range, columns));
  }
  async stage(claim: WriteClaim, source: RowSource | OldRows, calendar: Calendar): Promise<Staged> {
    this.#fuse.check();
    if (source.kind === 'rows' || source.kind === 'sql') this.#onRun({ processor: claim.processor.name, day: claim.day });
    const staged = await this.#fuse.change(() => this.#warehouse.stage(claim, source, calendar));
    return {
      coverage: staged.coverage,
      promote: (trace) => this.#fuse.change(() => staged.promote(trace)),
      discard: () => this.#fuse.change(() => staged.discard()),
    };
  }
  keep(processor: Processor, day: Day, keep: Keep): Promise<boolean> { return this.#fuse.change(() => this.#warehouse.keep(processor, day, keep)); }
  kept(processor: Processor, name: string, from: Day, to: Day): Promise<ReadonlyMap<Day, string>> { return this.#fuse.read(() => this.#warehouse.kept(processor, name, from, to)); }
  remembersMs(processor: Processor): number { return this.#warehouse.remembersMs(processor); }
  check(check: DataCheck, mostShown: number, signal?: AbortSignal): Promise<OffendingRows> { return this.#fuse.read(() => this.#warehouse.check(check, mostShown, signal)); }
  close(): Promise<void> { return this.#warehouse.close(); }
}
