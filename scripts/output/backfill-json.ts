import { formatDay } from '../../shared/calendar/day.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { statusOf } from '../../shared/gaps/facts.ts';
import type { World } from '../../shared/gaps/world.ts';
import { progressOf, wholeProgress } from '../../shared/staged/progress.ts';
import type { BackfillRecord, GateResult } from '../../shared/staged/record.ts';

/** A staged backfill as JSON: the same fields wherever it is told of. */

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** What `backfill list` has of each. */
export function backfillBrief(record: BackfillRecord): Record<string, unknown> {
  const { asked } = record;
  return {
    id: record.id, definition: record.definition.name, definition_hash: record.definition.hash, state: record.state, note: record.note, stage: record.definition.stages[record.stage]?.name ?? null,
    asked: {
      from: formatDay(asked.from), to: formatDay(asked.to), processors: asked.processors, dates: asked.dates?.map(formatDay) ?? null, exclude: asked.exclude.map(formatDay), reprocess: asked.reprocess,
      concurrency: asked.concurrency, delay_seconds: asked.delaySeconds, error_policy: asked.errorPolicy, max_failures: asked.maxFailures, ramp: asked.ramp ?? false, join: asked.join ?? null, by: asked.by, reason: asked.reason, at: time(asked.at),
    },
    created_at: time(record.createdAt), ended_at: time(record.endedAt),
  };
}

/** What the other commands have of one; with a world, also how its cells are now. */
export function backfillJson(record: BackfillRecord, world: World | null): Record<string, unknown> {
  return {
    ...backfillBrief(record),
    ...(world ? { progress: wholeProgress(world, record) } : {}),
    stages: record.stages.map((progress, index) => ({
      name: progress.name, phases: record.definition.stages[index]?.phases ?? [], started_at: time(progress.startedAt), ended_at: time(progress.endedAt), approved_by: progress.approvedBy,
      ...(world ? progressOf(world, record, index) : {}), gate: progress.gate && gateResultJson(progress.gate),
    })),
    failures: record.failures.map((failure) => ({
      stage: failure.stage, processor: failure.processor, game_date: formatDay(failure.day), category: failure.category, message: failure.message, at: time(failure.at), run_id: failure.runId, became: failure.became, note: failure.note,
      ...(world ? { status: statusNow(world, failure) } : {}),
    })),
    failures_left_out: record.failuresLeftOut,
    skips: record.skips.map((skip) => ({ game_date: formatDay(skip.day), by: skip.by, reason: skip.reason, at: time(skip.at) })),
    journal: record.journal.map((entry) => ({ at: time(entry.at), by: entry.by, event: entry.event, text: entry.text })),
  };
}

/** The one-word status of a cell as it is now; null where the pipeline does not have its processor any more. */
export function statusNow(world: World, { processor: name, day }: BackfillRecord['failures'][number]): string | null {
  const processor = world.pipeline.processors.find((candidate) => candidate.name === name);
  return processor && world.contains(day) ? statusOf(factsOf(world, processor, day)) : null;
}

function gateResultJson(gate: GateResult): Record<string, unknown> {
  return {
    at: time(gate.at), passed: gate.passed, reasons: gate.reasons, notes: gate.notes, success_rate_percent: gate.successRate, unresolved: gate.unresolved,
    tables: gate.tables.map(({ leftOut, lacking, ...table }) => ({ ...table, left_out: leftOut, lacking: lacking.map(formatDay) })),
    checks: gate.checks,
  };
}
