import { formatDay, type Day } from '../../../shared/calendar/day.ts';
import type { MessageBus } from '../../../shared/ports/message-bus.ts';
import type { AnswerError } from './answer-error.ts';
import { runDate, type DateEnd, type Places } from './run-date.ts';
import type { Source } from './sources.ts';

export interface LiveParts {
  readonly places: Places;
  readonly sources: ReadonlyMap<string, Source>;
  readonly bus: MessageBus;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newRunId: () => string;
}

export interface LiveStep {
  readonly processor_name: string;
  readonly status: 'success' | 'no_data' | 'failed' | 'not_run';
  readonly rows_processed: number;
  readonly run_id: string | null;
  readonly error: AnswerError | null;
}

/**
 * The daily run, as a team's own pipeline does it: every processor of both phases for one date, in order, each telling its
 * phase's completion topic how it ended. What reads a scraper that failed is not run, and tells nothing.
 */
export async function liveRun(parts: LiveParts, day: Day): Promise<readonly LiveStep[]> {
  const ended = new Map<string, DateEnd>();
  const steps: LiveStep[] = [];
  for (const source of parts.sources.values()) {
    const { name, upstreams } = source.processor;
    const stopped = upstreams.find(({ upstream }) => ended.get(upstream)?.status !== 'success');
    if (stopped) {
      steps.push({ processor_name: name, status: 'not_run', rows_processed: 0, run_id: null, error: { type: 'not_run', message: `${stopped.upstream} has landed nothing in this run` } });
      continue;
    }
    const { end, step } = await runAndTell(parts, source, day);
    ended.set(name, end);
    steps.push(step);
  }
  return steps;
}

async function runAndTell({ places, bus, now, newRunId }: LiveParts, source: Source, day: Day): Promise<{ readonly end: DateEnd; readonly step: LiveStep }> {
  const { name, phase, codeVersion } = source.processor;
  const runId = newRunId();
  const startedAt = now();
  const end = await runDate(places, source, day, { runId, isBackfill: false, skipDownstreamTrigger: false, strictMode: true, triggerReason: 'live', backfillId: null });
  const rows = end.status === 'success' ? end.rows : 0;
  const error = end.status === 'success' ? null : end.error;
  await bus.publish(phase.completionTopic, JSON.stringify({
    phase: phase.name, processor_name: name, game_date: formatDay(day), status: end.status, backfill_mode: false, skip_downstream_trigger: false, rows_processed: rows, run_id: runId,
    started_at: new Date(startedAt).toISOString(), completed_at: new Date(now()).toISOString(), code_version: codeVersion === '' ? null : codeVersion, error_message: error && `${error.type}: ${error.message}`,
  }));
  return { end, step: { processor_name: name, status: end.status, rows_processed: rows, run_id: runId, error } };
}
