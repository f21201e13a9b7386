import type { Day } from '../calendar/day.ts';
import { formatDay, parseDay } from '../calendar/day.ts';
import { suggestion } from '../pipeline/nearest.ts';
import type { BackfillRequest } from './messages.ts';

/** What a request's expansion has to know, from the pipeline's definition, its calendar, and the clock. */
export interface ExpansionFacts {
  readonly processorNames: readonly string[];
  isBackfillable(processor: string): boolean;
  /** The dates of [from, to] on which the processor is expected, ascending. */
  expectedDays(processor: string, from: Day, to: Day): readonly Day[];
  /** The game date that it is now, in the pipeline's zone. */
  readonly today: Day;
  /** `max_dates_per_message`. */
  readonly maxDates: number;
}

export type Expansion =
  | { readonly kind: 'cells'; readonly processor: string; readonly days: readonly Day[] }
  /** The request is right, and there is nothing to do. */
  | { readonly kind: 'nothing'; readonly reason: string }
  /** The request can never be right. */
  | { readonly kind: 'refused'; readonly reason: string };

/** The cells that a request names. Pure. Every refusal says what was received, what is allowed, and what to do. */
export function expandRequest(message: Pick<BackfillRequest, 'processor_name' | 'start_date' | 'end_date'>, facts: ExpansionFacts): Expansion {
  const { processor_name: processor, start_date: start, end_date: end } = message;
  if (!facts.processorNames.includes(processor)) return refuse(unknownProcessor(processor, facts));
  if (!facts.isBackfillable(processor)) {
    return refuse(`received a backfill of ${processor}, which looks forward or is declared not backfillable; allowed are processors whose phase and own entry in pipeline.yaml are backfillable; to see what it has, run: smart-backfill pipeline show --processor ${processor}`);
  }
  const from = parseDay(start);
  const to = parseDay(end);
  if (from === undefined || to === undefined) return refuse(`received '${from === undefined ? start : end}', which is no date; write YYYY-MM-DD, for example 2023-11-15`);
  if (to < from) return refuse(`received start_date ${start} and end_date ${end}; the end may not be before the start; did you mean start_date ${end} and end_date ${start}?`);
  if (to > facts.today) {
    return refuse(`received ${start === end ? start : `end_date ${end}`}, which is in the future; dates up to today, ${formatDay(facts.today)}, are allowed; ask again when the date has come`);
  }

  const days = facts.expectedDays(processor, from, to);
  if (days.length === 0) {
    const looked = `smart-backfill gaps --processor ${processor} --from ${start} --to ${end}`;
    if (from === to) return refuse(`received ${start}, on which ${processor} is not expected to have data (an off-day, or outside its calendar); dates with games are allowed; to see what is expected, run: ${looked}`);
    return { kind: 'nothing', reason: `no date from ${start} to ${end} is expected of ${processor}: off-days only, or outside its calendar` };
  }
  if (days.length > facts.maxDates) {
    return refuse(`received ${start} to ${end}, ${days.length} dates of ${processor}; one message may ask for ${facts.maxDates}; for more, run: smart-backfill recover --all --processor ${processor} --from ${start} --to ${end}`);
  }
  return { kind: 'cells', processor, days };
}

const NAMES_SHOWN = 20;

function unknownProcessor(received: string, facts: ExpansionFacts): string {
  const names = facts.processorNames.slice(0, NAMES_SHOWN);
  const more = facts.processorNames.length - names.length;
  const allowed = more > 0 ? `${names.join(', ')} and ${more} more (smart-backfill pipeline show)` : names.join(', ');
  return `received processor_name '${received.slice(0, 200)}', which this pipeline does not have; allowed are ${allowed}; ${suggestion(received.slice(0, 200), facts.processorNames, 'correct the name and publish again')}`;
}

function refuse(reason: string): Expansion {
  return { kind: 'refused', reason };
}
