import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { systemCode } from './state-folder-error.ts';

/**
 * One date's folder of landed rows: `<kind>.jsonl` and the marker `_promotion.json`. Two files cannot be replaced at once, so
 * the marker is the commit: it names the new file, which lies beside it complete, and whoever comes next finishes the
 * renaming if a crash left it undone.
 */

const MARKER = '_promotion.json';

const markerSchema = z.object({
  runId: z.string(), generation: z.number().int(), token: z.number().int(), fingerprint: z.string(), trace: z.string(),
  /** The file that is to become the data; absent or gone once it has. */
  pending: z.string().nullable(),
});
export type LandingMarker = z.infer<typeof markerSchema>;

/** The marker, after finishing what a crash left undone; null where nothing was promoted. */
export async function readMarker(folder: string, dataFile: string): Promise<LandingMarker | null> {
  const text = await readIfThere(join(folder, MARKER));
  if (text === null) return null;
  const marker = markerOf(text);
  if (marker !== null && marker.pending !== null) await renameIfThere(join(folder, marker.pending), join(folder, dataFile));
  return marker;
}

/** A marker that somebody damaged is none: the date counts as not promoted, its rows stay. */
function markerOf(text: string): LandingMarker | null {
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Replaces a date's rows and marker. `text` null leaves the rows as they are. */
export async function writeDate(folder: string, dataFile: string, marker: Omit<LandingMarker, 'pending'>, text: string | null): Promise<void> {
  await mkdir(folder, { recursive: true });
  const pending = text === null ? null : `.${dataFile}.${randomUUID()}`;
  if (pending !== null) await writeDurably(join(folder, pending), text ?? '');
  const markerFile = join(folder, `.${MARKER}.${randomUUID()}`);
  await writeDurably(markerFile, JSON.stringify({ ...marker, pending }));
  await rename(markerFile, join(folder, MARKER));
  if (pending !== null) await rename(join(folder, pending), join(folder, dataFile));
  await syncFolder(folder);
}

/** Replaces one file, complete or not at all. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const pending = `${path}.${randomUUID()}`;
  await writeDurably(pending, text);
  await rename(pending, path);
  await syncFolder(dirname(path));
}

/** Removes what attempts that died left behind; the marker's own pending file has been dealt with before. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.filter((name) => name.startsWith('.')).map((name) => rm(join(folder, name), { force: true })));
}

export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await syncFolder(dirname(to));
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.datasync();
  } catch (thrown) {
    await rm(path, { force: true });
    throw thrown;
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
