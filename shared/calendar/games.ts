import type { Processor } from '../pipeline/pipeline.ts';
import type { Day } from './day.ts';

/** One game as the schedule's table has it. */
export interface CalendarRow {
  readonly day: Day;
  readonly key: string;
  readonly status: number;
  /** Value of the `narrow_by` column (season type), or null. */
  readonly narrow: string | null;
}

/** Whether a game is of a season type that a processor covers. */
export function covers(processor: Pick<Processor, 'only'>, game: CalendarRow): boolean {
  return processor.only === null || (game.narrow !== null && processor.only.includes(game.narrow));
}
