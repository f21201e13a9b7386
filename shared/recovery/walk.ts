import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { keyOf } from '../gaps/detect.ts';
import { isSettled } from '../gaps/facts.ts';
import { describeCell, judgeInputs, type Strictness } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import type { PlanStep } from './plan.ts';
import { SortedDays } from './sorted-days.ts';

export type StepOutcome = 'ran' | 'unchanged' | 'cut_off' | 'blocked' | 'failed' | 'skipped' | 'elsewhere';

export interface EndedStep {
  readonly step: PlanStep;
  readonly outcome: StepOutcome;
  readonly note: string;
}

/** What to do next: cells to start, and steps that ended without a run. */
export interface Advance {
  readonly start: readonly PlanStep[];
  readonly ended: readonly EndedStep[];
}

/** How far ahead of the first unfinished step the walk looks for one that can start. */
const LOOKAHEAD = 400;

/**
 * Walks a plan's steps in their order: a step is taken up when every input of it in the plan has ended, and then its
 * trace is compared once more, so that each cell is run at most once however many of its inputs are mended.
 */
export class PlanWalk {
  readonly steps: readonly PlanStep[];
  readonly #strictness: Strictness;
  readonly #done: Uint8Array;
  readonly #started = new Set<number>();
  /** Unfinished days by processor rank, ascending; a finished one is taken out. */
  readonly #unfinished: Map<number, SortedDays>;
  #first = 0;

  constructor(world: World, steps: readonly PlanStep[], strictness: Strictness) {
    this.steps = steps;
    this.#strictness = strictness;
    this.#done = new Uint8Array(steps.length);
    const days = new Map<number, Day[]>();
    for (const step of steps) {
      const { rank } = world.processor(step.processor);
      const list = days.get(rank);
      if (list) list.push(step.day);
      else days.set(rank, [step.day]);
    }
    this.#unfinished = new Map([...days].map(([rank, list]) => [rank, new SortedDays(list)]));
  }

  get finished(): boolean {
    return this.#first >= this.steps.length;
  }

  get running(): number {
    return this.#started.size;
  }

  /** Takes up what can be taken up now, at most `room` cells to run. */
  advance(world: World, room: number): Advance {
    const start: PlanStep[] = [];
    const ended: EndedStep[] = [];
    const limit = Math.min(this.steps.length, this.#first + LOOKAHEAD);
    for (let index = this.#first; index < limit; index += 1) {
      const step = this.steps[index];
      if (!step || this.#done[index] === 1 || this.#started.has(index)) continue;
      if (this.#waitsInPlan(world, step)) continue;
      const verdict = this.#judge(world, step);
      if (verdict.outcome === 'start') {
        if (start.length >= room) break;
        this.#started.add(index);
        start.push(step);
      } else {
        this.#finish(world, index);
        ended.push({ step, outcome: verdict.outcome, note: verdict.note });
      }
    }
    return { start, ended };
  }

  /** A started cell has ended: its readers may be taken up. */
  end(world: World, processor: string, day: Day): PlanStep | null {
    for (const index of this.#started) {
      const step = this.steps[index];
      if (step?.processor !== processor || step.day !== day) continue;
      this.#started.delete(index);
      this.#finish(world, index);
      return step;
    }
    return null;
  }

  /** Started steps, those in `mine` aside, that have no open request any more: another worker ended them. */
  endedElsewhere(world: World, mine: ReadonlySet<string>): PlanStep[] {
    const ended = [...this.#started].flatMap((index) => {
      const step = this.steps[index];
      if (!step || mine.has(keyOf(step)) || world.record(world.processor(step.processor), step.day).request) return [];
      return [{ index, step }];
    });
    for (const { index } of ended) {
      this.#started.delete(index);
      this.#finish(world, index);
    }
    return ended.map(({ step }) => step);
  }

  /** The started steps that are being run. */
  inFlight(world: World): PlanStep[] {
    return [...this.#started].flatMap((index) => {
      const step = this.steps[index];
      return step !== undefined && world.record(world.processor(step.processor), step.day).request?.state === 'processing' ? [step] : [];
    });
  }

  #judge(world: World, step: PlanStep): { outcome: 'start' } | { outcome: StepOutcome; note: string } {
    const processor = world.processor(step.processor);
    const facts = factsOf(world, processor, step.day);
    if (facts.activity === 'open' || facts.activity === 'in_flight') return { outcome: 'start' };
    if (isSettled(facts)) return { outcome: 'cut_off', note: 'nothing that it reads has changed' };
    const [input] = judgeInputs(world, processor, step.day, this.#strictness).blocking;
    if (input) return { outcome: 'blocked', note: `${describeCell(input)} is ${input.because}` };
    return { outcome: 'start' };
  }

  #waitsInPlan(world: World, step: PlanStep): boolean {
    const processor = world.processor(step.processor);
    return processor.upstreams.some((edge) => {
      const range = world.range(edge, step.day);
      return range !== null && (this.#unfinished.get(world.processor(edge.upstream).rank)?.anyIn(range.from, range.to) ?? false);
    });
  }

  #finish(world: World, index: number): void {
    this.#done[index] = 1;
    const step = this.steps[index];
    if (step) this.#unfinished.get(world.processor(step.processor).rank)?.remove(step.day);
    while (this.#first < this.steps.length && this.#done[this.#first] === 1) this.#first += 1;
  }
}
