import type { Day } from '../../calendar/day.ts';
import { factsOf } from '../../gaps/cell-facts.ts';
import { keyOf } from '../../gaps/detect.ts';
import { isSettled, statusOf } from '../../gaps/facts.ts';
import type { CellKey } from '../../requests/cell.ts';
import { roundAsked, standingFailures, type BackfillRecord, type NewFailure } from '../../staged/record.ts';
import type { Engine } from '../engine.ts';
import { recordOf } from './cells.ts';

/** Between two dates of a stage in order of dates. */
export class DateDelay {
  #date: Day | null = null;
  #notBefore = 0;

  /** Milliseconds until this date may begin. */
  left(date: Day | null, delayMs: number, now: number): number {
    if (date !== this.#date) {
      if (this.#date !== null) this.#notBefore = now + delayMs;
      this.#date = date;
    }
    // Never longer than the delay itself, were the clock set back.
    return Math.min(Math.max(0, this.#notBefore - now), delayMs);
  }
}

/** Of the cells of a date that a stage has run: those that are not complete in state and warehouse, read again, and not known to have failed. */
export async function unverifiedOn(engine: Engine, record: BackfillRecord, cells: readonly CellKey[]): Promise<NewFailure[]> {
  const known = new Set(standingFailures(record).map(keyOf));
  const ran = cells.filter((cell) => roundAsked(record, record.stage, recordOf(engine, cell).recentAsks) >= 0);
  await engine.relearn(ran);
  return ran.flatMap(({ processor, day }): NewFailure[] => {
    const { world } = engine;
    const facts = factsOf(world, world.processor(processor), day);
    const { last, failure } = world.record(world.processor(processor), day);
    if (failure || known.has(keyOf({ processor, day })) || (isSettled(facts) && (last !== null || facts.activity === 'accepted'))) return [];
    const why = isSettled(facts) ? 'no verified run of it is on record' : `it is ${statusOf(facts)}${facts.shortcomings.length > 0 ? `: ${facts.shortcomings.join('; ')}` : ''}`;
    return [{ processor, day, category: 'processing', message: `its run has ended, and the date can't be verified: ${why}`, runId: last?.runId ?? null, skipped: false }];
  });
}
