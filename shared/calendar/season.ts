import type { Season } from '../pipeline/pipeline.ts';
import type { Day } from './day.ts';

/** The season that a date is in; none between two seasons. */
export function seasonAt(seasons: readonly Season[], day: Day): Season | undefined {
  return seasons.find(({ from, to }) => day >= from && day <= to);
}
