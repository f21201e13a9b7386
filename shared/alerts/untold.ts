import { z } from 'zod';
import type { Day } from '../calendar/day.ts';
import { alertDue, failureCategories, type AlertRule } from '../failures/category.ts';
import type { CellRecord, EndedBadly, OpenRequest } from '../requests/cell.ts';
import { daySchema } from '../requests/record-schema.ts';

/**
 * A run in backfill mode that failed and is out of attempts, until a digest has it. Written with the failure, in a record of
 * its own, so that no two workers write the same one; taken away by the digest that tells of it.
 */
export const untoldFailureSchema = z.object({
  /** The cell and its generation: a request ends once. */
  id: z.string(),
  /** Null: no staged backfill asked for it. */
  backfillId: z.string().nullable(),
  processor: z.string(),
  day: daySchema,
  category: z.enum(failureCategories),
  /** At most 300 characters. */
  message: z.string(),
  at: z.number(),
  /** It cools, and detection tries it again then, where detection looks after its date. */
  cools: z.boolean(),
  /** It would be alerted at once if it were a live run's. */
  due: z.boolean(),
});
export type UntoldFailure = z.infer<typeof untoldFailureSchema>;

const LONGEST_MESSAGE = 300;

/** A run in backfill mode alerts nobody by itself: its failure is written down with its end, and a digest takes it from there. */
export function untoldOf({ processor, day, generation }: CellRecord, request: OpenRequest, failure: EndedBadly, rule: AlertRule): UntoldFailure[] {
  if (!request.isBackfill) return [];
  return [{
    id: `${processor} ${day} ${generation}`, backfillId: request.backfillId, processor, day, category: failure.category, message: failure.message.slice(0, LONGEST_MESSAGE), at: failure.at,
    cools: failure.coolsUntil !== null, due: isDueAtOnce(failure, rule),
  }];
}

/** Whether a live run that ended so is told at once. */
export function isDueAtOnce({ step, category }: Pick<EndedBadly, 'step' | 'category'>, rule: AlertRule): boolean {
  return alertDue(rule, step, category === 'data_availability');
}

/** What is known of automatic detection when a digest is put together. */
export interface Detection {
  /** Nothing older is filled by itself; null: nobody detects yet. */
  readonly from: Day | null;
  /** Whether anything is queued by itself for this processor. */
  fills(processor: string): boolean;
}

/** Whether detection tries it again without anybody: then nobody is told. A staged backfill's cells are left alone by it. */
export function isRetriedByItself(failure: UntoldFailure, detection: Detection): boolean {
  if (failure.backfillId !== null || !failure.cools || failure.due) return false;
  return detection.from !== null && failure.day >= detection.from && detection.fills(failure.processor);
}
