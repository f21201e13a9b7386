import { z } from 'zod';
import { parseDay } from '../calendar/day.ts';
import { reprocessModes } from './ask.ts';
import { priorities } from './cell.ts';

/**
 * The messages that come in and go out, and nothing else that crosses a process. Field names are snake_case as in the
 * source documents; fields that are not named here are kept and ignored; null counts as left out. docs/messages.md
 * explains them to people.
 */

const DATE_HELP = 'write a date as YYYY-MM-DD, for example 2023-11-15';
const date = z.string({ error: (issue) => (issue.input === undefined ? undefined : DATE_HELP) })
  .regex(/^\d{4}-\d{2}-\d{2}$/, { error: DATE_HELP, abort: true })
  .refine((text) => parseDay(text) !== undefined, { error: DATE_HELP });
const processorName = z.string().min(1).max(200);
const instant = z.iso.datetime({ offset: true, local: true, error: 'write a time as 2023-11-16T04:10:00Z' });
const text = z.string().max(10_000);

/** Absent and null are the same; readers get null. */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? null);
}

/** Absent and null are the same; readers get the default. */
function flag(value: boolean) {
  return z.boolean().nullish().meta({ default: value }).transform((given) => given ?? value);
}

/** The three names under which the source documents' services write the date key. */
export const dateNames = ['game_date', 'data_date', 'analysis_date'] as const;
const dateAliases = { game_date: date.nullish(), data_date: date.nullish(), analysis_date: date.nullish() };
interface Aliased {
  readonly game_date?: string | null | undefined;
  readonly data_date?: string | null | undefined;
  readonly analysis_date?: string | null | undefined;
}

/** The one date that a message gives under one or more of the names; undefined: none; false: they differ. */
function oneDate(message: Aliased): string | undefined | false {
  const given = new Set(dateNames.map((name) => message[name]).filter((value) => typeof value === 'string'));
  if (given.size > 1) return false;
  return [...given][0];
}
const DATES_DIFFER = 'game_date, data_date and analysis_date are the same thing; here they differ: send one of them';

/** Published to the topic of backfill requests: by a person, the console, the CLI, another service. */
export const backfillRequestSchema = z.looseObject({
  processor_name: processorName,
  start_date: date.nullish(),
  end_date: date.nullish(),
  ...dateAliases,
  is_backfill: flag(true),
  trigger_reason: optional(text),
  requested_at: optional(text),
  requested_by: optional(text),
  priority: z.enum(priorities).nullish().meta({ default: 'normal' }).transform((value) => value ?? 'normal'),
  request_id: optional(z.string().min(1).max(200)),
  backfill_id: optional(z.string().min(1).max(200)),
  skip_downstream_trigger: flag(true),
  reprocess: z.enum(reprocessModes).nullish().meta({ default: 'none' }).transform((value) => value ?? 'none'),
  force: flag(false),
  dry_run: flag(false),
  reason: optional(text),
  cause_id: optional(z.string().min(1).max(200)),
}).meta({
  title: 'Backfill request',
  anyOf: [{ required: ['start_date', 'end_date'] }, ...dateNames.map((name) => ({ required: [name] }))],
}).transform((message, context) => {
  const single = oneDate(message);
  const start = message.start_date ?? (single || undefined);
  const end = message.end_date ?? (single || undefined);
  if (single === false) context.addIssue({ code: 'custom', message: DATES_DIFFER, path: ['game_date'] });
  else if (start === undefined) context.addIssue({ code: 'custom', message: 'missing; send start_date and end_date, both included', path: ['start_date'] });
  else if (end === undefined) context.addIssue({ code: 'custom', message: 'missing; for one date send it as start_date and end_date', path: ['end_date'] });
  else if (single !== undefined && (start !== single || end !== single)) context.addIssue({ code: 'custom', message: 'another date than start_date and end_date say; send one or the other', path: ['game_date'] });
  else {
    const { game_date: _game, data_date: _data, analysis_date: _analysis, ...rest } = message;
    return { ...rest, start_date: start, end_date: end };
  }
  return z.NEVER;
});
export type BackfillRequest = z.infer<typeof backfillRequestSchema>;

export const completionStatuses = ['success', 'failed', 'skipped', 'no_data'] as const;
export type CompletionStatus = (typeof completionStatuses)[number];
const status = z.enum(completionStatuses);
const rowCount = optional(z.number().int().nonnegative());

/** Published to a phase's completion topic by a processor, ours or the team's: it says that it finished a date. */
export const phaseCompleteSchema = z.looseObject({
  phase: z.string().min(1).max(200),
  processor_name: processorName,
  ...dateAliases,
  status,
  backfill_mode: flag(false),
  skip_downstream_trigger: flag(false),
  rows_processed: rowCount,
  run_id: optional(z.string().min(1).max(200)),
  started_at: optional(instant),
  completed_at: optional(instant),
  backfill_id: optional(z.string().min(1).max(200)),
  code_version: optional(text),
  error_message: optional(z.string()),
  cause_id: optional(z.string().min(1).max(200)),
}).meta({
  title: 'Phase complete',
  anyOf: dateNames.map((name) => ({ required: [name] })),
}).transform((message, context) => {
  const single = oneDate(message);
  const { data_date: _data, analysis_date: _analysis, ...rest } = message;
  if (typeof single === 'string') return { ...rest, game_date: single };
  context.addIssue({ code: 'custom', message: single === false ? DATES_DIFFER : 'missing; send the date as game_date', path: ['game_date'] });
  return z.NEVER;
});
export type PhaseComplete = z.infer<typeof phaseCompleteSchema>;

/** What a target receives: http body, job arguments, trigger message, a command's stdin. */
export const targetInputSchema = z.looseObject({
  processor_name: processorName,
  start_date: date,
  end_date: date,
  run_id: z.string().min(1).max(200),
  is_backfill: z.boolean(),
  backfill_mode: z.boolean(),
  skip_downstream_trigger: z.boolean(),
  strict_mode: z.boolean(),
  trigger_reason: z.string(),
  backfill_id: z.string().nullable(),
}).meta({ title: 'Target input' });
export type TargetInput = z.infer<typeof targetInputSchema>;

/** What a synchronous target answers. */
export const targetAnswerSchema = z.looseObject({
  status,
  rows_processed: rowCount,
  code_version: optional(text),
  error: optional(z.looseObject({ type: z.string().nullish().meta({ default: 'Error' }).transform((value) => value ?? 'Error'), message: z.string() })),
}).meta({ title: 'Target answer' });
export type TargetAnswer = z.infer<typeof targetAnswerSchema>;

/** Published to a phase's `cascade_target` topic when the phase before it is complete for a date and nothing holds it. */
export const cascadeTriggerSchema = z.looseObject({
  /** The phase that is to start. */
  phase: z.string(),
  completed_phase: z.string(),
  game_date: date,
  status: z.literal('success'),
  trigger_reason: z.literal('cascade'),
  backfill_mode: z.literal(false),
  skip_downstream_trigger: z.literal(false),
  /** What the date makes ready: a processor that looks forward has another date. */
  cells: z.array(z.strictObject({ processor_name: processorName, game_date: date })),
  cause_id: z.string().nullable(),
}).meta({ title: 'Cascade trigger' });
export type CascadeTrigger = z.infer<typeof cascadeTriggerSchema>;

const schemas = {
  backfill_request: backfillRequestSchema,
  phase_complete: phaseCompleteSchema,
  target_input: targetInputSchema,
  target_answer: targetAnswerSchema,
  cascade_trigger: cascadeTriggerSchema,
} as const;
export type MessageKind = keyof typeof schemas;

/** The messages as JSON Schema (draft 2020-12), as a sender has to write them. */
export function messageJsonSchemas(): Record<MessageKind, z.core.JSONSchema.BaseSchema> {
  const asJson = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' });
  return {
    backfill_request: asJson(schemas.backfill_request),
    phase_complete: asJson(schemas.phase_complete),
    target_input: asJson(schemas.target_input),
    target_answer: asJson(schemas.target_answer),
    cascade_trigger: asJson(schemas.cascade_trigger),
  };
}

/** Epoch milliseconds of a message's time. Without a zone it is UTC: Python's `utcnow().isoformat()` writes none. */
export function instantOf(text: string): number {
  return Date.parse(/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text}Z`);
}
