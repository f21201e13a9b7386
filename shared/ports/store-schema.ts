import { z } from 'zod';
import { daySchema, rememberedGameSchema } from '../requests/record-schema.ts';
import type { Controls, LeaseRecord, SlotRecord } from './request-store.ts';

/** The store's own records, as they are read back from where they are kept. */
export const slotRecordSchema: z.ZodType<SlotRecord> = z.object({
  processor: z.string(),
  holders: z.array(z.object({ day: daySchema, token: z.int(), until: z.number() })),
  slowUntil: z.number().nullable(),
});

export const leaseRecordSchema: z.ZodType<LeaseRecord> = z.object({
  name: z.string(), owner: z.string(), until: z.number(), again: z.boolean(), detail: z.string(),
});

export const controlsSchema: z.ZodType<Controls> = z.object({
  paused: z.object({ by: z.string(), reason: z.string(), at: z.number() }).nullable(),
  adoptedOn: daySchema.nullable(),
  autoCells: z.object({ day: daySchema, count: z.int() }).nullable(),
  lastBoundsAlert: z.string().nullable(),
  halted: z.array(z.string()).optional(),
});

export const rememberedGamesSchema = z.array(rememberedGameSchema);
