import { dayOf } from '../../shared/calendar/day.ts';
import { backfillDefinitionSchema, type BackfillDefinition } from '../../shared/staged/schema.ts';
import type { Asked, BackfillRecord } from '../../shared/staged/record.ts';
import { begun } from '../../shared/staged/transitions.ts';

/** Definitions and records for tests of staged backfills. */

export type StageSketch = Readonly<Record<string, unknown>> & { readonly name: string; readonly phases: readonly string[] };

export function definitionOf(stages: readonly StageSketch[], checks: BackfillDefinition['checks'] = []): BackfillDefinition {
  return backfillDefinitionSchema.parse({ name: 'whole', stages, checks, hash: 'h1' });
}

export const TWO_STAGES: readonly StageSketch[] = [
  { name: 'raw', phases: ['raw'], error_policy: 'continue', gate: { coverage_percent: 100 } },
  { name: 'computed', phases: ['analytics', 'features'], order: 'by_date' },
];

export function asked(from: string, to: string, changes: Partial<Asked> = {}): Asked {
  return {
    from: dayOf(from), to: dayOf(to), processors: null, dates: null, exclude: [], reprocess: 'none', concurrency: null, delaySeconds: null, errorPolicy: null, maxFailures: null,
    by: 'kim', reason: 'the winter is missing', at: 1000, ...changes,
  };
}

export function recordOf(stages: readonly StageSketch[] = TWO_STAGES, changes: Partial<Asked> = {}): BackfillRecord {
  return begun('whole-1', definitionOf(stages), asked('2024-01-01', '2024-01-31', changes));
}
