import { resolve } from 'node:path';
import type { Bucket } from '@google-cloud/storage';
import { InputError } from '../failures/errors.ts';
import { BucketObjects } from './objects-bucket.ts';
import { FolderObjects } from './objects-folder.ts';
import type { ObjectStore } from './objects-store.ts';

const BUCKET = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:\/(.*))?$/;

/** `gs://bucket/prefix`, or a folder's path. No client is made before the first call. */
export function openObjects(place: string): ObjectStore {
  if (place === '') throw new InputError("received an empty place for files; allowed: a folder's path, or gs://bucket/prefix");
  if (!place.includes('://')) return new FolderObjects(resolve(place));
  const [, bucket, prefix = ''] = BUCKET.exec(place) ?? [];
  if (bucket === undefined) throw new InputError(`received '${place}' as a place for files; allowed: a folder's path, or gs://bucket/prefix with a bucket's name in small letters`);
  return new BucketObjects({ bucket: bucketOpener(bucket), prefix: prefix.replace(/\/+$/, '') });
}

function bucketOpener(name: string): () => Promise<Bucket> {
  let opened: Promise<Bucket> | null = null;
  return () => (opened ??= openBucket(name));
}

/** The client is loaded when it is used first: it costs a cold start a good part of its time. */
async function openBucket(name: string): Promise<Bucket> {
  const { IdempotencyStrategy, Storage } = await import('@google-cloud/storage');
  // An unconditional write or removal may be repeated here: it leaves the same bytes, and a landing's readers compare rows.
  const storage = new Storage({ retryOptions: { idempotencyStrategy: IdempotencyStrategy.RetryAlways } });
  return storage.bucket(name);
}
