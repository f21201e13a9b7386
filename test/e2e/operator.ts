import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { launcher, type Sandbox, type Ended, type Running } from '../cli/harness.ts';
import type { Random } from '../simulation/random.ts';
import { errors, moments, type Trouble } from './trouble.ts';
import type { FailureCategory } from '../../shared/failures/category.ts';

const nba = resolve(import.meta.dirname, '../../pipelines/nba');
const disturbance = pathToFileURL(join(import.meta.dirname, 'disturbance.ts')).href;

export const recordSchema = z.looseObject({
  id: z.string(), state: z.string(), note: z.string(), stage: z.string().nullable(),
  stages: z.array(z.looseObject({ name: z.string(), started_at: z.string().nullable(), gate: z.looseObject({ passed: z.boolean(), reasons: z.array(z.string()) }).nullable() })),
  failures: z.array(z.looseObject({ stage: z.string(), processor: z.string(), game_date: z.string(), category: z.string(), message: z.string(), run_id: z.string().nullable(), became: z.string() })),
  journal: z.array(z.looseObject({ at: z.string(), event: z.string(), text: z.string() })),
  tried_again: z.array(z.looseObject({ processor: z.string(), game_date: z.string(), category: z.string(), run_id: z.string(), outcome: z.string().nullable() })).default([]),
});
export type Shown = z.infer<typeof recordSchema>;

const runSchema = z.object({ run_id: z.string(), processor_name: z.string(), data_date: z.string(), status: z.string(), processing_decision: z.string(), category: z.string().nullable(), created_at: z.string() });
export type HistoryRun = z.infer<typeof runSchema>;

/** The record that a command with --json has printed. */
export function shownBy({ stdout, stderr }: Ended): Shown {
  assert.notEqual(stdout, '', stderr);
  return recordSchema.parse(JSON.parse(stdout));
}

/** Where and how a cell fails; `times` null: until the operator mends it. */
export interface Failing {
  readonly processor: string;
  readonly date: string;
  readonly category: FailureCategory;
  readonly times: number | null;
}

/**
 * One state folder, and whoever operates it: by the commands of the README alone, each a process of its own. Failures and
 * kills come from outside (`disturbance.ts`).
 */
export class Operator {
  readonly state: string;
  readonly #sandbox: Sandbox;
  readonly #pipeline: string;
  readonly #trouble: string;
  /** What the operator's clock shows: the machine's, moved on by nights that were slept. */
  #slept = 0;
  readonly #beganAt: number;
  readonly #startedAt = performance.now();

  constructor(sandbox: Sandbox, began: string) {
    this.#sandbox = sandbox;
    this.state = sandbox.state();
    this.#trouble = `${this.state}-trouble`;
    this.#pipeline = `${this.state}-pipeline`;
    this.#beganAt = Date.parse(began);
    mkdirSync(this.#trouble, { recursive: true });
    mkdirSync(this.#pipeline);
    for (const name of ['pipeline.yaml', 'processors', 'data', 'sql', 'checks']) symlinkSync(join(nba, name), join(this.#pipeline, name));
    // What ships, but for the half minute between two attempts.
    const shipped = readFileSync(join(nba, 'backfills.yaml'), 'utf8');
    writeFileSync(join(this.#pipeline, 'backfills.yaml'), shipped.replaceAll(/^( +)error_policy: /gm, '$1retry_delay_seconds: 1\n$1error_policy: '));
  }

  fail(failing: readonly Failing[]): void {
    for (const { processor, date, category, times } of failing) {
      const trouble: Trouble = { ...errors[category], times };
      writeFileSync(join(this.#trouble, `${processor} ${date}`), JSON.stringify(trouble));
    }
  }

  /** What was looked into is mended. Says how many cells were. */
  mend(cells: readonly { readonly processor: string; readonly game_date: string }[]): number {
    const known = new Set(readdirSync(this.#trouble));
    const mended = cells.filter(({ processor, game_date }) => known.has(`${processor} ${game_date}`));
    for (const { processor, game_date } of mended) rmSync(join(this.#trouble, `${processor} ${game_date}`));
    return mended.length;
  }

  get unmended(): readonly string[] {
    return readdirSync(this.#trouble);
  }

  sleepOvernight(): void {
    this.#slept += 14 * 3_600_000;
  }

  /** A command under way. `tell`: a moment, and how many cells from now, at which it says that it is there. */
  start(words: readonly string[], tell: { readonly seed: Random; readonly cell: number } | null = null): Running {
    const now = new Date(this.#beganAt + this.#slept + (performance.now() - this.#startedAt)).toISOString();
    const place = ['--pipeline', this.#pipeline, '--state', this.state, ...(words[1] === 'pause' ? [] : ['--now', now])];
    return this.#sandbox.start([...words, ...place], {
      script: launcher,
      env: { NODE_OPTIONS: `--import ${disturbance}`, E2E_TROUBLE: this.#trouble, ...(tell ? { E2E_TELL: `${tell.seed.pick(moments)} ${tell.cell}` } : {}) },
    });
  }

  run(...words: readonly string[]): Promise<Ended> {
    return this.start(words).ended;
  }

  async report(id: string): Promise<Shown> {
    return shownBy(await this.run('backfill', 'report', id, '--json'));
  }

  history(): HistoryRun[] {
    return historyRows(this.state);
  }
}

/** All rows of a state folder's run history, the oldest first. */
export function historyRows(state: string): HistoryRun[] {
  const database = new DatabaseSync(join(state, 'state.sqlite'), { readOnly: true });
  try {
    return z.array(runSchema).parse(database.prepare('SELECT run_id, processor_name, data_date, status, processing_decision, category, created_at FROM processor_run_history ORDER BY seq').all().map((row) => ({ ...row })));
  } finally {
    database.close();
  }
}
