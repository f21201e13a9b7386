import type { Day } from '../calendar/day.ts';
import type { WindowRange } from '../calendar/window.ts';
import { NeverRetryError } from '../failures/errors.ts';
import type { Coverage } from '../gaps/coverage.ts';
import { coverageOfRows } from '../gaps/row-fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Keep, OldRows, PromoteOutcome, Promotion, Row, RowSource, Staged, WriteClaim } from '../ports/warehouse.ts';
import { checkedRows } from '../rows/checked-rows.ts';
import { linesOf, rowsOfLines } from '../rows/json-lines.ts';
import { keptFile, keptText, nothingKept, type KeptFile } from '../rows/kept-rows.ts';
import { byKey } from '../rows/row-order.ts';
import { bytesOf, finish, folderOf, KEPT, keptFolder, keptObject, keptDay, partsOf, placeOf, textOf, withPending, type LandingMarker } from './object-landing-files.ts';
import type { ObjectInfo, ObjectStore } from './objects-store.ts';

interface Seen {
  readonly version: string;
  readonly coverage: Coverage;
}

/** No attempt takes that long between its rows and their marker. */
const LEFT_BEHIND_AFTER_MS = 86_400_000;

/** Landed rows in a bucket or a folder that anybody may write: coverage reads the files whose version changed. */
export class ObjectLanding {
  readonly #objects: ObjectStore;
  readonly #newId: () => string;
  readonly #now: () => number;
  readonly #seen = new Map<string, Seen>();
  /** Names under which this process has kept something. */
  readonly #keeping = new Set<string>();

  /** `now`: epoch milliseconds. */
  constructor(objects: ObjectStore, newId: () => string, now: () => number) {
    this.#objects = objects;
    this.#newId = newId;
    this.#now = now;
  }

  async coverage(processor: Processor, from: Day, to: Day): Promise<ReadonlyMap<Day, Coverage>> {
    const versions = await this.#versions(processor, from, to);
    const found = await Promise.all([...versions].map(async ([day, version]) => [day, await this.#coverageOf(processor, day, version)] as const));
    return new Map(found.flatMap(([day, coverage]) => (coverage !== null && coverage.rows > 0 ? [[day, coverage] as const] : [])));
  }

  async rows(processor: Processor, { from, to }: WindowRange, columns: readonly string[] | null): Promise<readonly Row[]> {
    const days = [...(await this.#versions(processor, from, to)).keys()].sort((a, b) => a - b);
    const rows: Row[] = [];
    for (const day of days) {
      const { rows: found } = await this.#read(processor, day);
      for (const row of [...found ?? []].sort(byKey(processor.key))) rows.push(columns === null ? row : Object.fromEntries(columns.map((name) => [name, row[name] ?? null])));
    }
    return rows;
  }

  async promotion(processor: Processor, day: Day): Promise<Promotion | null> {
    const { marker } = await finish(this.#objects, placeOf(processor, day));
    return marker === null ? null : promotionOf(marker);
  }

  async stage(claim: WriteClaim, source: RowSource | OldRows): Promise<Staged> {
    const { processor, day } = claim;
    if (source.kind === 'sql') throw new NeverRetryError(`${processor.name} lands files: its target has to hand over rows, SQL writes tables only`);
    const rows = source.kind === 'rows' ? checkedRows(processor, day, source.rows) : await this.#old(processor, day, source);
    const coverage = coverageOfRows(processor, rows);
    return { coverage, promote: (trace) => this.#promote(claim, rows, coverage, trace), discard: async () => undefined };
  }

  async keep(processor: Processor, day: Day, keep: Keep): Promise<boolean> {
    const isFirst = !this.#keeping.has(keep.name);
    this.#keeping.add(keep.name);
    if (isFirst) await this.#throwAway(keep.at, keep.until - keep.at);
    if ((await this.#keptOf(keptObject(processor, keep.name, day)))?.fingerprint === keep.fingerprint) return true;
    const { rows } = await this.#readable(processor, day);
    if (coverageOfRows(processor, rows ?? []).fingerprint !== keep.fingerprint) return false;
    await this.#objects.write(keptObject(processor, keep.name, day), bytesOf(keptText(keep, rows ?? [])), 'any');
    return true;
  }

  async kept(processor: Processor, name: string, from: Day, to: Day): Promise<ReadonlyMap<Day, string>> {
    const objects = (await this.#objects.list(keptFolder(processor, name))).flatMap((object) => {
      const day = keptDay(object.name);
      return day !== undefined && day >= from && day <= to ? [[day, object.name] as const] : [];
    });
    const found = await Promise.all(objects.map(async ([day, object]) => [day, await this.#keptOf(object)] as const));
    return new Map(found.flatMap(([day, kept]) => (kept ? [[day, kept.fingerprint] as const] : [])));
  }

  async #old(processor: Processor, day: Day, source: OldRows): Promise<readonly Row[]> {
    const kept = source.kind === 'kept' ? await this.#keptOf(keptObject(processor, source.name, day)) : null;
    if (!kept) throw nothingKept(processor, day, source);
    return kept.rows;
  }

  async #keptOf(object: string): Promise<KeptFile | null> {
    const found = await this.#objects.read(object);
    return found === null ? null : keptFile(textOf(found.bytes), object);
  }

  /** What was kept long enough. What is younger than that is not read: of a backfill of seasons there are thousands. */
  async #throwAway(now: number, keptForMs: number): Promise<void> {
    for (const { name, updatedAtMs } of await this.#objects.list(`${KEPT}/`)) {
      if (updatedAtMs + keptForMs > now) continue;
      const kept = await this.#keptOf(name);
      if (kept === null || kept.until <= now) await this.#objects.remove(name);
    }
  }

  async #promote({ processor, day, runId, generation, token }: WriteClaim, rows: readonly Row[], coverage: Coverage, trace: string): Promise<PromoteOutcome> {
    const place = placeOf(processor, day);
    for (;;) {
      const { marker, version } = await finish(this.#objects, place);
      if (marker && (marker.generation > generation || (marker.generation === generation && marker.runId !== runId))) return { kind: 'fenced', winner: promotionOf(marker) };
      const present = await this.#readable(processor, day);
      const unchanged = present.rows === null ? rows.length === 0 : coverageOfRows(processor, present.rows).fingerprint === coverage.fingerprint;
      const pending = unchanged ? null : `${place.pending}${this.#newId()}`;
      if (pending !== null) await this.#objects.write(pending, bytesOf(linesOf(rows)), null);
      const next: LandingMarker = { runId, generation, token, fingerprint: coverage.fingerprint, trace, pending };
      if (await this.#objects.write(place.marker, bytesOf(JSON.stringify(next)), version) === 'changed') {
        if (pending !== null) await this.#objects.remove(pending);
        continue;
      }
      await finish(this.#objects, place);
      return { kind: unchanged ? 'unchanged' : 'promoted' };
    }
  }

  /** Each date's version of its file, after finishing what a crash left undone. */
  async #versions(processor: Processor, from: Day, to: Day): Promise<ReadonlyMap<Day, string>> {
    const folder = folderOf(processor);
    const list = () => this.#objects.list(`${folder}/game_date=`);
    let found = await list();
    const pending = [...withPending(found)].filter(([day]) => day >= from && day <= to);
    if (pending.length > 0) {
      await Promise.all(pending.map(([day, left]) => this.#mend(processor, day, left)));
      found = await list();
    }
    return new Map(found.flatMap(({ name, version }) => {
      const parts = partsOf(name);
      return parts && parts.file === `${folder}.jsonl` && parts.day >= from && parts.day <= to ? [[parts.day, version] as const] : [];
    }));
  }

  /** Rows that a marker names go to their place. What no marker names was left by an attempt that died before it had one. */
  async #mend(processor: Processor, day: Day, left: readonly ObjectInfo[]): Promise<void> {
    const { marker } = await finish(this.#objects, placeOf(processor, day));
    const old = left.filter(({ name, updatedAtMs }) => name !== marker?.pending && updatedAtMs < this.#now() - LEFT_BEHIND_AFTER_MS);
    await Promise.all(old.map(({ name }) => this.#objects.remove(name)));
  }

  async #coverageOf(processor: Processor, day: Day, version: string): Promise<Coverage | null> {
    const key = `${processor.name} ${day}`;
    const seen = this.#seen.get(key);
    if (seen?.version === version) return seen.coverage;
    const found = await this.#readable(processor, day);
    if (found.rows === null) return null;
    const coverage = coverageOfRows(processor, found.rows);
    if (found.version !== null) this.#seen.set(key, { version: found.version, coverage });
    return coverage;
  }

  /** A file that cannot be read is as good as none: the date is missing, and landing it again mends it. */
  async #readable(processor: Processor, day: Day): Promise<{ readonly rows: readonly Row[] | null; readonly version: string | null }> {
    try {
      return await this.#read(processor, day);
    } catch (thrown) {
      if (thrown instanceof NeverRetryError) return { rows: null, version: null };
      throw thrown;
    }
  }

  /** Rows of a date; null where no file is. */
  async #read(processor: Processor, day: Day): Promise<{ readonly rows: readonly Row[] | null; readonly version: string | null }> {
    const { data } = placeOf(processor, day);
    const found = await this.#objects.read(data);
    return found === null ? { rows: null, version: null } : { rows: rowsOfLines(textOf(found.bytes), data), version: found.version };
  }
}

function promotionOf({ runId, generation, token, fingerprint, trace }: LandingMarker): Promotion {
  return { runId, generation, token, fingerprint, trace };
}
