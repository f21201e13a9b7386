import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sinon from 'sinon';
import { compareWarehouses } from '../../../scripts/demo/proof.ts';
import type { OpenedDemo } from '../../../scripts/demo/story.ts';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { explainCell, inspectGaps } from '../../../shared/flows/inspect.ts';
import { recover, type Recovered, type RecoverOptions } from '../../../shared/flows/recover.ts';
import { advanceBackfill, type AdvanceOptions } from '../../../shared/flows/staged/advance.ts';
import { orderBackfill, startBackfill } from '../../../shared/flows/staged/orders.ts';
import { loadBackfills } from '../../../shared/staged/load.ts';
import type { Asked, BackfillRecord } from '../../../shared/staged/record.ts';
import type { BackfillDefinition } from '../../../shared/staged/schema.ts';
import { asked } from '../../staged/builders.ts';
import { builtThrough, FROM, nbaPipeline, openAt, recoverOptions, withCopy } from './built-season.ts';

/**
 * What the source documents 001 and 002 tell people to do when something goes wrong: the symptom, the diagnosis by one
 * look, the recovery by one command, over the real engine and real rows.
 */

export const LAST = '2023-11-10';
const MORNING = '2023-11-14';
export const PHASE_3 = ['PlayerGameSummaryProcessor', 'TeamDefenseGameSummaryProcessor', 'TeamOffenseGameSummaryProcessor', 'UpcomingPlayerGameContextProcessor', 'UpcomingTeamGameContextProcessor'];
export const pipeline = nbaPipeline();
export const ann = { by: 'ann', reason: 'looked into' };

/** A definition of the backfills.yaml that ships. */
function shipped(name: string): BackfillDefinition {
  const loaded = loadBackfills(pipeline, { readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) });
  const definition = loaded.kind === 'ok' ? loaded.definitions.get(name) : undefined;
  if (!definition) throw new Error(`backfills.yaml has no ${name}`);
  return definition;
}

/** One state folder in a test's hands. */
export class Scene {
  readonly folder: string;
  #opened: OpenedDemo;
  #closed = false;

  constructor(folder: string, opened: OpenedDemo) {
    this.folder = folder;
    this.#opened = opened;
  }

  get runtime(): OpenedDemo['runtime'] {
    return this.#opened.runtime;
  }

  get alerts(): OpenedDemo['alerts'] {
    return this.#opened.alerts;
  }

  get clock(): OpenedDemo['clock'] {
    return this.#opened.clock;
  }

  /** Another program deletes rows; of a landing, its file. */
  async lose(name: string, ...dates: readonly string[]): Promise<void> {
    const output = pipeline.byName.get(name)?.output;
    assert.ok(output, name);
    for (const date of dates) {
      if (output.kind === 'landing') rmSync(join(this.folder, 'landing', output.folder, `game_date=${date}`), { recursive: true, force: true });
      else await this.runtime.warehouse.outside(`DELETE FROM ${output.ref} WHERE game_date = DATE '${date}'`);
    }
    this.runtime.warehouse.forget();
  }

  /** `smart-backfill gaps`: what is not complete, one line a cell. */
  async gaps(from = FROM, to = LAST): Promise<string[]> {
    const { detection } = await inspectGaps(this.runtime.engine, { from: dayOf(from), to: dayOf(to), processors: null });
    return detection.findings.map((finding) => `${finding.processor} ${formatDay(finding.day)} ${finding.status}`);
  }

  /** `smart-backfill why`: the chain to the root cause. */
  async why(name: string, date: string): Promise<{ chain: string[]; root: string; command: readonly string[] | null }> {
    const processor = pipeline.byName.get(name);
    assert.ok(processor, name);
    const { chain, mend } = await explainCell(this.runtime.engine, this.runtime.history, processor, dayOf(date));
    return { chain: chain.map((link) => `${link.processor} ${formatDay(link.day)} ${link.status}`), root: chain.at(-1)?.because ?? '', command: mend.command };
  }

  /** `smart-backfill recover`; time passes while requests back off. */
  recover(changes: Partial<RecoverOptions> = {}): Promise<Recovered> {
    return recover(this.runtime.engine, recoverOptions(FROM, LAST, {
      ...changes,
      on: (event) => {
        if (event.kind === 'backing_off') this.clock.advance(event.until - this.clock.now());
        changes.on?.(event);
      },
    }));
  }

  /** Makes the runs of some cells fail, as long as `error` gives one. */
  failing(error: (name: string, date: string) => Error | null): void {
    const stage = this.runtime.warehouse.stage.bind(this.runtime.warehouse);
    sinon.stub(this.runtime.warehouse, 'stage').callsFake(async (claim, source, calendar) => {
      const thrown = error(claim.processor.name, formatDay(claim.day));
      if (thrown) throw thrown;
      return stage(claim, source, calendar);
    });
  }

  /** `smart-backfill backfill start`: its id. */
  async start(name: string, changes: Partial<Asked> = {}): Promise<string> {
    const { engine } = this.runtime;
    await engine.refresh(dayOf(FROM), dayOf(LAST));
    return (await startBackfill(engine, shipped(name), { ...asked(FROM, LAST), by: 'ann', reason: 'the first weeks', at: this.clock.now(), ...changes }, 'weeks')).id;
  }

  /** `smart-backfill backfill watch`, until it has ended or waits for a person; time passes while requests back off. */
  async advance(id: string, changes: Partial<AdvanceOptions> = {}): Promise<{ readonly record: BackfillRecord; readonly ran: readonly string[]; readonly failed: readonly string[] }> {
    const [ran, failed] = [[] as string[], [] as string[]];
    const record = await advanceBackfill(this.runtime.engine, id, {
      signal: new AbortController().signal,
      ...changes,
      onEnd: (worked) => {
        changes.onEnd?.(worked);
        const cell = `${worked.processor} ${formatDay(worked.day)}`;
        if (worked.outcome === 'ran' || worked.outcome === 'unchanged') ran.push(cell);
        if (worked.outcome === 'failed') failed.push(cell);
        if (worked.retryAt !== null) this.clock.advance(Math.max(0, worked.retryAt - this.clock.now()));
      },
    });
    assert.ok(record);
    return { record, ran, failed };
  }

  /** An order to a backfill: `resume`, `retry`, `pause`, `skip`. */
  order(id: string, change: (record: BackfillRecord, now: number) => BackfillRecord): Promise<BackfillRecord> {
    return orderBackfill(this.runtime.engine, id, change);
  }

  async reopen(): Promise<void> {
    const now = this.clock.now();
    await this.#opened.close();
    this.#opened = await openAt(this.folder, MORNING);
    this.clock.advance(now - this.clock.now());
  }

  /** Ends the scene: the warehouse holds, row for row, what one that never lost anything holds. */
  async isAsBefore(): Promise<void> {
    this.#closed = true;
    await this.#opened.close();
    const proofs = await compareWarehouses(pipeline, await builtThrough(LAST), this.folder, dayOf(FROM), dayOf(LAST));
    assert.deepEqual(proofs.filter((proof) => proof.differing > 0), []);
  }

  async close(): Promise<void> {
    if (!this.#closed) await this.#opened.close();
  }
}

export async function scene(play: (on: Scene) => Promise<void>): Promise<void> {
  await withCopy(LAST, async (folder) => {
    const on = new Scene(folder, await openAt(folder, MORNING));
    try {
      await play(on);
    } finally {
      sinon.restore();
      await on.close();
    }
  });
}

export const ranCells = (recovered: Recovered): string[] => recovered.runs.filter((run) => run.outcome === 'ran' || run.outcome === 'unchanged').map((run) => `${run.processor} ${formatDay(run.day)}`);

