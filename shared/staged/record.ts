import { z } from 'zod';
import type { Day } from '../calendar/day.ts';
import { failureCategories } from '../failures/category.ts';
import type { Pipeline, Processor } from '../pipeline/pipeline.ts';
import { reprocessModes } from '../requests/ask.ts';
import type { OpenRequest } from '../requests/cell.ts';
import { daySchema } from '../requests/record-schema.ts';
import { backfillDefinitionSchema, errorPolicies, type StageDefinition } from './schema.ts';

/**
 * The durable record of one staged backfill: what was asked, how far it is, and its journal. The holder of its lease and
 * a person's commands write it, never a worker: how far its cells are is read from the cells. Times are epoch milliseconds.
 */

const backfillStates = ['running', 'paused', 'stopped', 'gate_held', 'waits_for_approval', 'finished', 'cancelled'] as const;
export type BackfillState = (typeof backfillStates)[number];

const text = z.string();
const instant = z.number();

/** What somebody asked for; null: as the definition has it. */
const askedSchema = z.object({
  from: daySchema,
  to: daySchema,
  /** Null is every processor of the stages' phases. */
  processors: z.array(text).nullable(),
  /** These dates only; null is all of [from, to]. */
  dates: z.array(daySchema).nullable(),
  exclude: z.array(daySchema),
  reprocess: z.enum(reprocessModes),
  concurrency: z.int().nullable(),
  delaySeconds: z.number().nullable(),
  errorPolicy: z.enum(errorPolicies).nullable(),
  /** Failures that are out of retries, over the whole backfill, at which it stops whatever the policy. */
  maxFailures: z.int().nullable(),
  /** Each stage over all dates begins with few of them. */
  ramp: z.boolean().optional(),
  /** It does nothing before this backfill has ended. */
  join: text.optional(),
  by: text,
  reason: text,
  at: instant,
});
export type Asked = z.infer<typeof askedSchema>;

const figure = z.int().default(0);

/** What a gate saw of one table, as `TableFigures` has it; records stored before have the first figures only, accepted dates among the complete ones. */
const gateTableSchema = z.object({
  processor: text, critical: z.boolean(), expected: z.int(), complete: z.int(), nulls: z.int(),
  table: text.default(''), accepted: figure, missing: figure, short: figure, stale: figure, altered: figure, suspect: figure, pending: figure, leftOut: figure,
  /** The first of those that lack. */
  lacking: z.array(daySchema).default([]),
});
export type GateTable = z.infer<typeof gateTableSchema>;

/** A check that could not be run has an error and no count. */
const checkResultSchema = z.object({ file: text, demands: text.default(''), rows: z.int().nullable(), example: text.nullable(), error: text.nullable() });

export const gateResultSchema = z.object({
  at: instant,
  passed: z.boolean(),
  /** Why it holds; empty where it passed. */
  reasons: z.array(text),
  /** What did not hold it, and should be known. */
  notes: z.array(text).default([]),
  tables: z.array(gateTableSchema),
  /** Percent; null where nothing has ended yet. */
  successRate: z.number().nullable(),
  unresolved: z.int(),
  checks: z.array(checkResultSchema),
});
export type GateResult = z.infer<typeof gateResultSchema>;

/** What one of a gate's checks has said of the rows that `of` names. `outcome` null: it was cut short, so many times. */
const gateAnswerSchema = z.object({
  file: text,
  of: text,
  at: instant,
  cuts: z.int(),
  outcome: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('passed') }),
    z.object({ kind: z.literal('offended'), rows: z.number(), sample: z.array(z.record(text, z.union([text, z.number(), z.boolean(), z.null()]))) }),
    z.object({ kind: z.literal('did_not_run'), message: text }),
  ]).nullable(),
});
export type GateAnswer = z.infer<typeof gateAnswerSchema>;

const stageProgressSchema = z.object({
  name: text,
  startedAt: instant.nullable(),
  endedAt: instant.nullable(),
  approvedBy: text.nullable(),
  /** Asks of this stage are numbered by it: a cell is asked for once a round. */
  round: z.int(),
  /** What failed in an earlier round than this is tried again. */
  retriedFrom: z.int(),
  /** Steps of the ramp that were found good. */
  ramp: z.int().optional(),
  gate: gateResultSchema.nullable(),
  /** A look at its gate that has begun, in this round: what is answered already is not asked again. */
  looking: z.object({ round: z.int(), answers: z.array(gateAnswerSchema) }).nullable().optional(),
});
export type StageProgress = z.infer<typeof stageProgressSchema>;

/** A cell that ended without rows. `open` until it is complete, skipped or retried. */
const failedCellSchema = z.object({
  stage: text, processor: text, day: daySchema, category: z.enum(failureCategories), message: text, at: instant, runId: text.nullable(),
  became: z.enum(['open', 'retried', 'skipped']), note: text,
});
export type FailedCell = z.infer<typeof failedCellSchema>;
/** One that is not in the record yet; `skipped` where the error policy has it so. */
export type NewFailure = Pick<FailedCell, 'processor' | 'day' | 'category' | 'message' | 'runId'> & { readonly skipped: boolean };

const journalEntrySchema = z.object({ at: instant, by: text, event: text, text });
export type JournalEntry = z.infer<typeof journalEntrySchema>;

export const backfillRecordSchema = z.object({
  id: text,
  /** The pipeline's own words: this copy is gone by until the end. */
  definition: backfillDefinitionSchema,
  asked: askedSchema,
  state: z.enum(backfillStates),
  /** Why it is in that state. */
  note: text,
  /** Index of the stage that it is in. */
  stage: z.int(),
  stages: z.array(stageProgressSchema),
  failures: z.array(failedCellSchema),
  /** Failures that found no room in `failures`. */
  failuresLeftOut: z.int(),
  /** Of these, what was run and failed, and was not tried again since. */
  openLeftOut: z.int().optional(),
  skips: z.array(z.object({ day: daySchema, by: text, reason: text, at: instant })),
  journal: z.array(journalEntrySchema),
  /** Paused by a used-up quota at `since`: it goes on by itself at `at`. */
  goesOn: z.object({ since: instant, at: instant }).nullable().optional(),
  /** When one of its requests was last put before daily work. */
  turnGivenAt: instant.optional(),
  createdAt: instant,
  endedAt: instant.nullable(),
});
export type BackfillRecord = z.infer<typeof backfillRecordSchema>;

/** Order of a list of backfills. */
export function newestFirst(a: Pick<BackfillRecord, 'id' | 'createdAt'>, b: Pick<BackfillRecord, 'id' | 'createdAt'>): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

/** A state that it does not leave any more. */
export function hasEnded({ state }: Pick<BackfillRecord, 'state'>): boolean {
  return state === 'finished' || state === 'cancelled';
}

/** Whether it is advanced without a person's order: it runs, or waits for a quota. */
export function goesOnByItself({ state, goesOn }: Pick<BackfillRecord, 'state' | 'goesOn'>): boolean {
  return state === 'running' || (state === 'paused' && (goesOn ?? null) !== null);
}

/** The stage that a backfill is in: as defined, and how far it is. */
export function currentStage(record: BackfillRecord): { readonly definition: StageDefinition; readonly progress: StageProgress } {
  const definition = record.definition.stages[record.stage];
  const progress = record.stages[record.stage];
  if (!definition || !progress) throw new RangeError(`backfill ${record.id} has no stage ${record.stage}`);
  return { definition, progress };
}

/** Failures of the stage that a backfill is in, without those that were tried again since. */
export function standingFailures(record: BackfillRecord): readonly FailedCell[] {
  const { name } = currentStage(record).definition;
  return record.failures.filter((entry) => entry.stage === name && entry.became !== 'retried');
}

/** Id of the ask under which a stage's cells are opened in a round. */
export function askIdOf(record: BackfillRecord, stage: number, round: number): string {
  return `${askPrefix(record, stage)}${round}`;
}

export function askPrefix(record: BackfillRecord, stage: number): string {
  return `${askPrefixOfAny(record.id)}${record.definition.stages[stage]?.name ?? stage}:`;
}

function askPrefixOfAny(id: string): string {
  return `backfill:${id}:`;
}

/** The last round of a stage in which a cell was asked for; -1: never. */
export function roundAsked(record: BackfillRecord, stage: number, recentAsks: readonly string[]): number {
  const prefix = askPrefix(record, stage);
  let last = -1;
  for (const ask of recentAsks) if (ask.startsWith(prefix)) last = Math.max(last, Number(ask.slice(prefix.length)));
  return last;
}

/** Whether any stage of a backfill has asked for a cell: what is to be run again is run again by one of them, where a stage does not say more. */
export function askedByAny({ id }: Pick<BackfillRecord, 'id'>, recentAsks: readonly string[]): boolean {
  return recentAsks.some((ask) => ask.startsWith(askPrefixOfAny(id)));
}

/** Whether a request is a backfill's alone: what somebody else has asked for too is not its to stop or to take back. */
export function isItsAlone({ backfillId, asks }: Pick<OpenRequest, 'backfillId' | 'asks'>, id: string): boolean {
  return backfillId === id && asks.every((ask) => ask.startsWith(askPrefixOfAny(id)));
}

type Skip = BackfillRecord['skips'][number];

/** The processors of these phases, in topological order, as far as they were asked for. */
export function processorsAsked({ processors }: Pick<Pipeline, 'processors'>, { asked }: Pick<BackfillRecord, 'asked'>, phases: readonly string[]): readonly Processor[] {
  return processors.filter(({ name, phase }) => phases.includes(phase.name) && takesProcessor(asked, name));
}

export function takesProcessor({ processors }: Pick<Asked, 'processors'>, name: string): boolean {
  return processors === null || processors.includes(name);
}

/** Whether a date is among those asked for and not skipped by a person. */
export function takesDate(record: Pick<BackfillRecord, 'asked' | 'skips'>, day: Day): boolean {
  return isAskedFor(record.asked, day) && skipOf(record, day) === undefined;
}

export function isAskedFor(asked: Pick<Asked, 'from' | 'to' | 'dates' | 'exclude'>, day: Day): boolean {
  if (day < asked.from || day > asked.to || isExcluded(asked, day)) return false;
  return asked.dates === null || has(asked.dates, day);
}

export function isExcluded({ exclude }: Pick<Asked, 'exclude'>, day: Day): boolean {
  return exclude.length > 0 && has(exclude, day);
}

/** The skip of a date; of several, the first. */
export function skipOf({ skips }: Pick<BackfillRecord, 'skips'>, day: Day): Skip | undefined {
  if (skips.length === 0) return undefined;
  let byDay = skipsByDay.get(skips);
  if (!byDay) skipsByDay.set(skips, byDay = new Map(skips.toReversed().map((skip) => [skip.day, skip])));
  return byDay.get(day);
}

// A plan looks at the lists of a record for each of its cells, and a season is long: each is gone through once. Records
// are values: a list never changes.
const daySets = new WeakMap<readonly Day[], ReadonlySet<Day>>();
const skipsByDay = new WeakMap<readonly Skip[], ReadonlyMap<Day, Skip>>();

function has(days: readonly Day[], day: Day): boolean {
  let set = daySets.get(days);
  if (!set) daySets.set(days, set = new Set(days));
  return set.has(day);
}
