import { formatDay } from '../calendar/day.ts';
import type { RunOrder } from '../ports/processor-runner.ts';
import type { TargetInput } from '../requests/messages.ts';

/** What a target on Google is told: http body, a job's argument, a trigger message. It reads its inputs from BigQuery itself. */
export function targetInputOf(order: RunOrder): TargetInput {
  const date = formatDay(order.day);
  return {
    processor_name: order.processor.name,
    start_date: date,
    end_date: date,
    run_id: order.runId,
    is_backfill: order.isBackfill,
    backfill_mode: order.isBackfill,
    skip_downstream_trigger: order.skipDownstreamTrigger,
    strict_mode: order.strictMode,
    trigger_reason: order.triggerReason,
    backfill_id: order.backfillId,
  };
}

export function cancelled(order: RunOrder): { readonly kind: 'failed'; readonly error: { readonly type: string; readonly message: string } } {
  return { kind: 'failed', error: { type: 'Cancelled', message: `${order.processor.name} for ${formatDay(order.day)} was cancelled while it ran` } };
}
