import { z } from 'zod';
import type { Day } from '../calendar/day.ts';
import type { Coverage } from '../gaps/coverage.ts';

/** What a partition held when it was last measured. It holds as long as the partition's mark is the same. */
export interface Remembered {
  /** The partition's rows and last change, and the rule by which it was measured. */
  readonly mark: string;
  readonly coverage: Coverage;
}

/** Remembered coverage, by blocks of days: a processor's season lies in two or three of them. */
export interface CoverageMemo {
  read(processor: string, block: number): Promise<ReadonlyMap<Day, Remembered>>;
  /** Other days of the block stay; null forgets a day. */
  write(processor: string, block: number, days: ReadonlyMap<Day, Remembered | null>): Promise<void>;
}

export const BLOCK_DAYS = 128;

export function blockOf(at: Day): number {
  return Math.floor(at / BLOCK_DAYS);
}

export function blocksBetween(from: Day, to: Day): readonly number[] {
  const blocks: number[] = [];
  for (let block = blockOf(from); block <= blockOf(to); block += 1) blocks.push(block);
  return blocks;
}

const coverageSchema: z.ZodType<Coverage> = z.object({
  rows: z.number(), games: z.record(z.string(), z.number()).nullable(), duplicates: z.number(), nulls: z.number(),
  fingerprint: z.string(), views: z.record(z.string(), z.string()),
});
const rememberedSchema: z.ZodType<Remembered> = z.object({ mark: z.string(), coverage: coverageSchema });

/** Text, so that a store keeps one value a day instead of an index entry for every game of it. */
export function encodeRemembered(remembered: Remembered): string {
  return JSON.stringify(remembered);
}

/** What cannot be read is not remembered: the date is measured anew. */
export function decodeRemembered(text: unknown): Remembered | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    return rememberedSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
