import { compilePipeline } from '../../shared/pipeline/compile.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { pipelineSchema } from '../../shared/pipeline/schema.ts';

/** A chain of three no-op processors over every day of `days` days: what orchestration itself costs. */
export function chainPipeline(days: number, target: 'in_process' | 'bigquery_sql'): Pipeline {
  const columns = { game_date: 'DATE', k: 'INT64', v: 'INT64' } as const;
  const processor = (phase: string, table: string, upstream: string | null): object => ({
    phase, table, key: ['k'], columns,
    ...(upstream === null ? {} : { upstream: [{ processor: upstream, window: { days: 3 } }] }),
    expectations: { expected_keys: 'none', min_rows: 1 },
    target: target === 'in_process' || upstream === null ? { in_process: './chain.ts#ten' } : { bigquery_sql: `${table}.sql` },
    slots: 8,
  });
  const first = new Date(Date.UTC(2021, 0, 1));
  const last = new Date(first.getTime() + (days - 1) * 86_400_000);
  const definition = pipelineSchema.parse({
    version: 1, name: 'chain', time_zone: 'UTC',
    topics: { backfill_requests: 'requests', dead_letters: 'dead', alerts: 'alerts' },
    subscriptions: { backfill_worker: 'worker', phase_router: 'router' },
    calendar: { seasons: [{ name: 'all', from: first.toISOString().slice(0, 10), to: last.toISOString().slice(0, 10) }] },
    phases: ['phase_2_raw', 'phase_3_analytics', 'phase_4_precompute'].map((name, index) => ({ name, completion_topic: `complete-${index}`, mode: 'enforce' })),
    processors: { First: processor('phase_2_raw', 'chain.first', null), Second: processor('phase_3_analytics', 'chain.second', 'First'), Third: processor('phase_4_precompute', 'chain.third', 'Second') },
  });
  const sql = (table: string): string => `SELECT game_date, k, v FROM ${table} WHERE game_date = @game_date`;
  return compilePipeline(definition, { directory: '.', sql: new Map(target === 'bigquery_sql' ? [['Second', sql('first')], ['Third', sql('second')]] : []) });
}
