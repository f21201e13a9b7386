import { z } from 'zod';
import { formatDay, parseDay, type Day } from '../calendar/day.ts';
import { InputError } from '../failures/errors.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { keptName } from '../rows/kept-rows.ts';
import type { ObjectInfo, ObjectStore } from './objects-store.ts';

/**
 * One date's landed rows in an object store: `<folder>/game_date=YYYY-MM-DD/<folder>.jsonl`, its marker `_promotion.json`
 * beside it. Two objects cannot be replaced at once, so the marker is the commit: it names the new rows, which lie beside
 * the old complete, and whoever comes next puts them in their place if a crash left that undone.
 */
export interface LandingPlace {
  readonly data: string;
  readonly marker: string;
  /** Of a pending object's name, before its id. */
  readonly pending: string;
}

export function placeOf(processor: Processor, day: Day): LandingPlace {
  const folder = folderOf(processor);
  const at = `${folder}/game_date=${formatDay(day)}`;
  return { data: `${at}/${folder}.jsonl`, marker: `${at}/_promotion.json`, pending: `${at}/_pending-` };
}

export function folderOf({ name, output }: Processor): string {
  if (output.kind !== 'landing') throw new InputError(`${name} writes ${output.ref}, which is no landing folder`);
  return output.folder;
}

/** Where what is kept of landed files lies: `_kept/<name>/<folder>/<date>.json`. */
export const KEPT = '_kept';

export function keptFolder(processor: Processor, name: string): string {
  return `${KEPT}/${keptName(name)}/${folderOf(processor)}/`;
}

export function keptObject(processor: Processor, name: string, day: Day): string {
  return `${keptFolder(processor, name)}${formatDay(day)}.json`;
}

export function keptDay(object: string): Day | undefined {
  return parseDay(/([^/]+)\.json$/.exec(object)?.[1] ?? '');
}

/** The date of a landed file's name, and the part of the name after its folder. */
export function partsOf(name: string): { readonly day: Day; readonly file: string } | undefined {
  const [, date = '', file = ''] = /^[^/]+\/game_date=([^/]+)\/([^/]+)$/.exec(name) ?? [];
  const day = parseDay(date);
  return day === undefined ? undefined : { day, file };
}

const landingMarkerSchema = z.object({
  runId: z.string(), generation: z.number().int(), token: z.number().int(), fingerprint: z.string(), trace: z.string(),
  /** The object that is to become the data; gone once it has. */
  pending: z.string().nullable(),
});
export type LandingMarker = z.infer<typeof landingMarkerSchema>;

export interface MarkerNow {
  readonly marker: LandingMarker | null;
  /** For a conditional write of the next one. */
  readonly version: string | null;
}

/** The marker as it is. A marker that somebody damaged is none: the date counts as not promoted, its rows stay. */
export async function readMarker(objects: ObjectStore, { marker }: LandingPlace): Promise<MarkerNow> {
  const found = await objects.read(marker);
  if (found === null) return { marker: null, version: null };
  try {
    return { marker: landingMarkerSchema.parse(JSON.parse(textOf(found.bytes))), version: found.version };
  } catch {
    return { marker: null, version: found.version };
  }
}

/**
 * Puts a marker's pending rows in their place. The data is written over the very version that was there when the marker
 * still named those rows: a slow finisher cannot put back rows that a later promotion replaced.
 */
export async function finish(objects: ObjectStore, place: LandingPlace): Promise<MarkerNow> {
  for (;;) {
    const data = await objects.read(place.data);
    const now = await readMarker(objects, place);
    const pending = now.marker?.pending ?? null;
    const rows = pending === null ? null : await objects.read(pending);
    if (pending === null || rows === null) return now;
    if (await objects.write(place.data, rows.bytes, data?.version ?? null) === 'changed') continue;
    await objects.remove(pending);
    return now;
  }
}

/** Objects among those listed that are to become rows, by date. */
export function withPending(found: readonly ObjectInfo[]): ReadonlyMap<Day, readonly ObjectInfo[]> {
  const pending = new Map<Day, ObjectInfo[]>();
  for (const object of found) {
    const parts = partsOf(object.name);
    if (!parts?.file.startsWith('_pending-')) continue;
    const others = pending.get(parts.day) ?? [];
    pending.set(parts.day, [...others, object]);
  }
  return pending;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}
