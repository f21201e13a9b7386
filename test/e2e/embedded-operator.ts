import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { launcher, type Ended, type Running, type Sandbox } from '../cli/harness.ts';
import type { Random } from '../simulation/random.ts';
import { NIGHT_MS, runSchema, type Failing, type Following, type HistoryRun, type Operator } from './operator.ts';
import { errors, moments, type Trouble } from './trouble.ts';

const nba = resolve(import.meta.dirname, '../../pipelines/nba');
const disturbance = pathToFileURL(join(import.meta.dirname, 'disturbance.ts')).href;

/** A cell, counted from the start of the backfill; at which of its moments, the dice say. */
export interface AtCell {
  readonly cell: number;
  readonly dice: Random;
}

/** One state folder. Failures and kills come from `disturbance.ts`. */
export class EmbeddedOperator implements Operator<AtCell> {
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

  mend(cells: readonly { readonly processor: string; readonly game_date: string }[]): number {
    const known = new Set(readdirSync(this.#trouble));
    const mended = cells.filter(({ processor, game_date }) => known.has(`${processor} ${game_date}`));
    for (const { processor, game_date } of mended) rmSync(join(this.#trouble, `${processor} ${game_date}`));
    return mended.length;
  }

  get unmended(): readonly string[] {
    return readdirSync(this.#trouble);
  }

  async sleepOvernight(): Promise<void> {
    this.#slept += NIGHT_MS;
  }

  run(...words: string[]): Promise<Ended> {
    return this.#start(words).ended;
  }

  async follow(words: readonly string[], moment: AtCell | null): Promise<Following> {
    const done = moment !== null && existsSync(this.state) ? (await this.history()).length : 0;
    const running = this.#start(words, moment === null ? {} : { E2E_TELL: `${moment.dice.pick(moments)} ${Math.max(1, moment.cell - done)}` });
    return {
      reached: moment === null ? new Promise(() => undefined) : running.says('stderr', /\[reached /).catch(() => new Promise(() => undefined)),
      ended: running.ended,
      // It tells, and runs on.
      letGo: () => undefined,
      kill: async () => {
        running.child.kill('SIGKILL');
        await running.ended;
      },
    };
  }

  async history(): Promise<readonly HistoryRun[]> {
    return historyRows(this.state);
  }

  #start(words: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const now = new Date(this.#beganAt + this.#slept + (performance.now() - this.#startedAt)).toISOString();
    const place = ['--pipeline', this.#pipeline, '--state', this.state, ...(words[1] === 'pause' ? [] : ['--now', now])];
    return this.#sandbox.start([...words, ...place], { script: launcher, env: { NODE_OPTIONS: `--import ${disturbance}`, E2E_TROUBLE: this.#trouble, ...env } });
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
