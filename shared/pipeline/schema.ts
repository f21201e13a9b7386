import { z } from 'zod';
import { aliasesSchema, messageMapSchema, tableFilterSchema, tablesSchema } from './schema-adoption.ts';
import { gameDate, name, serviceName, servicePath, tableName, topicName } from './schema-names.ts';

/**
 * The shape of `pipeline.yaml`. Every default stands here, in `DEFAULTS`, and in docs/pipeline-yaml.md, which is checked
 * against it. Fields are snake_case, as in the source documents.
 */

/** Numbers that a definition may leave out. The first five come from source document 003. */
export const DEFAULTS = {
  lookback_days: 30,
  critical_days: 10,
  auto_backfill_threshold: 3,
  window_completeness: 0.9,
  max_attempts: 3,
  row_threshold: 0.9,
  max_plan_cells: 50,
  max_auto_cells_per_day: 500,
  max_dates_per_message: 31,
  live_days: 3,
  settle_hours: 6,
  stuck_after_hours: 36,
  cascade_ttl_days: 14,
  blocked_for_hours: 72,
  digest_minutes: 15,
  slots_per_table: 2,
  timeout_seconds: 480,
  ack_deadline_seconds: 540,
} as const;

const positive = z.number().int().positive();

export const columnTypes = ['STRING', 'INT64', 'FLOAT64', 'NUMERIC', 'BOOL', 'DATE', 'TIMESTAMP'] as const;
const columnTypeSchema = z.enum(columnTypes);
export type ColumnType = z.infer<typeof columnTypeSchema>;

/**
 * The dates before a game date that a processor may read of an upstream. `own_date` is that date alone. A number of days
 * or game dates counts back from the own date, without it; `include_own_date` adds it (the default, unless the reader is
 * due before the games and the upstream after them). No window crosses a season's start.
 */
const windowSchema = z.union([
  z.literal('own_date'),
  z.literal('season_to_date'),
  z.strictObject({
    days: positive.optional(),
    game_dates: positive.optional(),
    season_to_date: z.literal(true).optional(),
    include_own_date: z.boolean().optional(),
    critical: positive.optional(),
  }),
]);

export type WindowDefinition = z.infer<typeof windowSchema>;

const upstreamSchema = z.strictObject({
  processor: name,
  window: windowSchema.optional(),
  columns: z.array(name).min(1).optional(),
});

const modeSchema = z.enum(['observe', 'assist', 'enforce']);
const policySchema = z.enum(['report', 'reprocess']);

const targetSchema = z.union([
  z.strictObject({ bigquery_sql: z.string() }),
  z.strictObject({ in_process: z.string().regex(/^[^#]+#[A-Za-z_]\w*$/, { error: "write a module and a function, as './processors/land.ts#landSchedule'" }) }),
  z.strictObject({ command: z.array(z.string()).min(1) }),
  /** An address, or a Cloud Run service of the pipeline's own project and region. */
  z.strictObject({ http: z.union([z.string(), z.strictObject({ service: serviceName, path: servicePath.default('/') })]) }),
  z.strictObject({ cloud_run_job: z.string() }),
  z.strictObject({ pubsub: topicName }),
]);
export type TargetDefinition = z.infer<typeof targetSchema>;

export const processorSchema = z.strictObject({
  phase: name,
  aliases: aliasesSchema.optional(),
  table: tableName.optional(),
  table_filter: tableFilterSchema.optional(),
  landing: z.string().regex(/^[a-z0-9_]+$/, { error: 'a landing folder has lower-case letters, digits and _' }).optional(),
  key: z.array(name).min(1),
  date_column: name.default('game_date'),
  columns: z.record(name, columnTypeSchema).optional(),
  upstream: z.array(upstreamSchema).default([]),
  reads_own_history: z.strictObject({ window: windowSchema }).optional(),
  expected: z.enum(['after_final', 'before_games']).default('after_final'),
  every_day: z.boolean().default(false),
  only: z.array(z.string()).optional(),
  expectations: z.strictObject({
    expected_keys: z.enum(['games', 'none']).default('games'),
    min_rows_per_game: positive.optional(),
    min_rows: positive.optional(),
    required: z.array(name).default([]),
    warm_up_game_dates: z.number().int().nonnegative().default(0),
  }).prefault({}),
  volatile: z.array(name).default([]),
  order: z.enum(['any', 'sequential']).default('any'),
  target: z.union([targetSchema, z.strictObject({ embedded: targetSchema, google: targetSchema.optional() })]),
  timeout_seconds: positive.default(DEFAULTS.timeout_seconds),
  slots: positive.default(DEFAULTS.slots_per_table),
  source_check: z.string().regex(/^[^#]+#[A-Za-z_]\w*$/, { error: "write a module and a function, as './processors/land.ts#hasSchedule'" }).optional(),
  retention_days: positive.optional(),
  code_version: z.string().default(''),
  backfillable: z.boolean().default(true),
  critical: z.boolean().default(true),
  stale_policy: policySchema.optional(),
  altered_policy: policySchema.optional(),
  code_change_policy: policySchema.default('report'),
});
export type ProcessorDefinition = z.infer<typeof processorSchema>;

export const pipelineSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, { error: 'a pipeline name has lower-case letters, digits and -' }),
  time_zone: z.string(),
  topics: z.strictObject({ backfill_requests: topicName, dead_letters: topicName, alerts: topicName, gap_detection: topicName.optional(), stage_coordination: topicName.optional() }),
  subscriptions: z.strictObject({
    backfill_worker: topicName,
    phase_router: topicName,
    gap_detector: topicName.optional(),
    stage_coordinator: topicName.optional(),
    ack_deadline_seconds: z.number().int().min(10).max(600).default(DEFAULTS.ack_deadline_seconds),
  }),
  calendar: z.strictObject({
    seasons: z.array(z.strictObject({ name: z.string(), from: gameDate, to: gameDate })).min(1),
    schedule: z.strictObject({
      processor: name,
      key_column: name,
      status_column: name,
      final_when: z.array(z.number().int()).min(1),
      settled_when: z.array(z.number().int()).default([]),
      narrow_by: name.optional(),
    }).optional(),
    exclude: z.array(z.strictObject({ date: gameDate, reason: z.string() })).default([]),
  }),
  phases: z.array(z.strictObject({
    name,
    completion_topic: topicName,
    mode: modeSchema.default('observe'),
    cascades: z.boolean().default(true),
    cascade_target: z.union([z.literal('requests'), z.strictObject({ topic: topicName })]).default('requests'),
    backfillable: z.boolean().default(true),
    altered_policy: policySchema.default('reprocess'),
    message_map: messageMapSchema.optional(),
  })).min(1),
  message_map: messageMapSchema.optional(),
  tables: tablesSchema.prefault({}),
  settings: z.strictObject({
    auto_backfill_threshold: positive.default(DEFAULTS.auto_backfill_threshold),
    window_completeness: z.number().min(0).max(1).default(DEFAULTS.window_completeness),
    strict_mode: z.boolean().default(true),
    max_attempts: positive.default(DEFAULTS.max_attempts),
    row_threshold: z.number().min(0).max(1).default(DEFAULTS.row_threshold),
    max_plan_cells: positive.default(DEFAULTS.max_plan_cells),
    max_auto_cells_per_day: positive.default(DEFAULTS.max_auto_cells_per_day),
    max_dates_per_message: positive.default(DEFAULTS.max_dates_per_message),
    live_days: positive.default(DEFAULTS.live_days),
    settle_hours: z.number().nonnegative().default(DEFAULTS.settle_hours),
    stuck_after_hours: positive.default(DEFAULTS.stuck_after_hours),
    cascade_ttl_days: positive.default(DEFAULTS.cascade_ttl_days),
    blocked_for_hours: positive.default(DEFAULTS.blocked_for_hours),
    digest_minutes: positive.default(DEFAULTS.digest_minutes),
    detect_from: gameDate.optional(),
  }).prefault({}),
  processors: z.record(name, processorSchema),
});
export type PipelineDefinition = z.infer<typeof pipelineSchema>;
