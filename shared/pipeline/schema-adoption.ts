import { z } from 'zod';
import { completionStatuses } from '../requests/messages.ts';
import { name, tableName, datasetName } from './schema-names.ts';

/** The parts of a definition by which a pipeline that already runs is described as it is, changed in nothing. */

const status = z.enum(completionStatuses);
/** A name that somebody else chose: a field of a message, a value in it, a service. */
const theirs = z.string().min(1).max(200);

/** The fields of a phase-complete message that another name may stand for. */
const completionFields = [
  'phase', 'processor_name', 'game_date', 'status', 'backfill_mode', 'skip_downstream_trigger', 'rows_processed', 'run_id', 'started_at', 'completed_at',
  'backfill_id', 'code_version', 'error_message',
] as const;
export type CompletionField = (typeof completionFields)[number];

/** How the completion messages of a running pipeline differ from ours. */
export const messageMapSchema = z.strictObject({
  /** Their field, a.b for one inside another, and ours. */
  fields: z.record(theirs, z.enum(completionFields)).optional(),
  /** Their value of the status, letter case aside, and ours. */
  statuses: z.record(theirs, status).optional(),
  /** What a message without a status says. */
  default_status: status.optional(),
  /** Their name of a phase, and ours. */
  phases: z.record(theirs, name).optional(),
  /** Processors of the topic that the definition leaves out: their messages are acknowledged and nothing more. */
  ignore: z.array(theirs).optional(),
});
export type MessageMapDefinition = z.infer<typeof messageMapSchema>;

/** Rows of a table that two services fill: those with this value are the processor's. */
export const tableFilterSchema = z.strictObject({
  column: name,
  equals: z.union([z.string().max(200), z.number().int(), z.boolean()]),
});

/** An existing history table of the team, or a view of it; it is read and never altered. */
const historyViewSchema = z.strictObject({
  table: tableName,
  /** Our column and theirs. */
  columns: z.strictObject({
    processor_name: name,
    game_date: name,
    status: name,
    run_id: name.optional(),
    started_at: name.optional(),
    completed_at: name.optional(),
    rows_processed: name.optional(),
    error_message: name.optional(),
  }),
  statuses: z.record(theirs, status).optional(),
});

/** Tables besides the processors' own. */
export const tablesSchema = z.strictObject({
  run_history: tableName.optional(),
  backfill_requests: tableName.optional(),
  staging_dataset: datasetName.optional(),
  history_view: historyViewSchema.optional(),
});
export type TablesDefinition = z.infer<typeof tablesSchema>;

export const aliasesSchema = z.array(theirs);
