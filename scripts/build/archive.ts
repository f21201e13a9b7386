import { createHash } from 'node:crypto';
import { zipSync, type Zippable } from 'fflate';

export interface Archive {
  readonly bytes: Uint8Array;
  /** Of the archive, hexadecimal: what its name is made of. */
  readonly sha256: string;
}

/** A zip of text and code that is the same, byte for byte, wherever and whenever it is made: entries by name, one time for all. */
export function archive(files: ReadonlyMap<string, Uint8Array>): Archive {
  // The oldest time that the format knows. It is kept as local time, so it has to be made as such.
  const mtime = new Date(1980, 0, 1, 0, 0, 0);
  const entries: Zippable = {};
  for (const name of [...files.keys()].sort()) {
    const content = files.get(name);
    // Unix, and readable by all: the function runs as another user than the one that unpacks.
    if (content) entries[name] = [content, { mtime, level: 9, os: 3, attrs: 0o100644 << 16 }];
  }
  const bytes = zipSync(entries);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
