import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../shared/failures/errors.ts';
import { BucketObjects } from '../../shared/google/objects-bucket.ts';
import { openObjects } from '../../shared/google/objects.ts';

describe('openObjects', () => {
  it('opens a folder by its path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'objects-'));
    await openObjects(folder).write('a/b', Buffer.from('x'), null);
    assert.equal(await readFile(join(folder, 'a', 'b'), 'utf8'), 'x');
    await rm(folder, { recursive: true });
  });

  for (const place of ['gs://nba-landing', 'gs://nba-landing/', 'gs://nba-landing/landed/here/']) {
    it(`opens a bucket for ${place}`, () => {
      assert.ok(openObjects(place) instanceof BucketObjects);
    });
  }

  for (const place of ['', 's3://bucket', 'gs://', 'gs://Bucket', 'gs:///prefix']) {
    it(`refuses ${JSON.stringify(place)} and says what is allowed`, () => {
      assert.throws(() => openObjects(place), (thrown) => thrown instanceof InputError && /allowed: a folder's path, or gs:\/\/bucket\/prefix/.test(thrown.message));
    });
  }
});
