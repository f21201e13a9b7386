import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { keyOf } from '../gaps/detect.ts';
import { isSettled } from '../gaps/facts.ts';
import { describeCell, judgeInputs, type Strictness } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import type { Phase } from '../pipeline/pipeline.ts';
import { SortedDays } from '../recovery/sorted-days.ts';
import type { CellKey } from '../requests/cell.ts';
import type { StageCell } from './plan.ts';

/** A cell that ended without being opened: nothing had changed for it, or what it reads is not there. */
export interface PassedOver {
  readonly cell: StageCell;
  readonly outcome: 'cut_off' | 'blocked';
  readonly note: string;
  /** Blocked: the input that is not there. */
  readonly on?: CellKey;
}

export interface Advance {
  readonly start: readonly StageCell[];
  readonly passed: readonly PassedOver[];
}

export interface WalkOptions {
  readonly byDate: boolean;
  readonly byPhase?: boolean;
  readonly strictness: Strictness;
  /** What has failed in an earlier round, and is not tried again in this one. */
  readonly failed?: readonly CellKey[];
}

/** How far behind the first unfinished cell one is looked for that can start. */
const LOOKAHEAD = 400;

/**
 * Walks the cells of one round of a stage: a free slot takes the first cell in order of date and phase whose inputs in the
 * round have all ended. By date: no cell of a later date before all of an earlier one have ended; by phase too: nor one of a
 * later phase of the date.
 */
export class StageWalk {
  readonly cells: readonly StageCell[];
  readonly #byDate: boolean;
  readonly #byPhase: boolean;
  readonly #strictness: Strictness;
  readonly #done: Uint8Array;
  readonly #started = new Map<string, number>();
  readonly #unfinished: Map<number, SortedDays>;
  /** Days, by rank, of cells that are still to be done again, since they failed or read one that did. */
  readonly #unsettled = new Map<number, Day[]>();
  #first = 0;
  #opened = 0;

  constructor(world: World, cells: readonly StageCell[], { byDate, byPhase = false, strictness, failed = [] }: WalkOptions) {
    this.cells = cells;
    this.#byDate = byDate;
    this.#byPhase = byPhase;
    this.#strictness = strictness;
    this.#done = new Uint8Array(cells.length);
    const days = Map.groupBy(cells, (cell) => world.processor(cell.processor).rank);
    for (const cell of failed) this.#unsettle(world, cell);
    this.#unfinished = new Map([...days].map(([rank, list]) => [rank, new SortedDays(list.map((cell) => cell.day))]));
  }

  get finished(): boolean {
    return this.#first >= this.cells.length;
  }

  /** Cells that were started and have not ended. */
  get running(): number {
    return this.#started.size;
  }

  get runningCells(): readonly StageCell[] {
    return [...this.#started.values()].flatMap((index) => this.cells[index] ?? []);
  }

  /** How many were started since the beginning of the round. */
  get opened(): number {
    return this.#opened;
  }

  /** The date of the first cell that has not ended; null at the end. */
  get date(): Day | null {
    return this.cells[this.#first]?.day ?? null;
  }

  isRunning(key: CellKey): boolean {
    return this.#started.has(keyOf(key));
  }

  /** Whether a cell is one of the round's. */
  has({ processor, day }: CellKey): boolean {
    return this.cells.some((cell) => cell.processor === processor && cell.day === day);
  }

  /** A cell of the round that is open already, from before a crash: it has its slot. */
  adopt(key: CellKey): void {
    const index = this.cells.findIndex((cell) => cell.processor === key.processor && cell.day === key.day);
    if (index < 0) return;
    this.#started.set(keyOf(key), index);
    this.#opened += 1;
  }

  /** Takes up what can be taken up now, at most `room` cells to open. */
  advance(world: World, room: number): Advance {
    const start: StageCell[] = [];
    const passed: PassedOver[] = [];
    for (let index = this.#first; index < Math.min(this.cells.length, this.#first + LOOKAHEAD) && start.length < room; index += 1) {
      const cell = this.cells[index];
      if (!cell || this.#done[index] === 1 || this.#started.has(keyOf(cell))) continue;
      if (this.#byDate && cell.day !== this.date) break;
      if (this.#byPhase && world.processor(cell.processor).phase !== this.#phase(world)) break;
      if (this.#waits(world, cell)) continue;
      const verdict = this.#judge(world, cell);
      if (verdict === null) {
        this.#started.set(keyOf(cell), index);
        this.#opened += 1;
        start.push(cell);
      } else {
        if (verdict.outcome === 'blocked' || this.#unsettledInput(world, cell)) this.#unsettle(world, cell);
        this.#finish(world, index);
        passed.push({ cell, ...verdict });
      }
    }
    return { start, passed };
  }

  #phase(world: World): Phase | null {
    const first = this.cells[this.#first];
    return first ? world.processor(first.processor).phase : null;
  }

  /** A started cell was not opened after all, and is taken up again: what kept it is not its own failure. */
  putBack(key: CellKey): void {
    if (this.#started.delete(keyOf(key))) this.#opened -= 1;
  }

  /** A started cell has ended, or could not be opened: its slot is free. */
  end(world: World, key: CellKey): StageCell | null {
    const index = this.#started.get(keyOf(key));
    if (index === undefined) return null;
    this.#started.delete(keyOf(key));
    const cell = this.cells[index] ?? null;
    if (cell && isToBeDoneAgain(world, cell)) this.#unsettle(world, cell);
    this.#finish(world, index);
    return cell;
  }

  /** Null: it is to be opened. */
  #judge(world: World, cell: StageCell): Omit<PassedOver, 'cell'> | null {
    const processor = world.processor(cell.processor);
    const facts = factsOf(world, processor, cell.day);
    if (facts.activity === 'in_flight') return null;
    if (isSettled(facts) && cell.action !== 'rerun') return { outcome: 'cut_off', note: 'nothing that it reads has changed' };
    const unsettled = this.#unsettledInput(world, cell);
    // Done now it would be done once more when that is there: rows are redone once, however many of their inputs are filled.
    if (unsettled && world.coverage(processor, cell.day)) return { outcome: 'blocked', note: `reads ${describeCell(unsettled)}, which is to be done again` };
    // What comes by cascade is the router's to judge, with all its reasons.
    if (cell.cascadeOf !== undefined) return null;
    // What somebody works on is waited for by the request itself, and is no failure before that has ended.
    const [input] = judgeInputs(world, processor, cell.day, this.#strictness, (upstream, day) => world.record(upstream, day).request !== null).blocking;
    return input ? { outcome: 'blocked', note: `reads ${describeCell(input)}, which is ${whyUnusable(world, input)}`, on: { processor: input.processor, day: input.day } } : null;
  }

  #unsettledInput(world: World, cell: StageCell): CellKey | null {
    if (this.#unsettled.size === 0) return null;
    for (const edge of world.processor(cell.processor).upstreams) {
      const range = world.range(edge, cell.day);
      const day = range ? this.#unsettled.get(world.processor(edge.upstream).rank)?.find((at) => at >= range.from && at <= range.to) : undefined;
      if (day !== undefined) return { processor: edge.upstream, day };
    }
    return null;
  }

  #unsettle(world: World, { processor, day }: CellKey): void {
    const { rank } = world.processor(processor);
    const days = this.#unsettled.get(rank);
    if (days) days.push(day);
    else this.#unsettled.set(rank, [day]);
  }

  #waits(world: World, cell: StageCell): boolean {
    return world.processor(cell.processor).upstreams.some((edge) => {
      const range = world.range(edge, cell.day);
      return range !== null && (this.#unfinished.get(world.processor(edge.upstream).rank)?.anyIn(range.from, range.to) ?? false);
    });
  }

  #finish(world: World, index: number): void {
    this.#done[index] = 1;
    const cell = this.cells[index];
    if (cell) this.#unfinished.get(world.processor(cell.processor).rank)?.remove(cell.day);
    while (this.#first < this.cells.length && this.#done[this.#first] === 1) this.#first += 1;
  }
}

function isToBeDoneAgain(world: World, { processor, day }: CellKey): boolean {
  const found = world.processor(processor);
  return world.record(found, day).failure !== null || !isSettled(factsOf(world, found, day));
}

function whyUnusable(world: World, input: CellKey & { readonly because: string }): string {
  const { failure } = world.record(world.processor(input.processor), input.day);
  return failure ? `${input.because}; its run ${failure.outcome} (${failure.category})` : input.because;
}
