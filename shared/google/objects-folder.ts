import { randomUUID } from 'node:crypto';
import type { BigIntStats, Dirent } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { checkedName } from './objects-name.ts';
import type { ObjectInfo, ObjectStore } from './objects-store.ts';

/** Conditional writes of one file go one after the other, in this process only: nothing else may write the folder then. */
const turns = new Map<string, Promise<unknown>>();

export class FolderObjects implements ObjectStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = resolve(root);
  }

  async list(prefix: string): Promise<readonly ObjectInfo[]> {
    const base = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const names = (await namesBelow(this.#root, base)).filter((name) => name.startsWith(prefix)).sort();
    const found = await Promise.all(names.map(async (name) => ({ name, stats: await statsOf(join(this.#root, name)) })));
    return found.flatMap(({ name, stats }) => (stats === null ? [] : [{ name, version: versionOf(stats), bytes: Number(stats.size), updatedAtMs: Number(stats.mtimeMs) }]));
  }

  async read(name: string): Promise<{ readonly bytes: Uint8Array; readonly version: string } | null> {
    const file = await openIfThere(this.#path(name));
    if (file === null) return null;
    try {
      const stats = await file.stat({ bigint: true });
      return { bytes: await file.readFile(), version: versionOf(stats) };
    } finally {
      await file.close();
    }
  }

  write(name: string, bytes: Uint8Array, ifVersion: string | null): Promise<{ readonly version: string } | 'changed'> {
    const path = this.#path(name);
    return inTurn(path, async () => {
      if (ifVersion !== 'any') {
        const present = await statsOf(path);
        if ((present === null ? null : versionOf(present)) !== ifVersion) return 'changed';
      }
      return { version: await replace(path, bytes) };
    });
  }

  remove(name: string): Promise<void> {
    const path = this.#path(name);
    return inTurn(path, () => rm(path, { force: true }));
  }

  #path(name: string): string {
    return join(this.#root, checkedName(name));
  }
}

/** Each write makes a new file, so its identity and times are another version's. */
function versionOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${mtimeNs}-${ino}-${size}`;
}

async function replace(path: string, bytes: Uint8Array): Promise<string> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const pending = join(folder, `.${randomUUID()}`);
  const file = await open(pending, 'wx');
  try {
    await file.writeFile(bytes);
    await file.datasync();
    const stats = await file.stat({ bigint: true });
    await rename(pending, path);
    return versionOf(stats);
  } catch (thrown) {
    await rm(pending, { force: true });
    throw thrown;
  } finally {
    await file.close();
  }
}

/** Files below a folder that ends in '/', or '' for all; hidden ones are still being written. */
async function namesBelow(root: string, base: string): Promise<string[]> {
  const entries = await entriesOf(join(root, base));
  const found = await Promise.all(entries.map(async (entry) => {
    if (entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return namesBelow(root, `${base}${entry.name}/`);
    return entry.isFile() ? [`${base}${entry.name}`] : [];
  }));
  return found.flat();
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}

async function statsOf(path: string): Promise<BigIntStats | null> {
  try {
    return await stat(path, { bigint: true });
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

async function openIfThere(path: string) {
  try {
    return await open(path, 'r');
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR');
}

function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const result = (turns.get(path) ?? Promise.resolve()).then(work);
  const settled = result.then(() => undefined, () => undefined).finally(() => {
    if (turns.get(path) === settled) turns.delete(path);
  });
  turns.set(path, settled);
  return result;
}
