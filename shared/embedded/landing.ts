import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatDay, parseDay, type Day } from '../calendar/day.ts';
import type { WindowRange } from '../calendar/window.ts';
import { InputError, NeverRetryError } from '../failures/errors.ts';
import type { Coverage } from '../gaps/coverage.ts';
import { coverageOfRows } from '../gaps/row-fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Keep, OldRows, PromoteOutcome, Promotion, Row, RowSource, Staged, WriteClaim } from '../ports/warehouse.ts';
import { readIfThere, readMarker, removeLeftovers, replaceFile, writeDate } from './landing-files.ts';
import { byKey } from '../rows/row-order.ts';
import { checkedRows } from '../rows/checked-rows.ts';
import { linesOf, rowsOfLines } from '../rows/json-lines.ts';
import { keptFile, keptName, keptText, nothingKept, type KeptFile } from '../rows/kept-rows.ts';

/**
 * Landed rows: `<kind>/game_date=YYYY-MM-DD/<kind>.jsonl`, JSON lines with sorted keys. Anybody may change such files at
 * any time, so coverage looks at each file's size, time and identity, and reads those that changed. What is kept of a date
 * lies in `_kept/<name>/<kind>/<date>.json`.
 */

const KEPT = '_kept';
const DATE_FOLDER = /^game_date=(.+)$/;

interface Seen {
  readonly mark: string;
  readonly coverage: Coverage;
}

export class Landing {
  readonly #root: string;
  readonly #seen = new Map<string, Seen>();
  /** Names under which this process has kept something. */
  readonly #keeping = new Set<string>();
  /** Promotions of one date go one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(root: string) {
    this.#root = root;
  }

  async coverage(processor: Processor, from: Day, to: Day): Promise<ReadonlyMap<Day, Coverage>> {
    const days = (await this.#days(processor)).filter((day) => day >= from && day <= to);
    const found = await Promise.all(days.map(async (day) => [day, await this.#coverageOf(processor, day)] as const));
    const present = new Map<Day, Coverage>();
    for (const [day, coverage] of found) if (coverage !== null && coverage.rows > 0) present.set(day, coverage);
    return present;
  }

  async rows(processor: Processor, { from, to }: WindowRange, columns: readonly string[] | null): Promise<readonly Row[]> {
    const days = (await this.#days(processor)).filter((day) => day >= from && day <= to).sort((a, b) => a - b);
    const rows: Row[] = [];
    for (const day of days) {
      const found = [...await this.#read(processor, day) ?? []].sort(byKey(processor.key));
      for (const row of found) rows.push(columns === null ? row : Object.fromEntries(columns.map((name) => [name, row[name] ?? null])));
    }
    return rows;
  }

  async promotion(processor: Processor, day: Day): Promise<Promotion | null> {
    const { folder, dataFile } = this.#place(processor, day);
    const marker = await readMarker(folder, dataFile);
    if (!marker) return null;
    const { pending: _, ...promotion } = marker;
    return promotion;
  }

  async stage(claim: WriteClaim, source: RowSource | OldRows): Promise<Staged> {
    const { processor, day } = claim;
    if (source.kind === 'sql') throw new NeverRetryError(`${processor.name} lands files: its target has to hand over rows, SQL writes tables only`);
    const rows = source.kind === 'rows' ? checkedRows(processor, day, source.rows) : await this.#old(processor, day, source);
    const coverage = coverageOfRows(processor, rows);
    return {
      coverage,
      promote: (trace) => this.#inTurn(processor, day, () => this.#promote(claim, rows, coverage, trace)),
      discard: async () => undefined,
    };
  }

  async keep(processor: Processor, day: Day, keep: Keep): Promise<boolean> {
    if (!this.#keeping.has(keep.name)) await this.#throwAway(keep.at);
    this.#keeping.add(keep.name);
    if ((await this.#keptOf(processor, keep.name, day))?.fingerprint === keep.fingerprint) return true;
    const rows = await this.#readable(processor, day) ?? [];
    if (coverageOfRows(processor, rows).fingerprint !== keep.fingerprint) return false;
    await replaceFile(this.#keptPath(processor, keep.name, day), keptText(keep, rows));
    return true;
  }

  async kept(processor: Processor, name: string, from: Day, to: Day): Promise<ReadonlyMap<Day, string>> {
    const names = await readdir(join(this.#root, KEPT, keptName(name), folderOf(processor))).catch(() => []);
    const days = names.flatMap((file) => parseDay(file.replace(/\.json$/, '')) ?? []).filter((day) => day >= from && day <= to);
    const found = await Promise.all(days.map(async (day) => [day, await this.#keptOf(processor, name, day)] as const));
    return new Map(found.flatMap(([day, kept]) => (kept ? [[day, kept.fingerprint] as const] : [])));
  }

  async #old(processor: Processor, day: Day, source: OldRows): Promise<readonly Row[]> {
    const kept = source.kind === 'kept' ? await this.#keptOf(processor, source.name, day) : null;
    if (!kept) throw nothingKept(processor, day, source);
    return kept.rows;
  }

  async #keptOf(processor: Processor, name: string, day: Day): Promise<KeptFile | null> {
    const path = this.#keptPath(processor, name, day);
    const text = await readIfThere(path);
    return text === null ? null : keptFile(text, path);
  }

  #keptPath(processor: Processor, name: string, day: Day): string {
    return join(this.#root, KEPT, keptName(name), folderOf(processor), `${formatDay(day)}.json`);
  }

  /** What was kept long enough. */
  async #throwAway(now: number): Promise<void> {
    const root = join(this.#root, KEPT);
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])) {
      if (!entry.isFile() || !entry.name.endsWith('.json')) continue;
      const path = join(entry.parentPath, entry.name);
      const kept = keptFile(await readIfThere(path) ?? '', path);
      if (kept === null || kept.until <= now) await rm(path, { force: true });
    }
  }

  async #promote({ processor, day, runId, generation, token }: WriteClaim, rows: readonly Row[], coverage: Coverage, trace: string): Promise<PromoteOutcome> {
    const { folder, dataFile } = this.#place(processor, day);
    const winner = await this.promotion(processor, day);
    if (winner && (winner.generation > generation || (winner.generation === generation && winner.runId !== runId))) return { kind: 'fenced', winner };
    await removeLeftovers(folder);
    this.#seen.delete(`${processor.name} ${day}`);
    const present = await this.#readable(processor, day);
    const unchanged = (present === null ? rows.length === 0 : coverageOfRows(processor, present).fingerprint === coverage.fingerprint);
    await writeDate(folder, dataFile, { runId, generation, token, fingerprint: coverage.fingerprint, trace }, unchanged ? null : linesOf(rows));
    return { kind: unchanged ? 'unchanged' : 'promoted' };
  }

  #inTurn<T>(processor: Processor, day: Day, work: () => Promise<T>): Promise<T> {
    const key = `${processor.name} ${day}`;
    const result = (this.#turns.get(key) ?? Promise.resolve()).then(work);
    const settled = result.catch(() => undefined);
    this.#turns.set(key, settled);
    settled.then(() => { if (this.#turns.get(key) === settled) this.#turns.delete(key); }).catch(() => undefined);
    return result;
  }

  async #coverageOf(processor: Processor, day: Day): Promise<Coverage | null> {
    const { folder, dataFile } = this.#place(processor, day);
    const path = join(folder, dataFile);
    const found = await stat(path, { bigint: true }).catch(() => null);
    const key = `${processor.name} ${day}`;
    const mark = found ? `${found.ino}:${found.size}:${found.mtimeNs}` : '';
    const seen = this.#seen.get(key);
    if (found && seen?.mark === mark) return seen.coverage;
    const rows = await this.#readable(processor, day);
    if (rows === null) return null;
    const coverage = coverageOfRows(processor, rows);
    if (found) this.#seen.set(key, { mark, coverage });
    return coverage;
  }

  /** A file that cannot be read is as good as none: the date is missing, and landing it again mends it. */
  async #readable(processor: Processor, day: Day): Promise<readonly Row[] | null> {
    try {
      return await this.#read(processor, day);
    } catch (thrown) {
      if (thrown instanceof NeverRetryError) return null;
      throw thrown;
    }
  }

  /** Rows of a date, or null where no file is. */
  async #read(processor: Processor, day: Day): Promise<readonly Row[] | null> {
    const { folder, dataFile } = this.#place(processor, day);
    await readMarker(folder, dataFile);
    const path = join(folder, dataFile);
    const text = await readIfThere(path);
    return text === null ? null : rowsOfLines(text, path);
  }

  async #days(processor: Processor): Promise<Day[]> {
    const names = await readdir(join(this.#root, folderOf(processor))).catch(() => []);
    return names.flatMap((name) => parseDay(DATE_FOLDER.exec(name)?.[1] ?? '') ?? []);
  }

  #place(processor: Processor, day: Day): { readonly folder: string; readonly dataFile: string } {
    const kind = folderOf(processor);
    return { folder: join(this.#root, kind, `game_date=${formatDay(day)}`), dataFile: `${kind}.jsonl` };
  }
}

function folderOf({ name, output }: Processor): string {
  if (output.kind !== 'landing') throw new InputError(`${name} writes ${output.ref}, which is no landing folder`);
  return output.folder;
}
