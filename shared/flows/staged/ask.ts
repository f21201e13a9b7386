import type { Ask } from '../../requests/ask.ts';
import { policyOf } from '../../staged/policy.ts';
import { askIdOf, currentStage, type BackfillRecord } from '../../staged/record.ts';

/** The ask under which a stage's cells are opened in its round. `silent`: their runs start nothing. */
export function stageAsk(record: BackfillRecord, { rerun, silent, at, plannedAt }: { readonly rerun: boolean; readonly silent: boolean; readonly at: number; readonly plannedAt?: number }): Ask {
  const { definition, progress } = currentStage(record);
  const reason = `backfill ${record.id}, stage ${definition.name}`;
  return {
    id: askIdOf(record, record.stage, progress.round), asker: 'backfill', by: record.asked.by, reason, at,
    // Daily work goes first.
    priority: 'low', reprocess: rerun ? 'completed' : 'none', force: false, skipDownstreamTrigger: silent, isBackfill: true, planId: null, backfillId: record.id,
    summary: reason, refused: null, retry: { maxAttempts: definition.retries + 1, delayMs: definition.retry_delay_seconds * 1000 },
    ...(plannedAt === undefined ? {} : { plannedAt }),
    ...(policyOf(record) === 'stop' ? { halts: true } : {}),
  };
}
