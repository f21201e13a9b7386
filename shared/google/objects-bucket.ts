import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Bucket, File } from '@google-cloud/storage';
import { checkedName } from './objects-name.ts';
import type { ObjectInfo, ObjectStore } from './objects-store.ts';

export interface BucketPlace {
  readonly bucket: () => Promise<Bucket>;
  /** Without a slash at its end; '' for the whole bucket. */
  readonly prefix: string;
  readonly newId?: () => string;
}

const generation = z.union([z.string(), z.number()]).transform(String);
const infoSchema = z.object({ name: z.string(), generation, size: z.coerce.number().int(), updated: z.iso.datetime({ offset: true }) });
const writtenSchema = z.object({ generation, metadata: z.record(z.string(), z.unknown()).nullish() });

/** Custom metadata that names the write, so that a repeated upload knows its own work. */
const WRITE_ID = 'write-id';

/** Objects of a Cloud Storage bucket; an object's generation is its version. */
export class BucketObjects implements ObjectStore {
  readonly #bucket: () => Promise<Bucket>;
  readonly #below: string;
  readonly #newId: () => string;

  constructor({ bucket, prefix, newId }: BucketPlace) {
    this.#bucket = bucket;
    this.#below = prefix === '' ? '' : `${prefix}/`;
    this.#newId = newId ?? randomUUID;
  }

  async list(prefix: string): Promise<readonly ObjectInfo[]> {
    const bucket = await this.#bucket();
    const [files] = await bucket.getFiles({ prefix: this.#below + prefix });
    const objects = files.map((file) => {
      const { name, generation, size, updated } = infoSchema.parse(file.metadata);
      return { name: name.slice(this.#below.length), version: generation, bytes: size, updatedAtMs: Date.parse(updated) };
    });
    return objects.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async read(name: string): Promise<{ readonly bytes: Uint8Array; readonly version: string } | null> {
    const file = await this.#file(name);
    try {
      return await download(file);
    } catch (thrown) {
      if (codeOf(thrown) === NOT_FOUND) return null;
      throw thrown;
    }
  }

  async write(name: string, bytes: Uint8Array, ifVersion: string | null): Promise<{ readonly version: string } | 'changed'> {
    const file = await this.#file(name);
    const writeId = this.#newId();
    try {
      await file.save(Buffer.from(bytes), {
        resumable: false,
        metadata: { contentType: 'application/octet-stream', metadata: { [WRITE_ID]: writeId } },
        ...(ifVersion === 'any' ? {} : { preconditionOpts: { ifGenerationMatch: ifVersion ?? 0 } }),
      });
      return { version: writtenSchema.parse(file.metadata).generation };
    } catch (thrown) {
      if (codeOf(thrown) !== PRECONDITION_FAILED) throw thrown;
      return this.#ownWrite(name, writeId);
    }
  }

  async remove(name: string): Promise<void> {
    await (await this.#file(name)).delete({ ignoreNotFound: true });
  }

  /** The client repeats an upload whose answer was lost; the repetition then fails on what the first one wrote. */
  async #ownWrite(name: string, writeId: string): Promise<{ readonly version: string } | 'changed'> {
    try {
      const [metadata] = await (await this.#file(name)).getMetadata();
      const present = writtenSchema.parse(metadata);
      return present.metadata?.[WRITE_ID] === writeId ? { version: present.generation } : 'changed';
    } catch (thrown) {
      if (codeOf(thrown) === NOT_FOUND) return 'changed';
      throw thrown;
    }
  }

  async #file(name: string): Promise<File> {
    const checked = checkedName(name);
    return (await this.#bucket()).file(this.#below + checked);
  }
}

const NOT_FOUND = 404;
const PRECONDITION_FAILED = 412;

/** The generation of these very bytes stands in the answer's headers; asking for it in another request could miss a write between. */
async function download(file: File): Promise<{ readonly bytes: Uint8Array; readonly version: string }> {
  let version: string | null = null;
  const stream = file.createReadStream().on('response', (response: unknown) => {
    version = responseSchema.parse(response).headers['x-goog-generation'] ?? null;
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  if (version === null) throw new Error(`${file.name}: Cloud Storage answered without x-goog-generation`);
  return { bytes: Buffer.concat(chunks), version };
}

/** An error's answer comes here too, without a generation; its status ends the stream. */
const responseSchema = z.object({ headers: z.object({ 'x-goog-generation': z.string().optional() }) });

function codeOf(thrown: unknown): number | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' ? thrown.code : null;
}
