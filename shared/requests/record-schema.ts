import { z } from 'zod';
import { day } from '../calendar/day.ts';
import type { RememberedGame } from '../calendar/remembered.ts';
import type { CascadeReason, CascadeRecord } from '../cascade/cascade.ts';
import { failureCategories } from '../failures/category.ts';
import { askers, askOutcomes, reprocessModes, type Ask, type AskCell } from './ask.ts';
import {
  priorities, requestKinds, requestStates, type Acceptance, type CellKey, type CellRecord, type EndedBadly, type Lease, type OpenRequest, type Overwrite, type RetryRule, type RollbackOrder, type StopOrder, type TraceDigests,
  type VerifiedRun,
} from './cell.ts';

/**
 * The records as they are read back from where they are kept. A record that does not fit was damaged, or written by
 * another version: whoever reads it says which one, instead of deciding on half of it.
 */
const text = z.string();
const instant = z.number();

/** A game date as records keep it: days since 1970-01-01. */
export const daySchema = z.int().transform(day);

const cellKeySchema: z.ZodType<CellKey> = z.object({ processor: text, day: daySchema });

const traceDigestsSchema: z.ZodType<TraceDigests> = z.object({
  digest: text, edges: z.record(text, text), definitionHash: text, codeVersion: text,
});

const leaseOfCellSchema: z.ZodType<Lease> = z.object({
  owner: text, token: z.int(), until: instant, runId: text, startedAt: instant,
  started: z.object({ handle: text, trace: traceDigestsSchema, held: text }).optional(),
});

const stopOrderSchema: z.ZodType<StopOrder> = z.object({ how: z.enum(['cancel', 'pause']), by: text, reason: text, at: instant });

const retryRuleSchema: z.ZodType<RetryRule> = z.object({ maxAttempts: z.int(), delayMs: z.number() });

const rollbackOrderSchema: z.ZodType<RollbackOrder> = z.object({ backfillId: text.nullable(), deletes: z.boolean(), by: text, reason: text });

const openRequestSchema: z.ZodType<OpenRequest> = z.object({
  state: z.enum(requestStates),
  kind: z.enum(requestKinds),
  priority: z.enum(priorities),
  reason: text,
  requestedBy: text,
  openedAt: instant,
  asks: z.array(text),
  waitingFor: cellKeySchema.nullable(),
  waitingSince: instant.nullable(),
  attempts: z.int(),
  notBefore: instant.nullable(),
  lease: leaseOfCellSchema.nullable(),
  again: z.boolean(),
  force: z.boolean(),
  rerun: z.boolean(),
  skipDownstreamTrigger: z.boolean(),
  isBackfill: z.boolean(),
  planId: text.nullable(),
  backfillId: text.nullable(),
  cause: text.optional(),
  retry: retryRuleSchema.optional(),
  quota: text.optional(),
  plannedAt: z.number().optional(),
  halts: z.boolean().optional(),
  rollback: rollbackOrderSchema.optional(),
  stop: stopOrderSchema.optional(),
  claims: z.int().optional(),
  takeovers: z.int(),
});

const verifiedRunSchema: z.ZodType<VerifiedRun> = z.object({
  runId: text,
  at: instant,
  rows: z.number(),
  fingerprint: text,
  views: z.record(text, text),
  silent: z.boolean().optional(),
  found: z.boolean().optional(),
  standsFor: z.object({ fingerprint: text, views: z.record(text, text) }).optional(),
  trace: traceDigestsSchema.nullable(),
  origin: z.enum(['ours', 'external']),
  forced: z.boolean(),
});

const endedBadlySchema: z.ZodType<EndedBadly> = z.object({
  outcome: z.enum(['failed', 'cancelled', 'skipped', 'rolled_back']),
  category: z.enum(failureCategories),
  message: text,
  at: instant,
  runId: text.nullable(),
  step: z.int(),
  coolsUntil: instant.nullable(),
  inputsDigest: text.nullable(),
  definitionHash: text,
  reported: z.boolean().optional(),
});

const overwriteSchema: z.ZodType<Overwrite> = z.object({
  backfillId: text, at: instant, held: text, last: verifiedRunSchema.nullable(), suspect: text.nullable(), wrote: text.nullable(),
  rolledBack: z.object({ by: text, reason: text, at: instant, run: text.optional() }).optional(),
});

const acceptanceSchema: z.ZodType<Acceptance> = z.object({
  by: text, reason: text, at: instant, until: instant.nullable(), fingerprint: text.nullable(), missingKeys: z.array(text),
});

export const cellRecordSchema: z.ZodType<CellRecord> = z.object({
  processor: text,
  day: daySchema,
  generation: z.int(),
  request: openRequestSchema.nullable(),
  last: verifiedRunSchema.nullable(),
  failure: endedBadlySchema.nullable(),
  hold: z.object({ by: text, reason: text, at: instant }).nullable(),
  acceptance: acceptanceSchema.nullable(),
  suspect: text.nullable(),
  overwrites: z.array(overwriteSchema).optional(),
  recentAsks: z.array(text),
});

export const askSchema: z.ZodType<Ask> = z.object({
  id: text,
  asker: z.enum(askers),
  by: text,
  reason: text,
  at: instant,
  priority: z.enum(priorities),
  reprocess: z.enum(reprocessModes),
  force: z.boolean(),
  skipDownstreamTrigger: z.boolean(),
  isBackfill: z.boolean(),
  planId: text.nullable(),
  backfillId: text.nullable(),
  summary: text,
  refused: text.nullable(),
  cause: text.optional(),
  retry: retryRuleSchema.optional(),
  plannedAt: z.number().optional(),
  halts: z.boolean().optional(),
});

export const askCellSchema: z.ZodType<AskCell> = z.object({
  askId: text, processor: text, day: daySchema, outcome: z.enum(askOutcomes), note: text, at: instant,
});

const cascadeReasonSchema: z.ZodType<CascadeReason> = z.object({ condition: z.int(), text });

export const cascadeRecordSchema: z.ZodType<CascadeRecord> = z.object({
  phase: text,
  day: daySchema,
  state: z.enum(['expected', 'waiting', 'parked', 'released', 'not_cascading']),
  reasons: z.array(cascadeReasonSchema),
  wouldHave: z.array(cascadeReasonSchema),
  digest: text.nullable(),
  releasedDigests: z.array(text),
  openedAt: instant,
  decidedAt: instant,
  releasedAt: instant.nullable(),
  backfillId: text.nullable(),
  releasedBy: text.nullable(),
});

export const rememberedGameSchema: z.ZodType<RememberedGame> = z.object({
  key: text, day: daySchema, status: z.number(), narrow: text.nullable(), removed: text.nullable(),
});
