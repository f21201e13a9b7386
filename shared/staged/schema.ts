import { z } from 'zod';
import { name } from '../pipeline/schema-names.ts';
import { reprocessModes } from '../requests/ask.ts';

/** The shape of `backfills.yaml`, beside pipeline.yaml. Every default stands here and in docs/backfills.md. */

export const errorPolicies = ['stop', 'continue', 'skip-deps'] as const;
export type ErrorPolicy = (typeof errorPolicies)[number];
const stageOrders = ['parallel', 'by_date'] as const;

/** Numbers that a stage may leave out. Concurrency of the sequential stages: source document 001 runs one date at a time. */
const STAGE_DEFAULTS = { concurrency: 4, retries: 2, retry_delay_seconds: 30, delay_seconds: 0 } as const;

const percent = z.number().min(0).max(100);

const gateSchema = z.strictObject({
  /** Whose tables are looked at; the stage's own phases where left out. */
  phases: z.array(name).min(1).optional(),
  /** Least complete and accepted ÷ expected dates, for each critical table by itself. */
  coverage_percent: percent.optional(),
  no_unresolved_failures: z.boolean().default(true),
  /** Dates that have rows and are stale, altered or suspect. */
  doubtful: z.enum(['hold', 'show']).default('hold'),
  /** Least complete ÷ (complete + failed) cells of the whole backfill so far. */
  success_rate_percent: percent.optional(),
  /** Most nulls in required columns, over all critical tables together. */
  max_nulls: z.number().int().nonnegative().optional(),
  /** Queries whose rows are what is wrong: none may come back. */
  checks: z.array(z.string()).default([]),
});
export type GateDefinition = z.infer<typeof gateSchema>;

const stageSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,30}$/, { error: 'a stage name has lower-case letters, digits and _' }),
  phases: z.array(name).min(1),
  /** `first`, `last`: one canary date of those asked for. */
  dates: z.enum(['all', 'first', 'last']).default('all'),
  /** What fills the calendar is run before anything else, for all dates: it decides which others are expected. */
  calendar_first: z.boolean().default(false),
  order: z.enum(stageOrders).default('parallel'),
  concurrency: z.number().int().min(1).max(100).default(STAGE_DEFAULTS.concurrency),
  /** How often a transient failure is tried again. */
  retries: z.number().int().min(0).max(20).default(STAGE_DEFAULTS.retries),
  retry_delay_seconds: z.number().min(0).max(86_400).default(STAGE_DEFAULTS.retry_delay_seconds),
  error_policy: z.enum(errorPolicies).default('stop'),
  /** Between two dates of a stage in order of dates. */
  delay_seconds: z.number().min(0).max(86_400).default(STAGE_DEFAULTS.delay_seconds),
  reprocess: z.enum(reprocessModes).optional(),
  /** Only what its first phase has is opened by itself: the other phases of a date are started by the router's cascades. */
  cascade: z.boolean().default(false),
  /** Does not start before a person has approved it. */
  needs_approval: z.boolean().default(false),
  gate: gateSchema.optional(),
});
export type StageDefinition = z.infer<typeof stageSchema>;

const definitionSchema = z.strictObject({
  description: z.string().default(''),
  stages: z.array(stageSchema).min(1),
});

export const backfillsSchema = z.strictObject({
  version: z.literal(1),
  backfills: z.record(name, definitionSchema),
});
export type BackfillsFile = z.infer<typeof backfillsSchema>;

/** A gate's query, with its text. */
const checkSchema = z.object({ file: z.string(), sql: z.string() });
export type Check = z.infer<typeof checkSchema>;

/** A definition as a backfill keeps it: it goes on with the one that it was started with. */
export const backfillDefinitionSchema = definitionSchema.extend({ name, checks: z.array(checkSchema), hash: z.string() });
export type BackfillDefinition = z.infer<typeof backfillDefinitionSchema>;

/** The JSON Schema of backfills.yaml, for editors (pipelines/backfills.schema.json) and for naming what is allowed in messages. */
export function backfillsJsonSchema(): z.core.JSONSchema.JSONSchema {
  return {
    title: 'smart-backfill backfills',
    description: 'The definitions of a pipeline’s staged backfills: see docs/backfills.md.',
    ...z.toJSONSchema(backfillsSchema, { io: 'input' }),
  };
}

/** The text of pipelines/backfills.schema.json. */
export function backfillsJsonSchemaText(): string {
  return `${JSON.stringify(backfillsJsonSchema(), null, 2)}\n`;
}
