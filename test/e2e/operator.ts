import assert from 'node:assert/strict';
import { z } from 'zod';
import type { FailureCategory } from '../../shared/failures/category.ts';
import type { Ended } from '../cli/harness.ts';

/** Whoever operates a staged backfill, and what comes over it: the same in both runtimes. */

export const recordSchema = z.looseObject({
  id: z.string(), state: z.string(), note: z.string(), stage: z.string().nullable(),
  stages: z.array(z.looseObject({ name: z.string(), started_at: z.string().nullable(), gate: z.looseObject({ passed: z.boolean(), reasons: z.array(z.string()) }).nullable() })),
  failures: z.array(z.looseObject({ stage: z.string(), processor: z.string(), game_date: z.string(), category: z.string(), message: z.string(), run_id: z.string().nullable(), became: z.string() })),
  journal: z.array(z.looseObject({ at: z.string(), event: z.string(), text: z.string() })),
  tried_again: z.array(z.looseObject({ processor: z.string(), game_date: z.string(), category: z.string(), run_id: z.string(), outcome: z.string().nullable() })).default([]),
});
export type Shown = z.infer<typeof recordSchema>;

export const runSchema = z.object({ run_id: z.string(), processor_name: z.string(), data_date: z.string(), status: z.string(), processing_decision: z.string(), category: z.string().nullable(), created_at: z.string() });
export type HistoryRun = z.infer<typeof runSchema>;

/** The record that a command with --json has printed. */
export function shownBy({ stdout, stderr }: Ended): Shown {
  assert.notEqual(stdout, '', stderr);
  return recordSchema.parse(JSON.parse(stdout));
}

/** From bedtime to the next morning. */
export const NIGHT_MS = 14 * 3_600_000;

/** Where and how a cell fails; `times` null: until the operator mends it. */
export interface Failing {
  readonly processor: string;
  readonly date: string;
  readonly category: FailureCategory;
  readonly times: number | null;
}

/**
 * One place where a backfill runs, and whoever operates it: by the commands of the README alone, each a process of its own.
 * Failures and deaths come from outside. `M` says when a death comes.
 */
export interface Operator<M> {
  /** From now on these cells fail. */
  fail(failing: readonly Failing[]): void;
  /** What was looked into is mended. Says how many cells were. */
  mend(cells: readonly { readonly processor: string; readonly game_date: string }[]): number;
  /** Cells that are still to fail. */
  readonly unmended: readonly string[];
  sleepOvernight(): Promise<void>;
  run(...words: string[]): Promise<Ended>;
  /** Gives an order (`start`, `resume`, `watch`) and looks on until the backfill has ended or needs a person. */
  follow(words: readonly string[], moment: M | null): Promise<Following>;
  /** All rows of the run history, the oldest first. */
  history(): Promise<readonly HistoryRun[]>;
}

export interface Following {
  /** Resolves when the moment has come; never where there is none. */
  readonly reached: Promise<void>;
  readonly ended: Promise<Ended>;
  /** Lets go on what waits at the moment. */
  letGo(): void;
  /** Ends at once what runs the backfill, and the command that looks on. */
  kill(): Promise<void>;
}

export async function reportOf(operator: Operator<never>, id: string): Promise<Shown> {
  return shownBy(await operator.run('backfill', 'report', id, '--json'));
}
