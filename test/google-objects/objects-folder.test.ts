import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderObjects } from '../../shared/google/objects-folder.ts';
import { objectStoreContract } from './contract.ts';

objectStoreContract('a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'objects-'));
  return { store: new FolderObjects(join(folder, 'not there yet')), dispose: () => rm(folder, { recursive: true, force: true }) };
});

describe('FolderObjects', () => {
  let folder = '';
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'objects-')); });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('serialises conditional writes of two stores over the same folder', async () => {
    const stores = [new FolderObjects(folder), new FolderObjects(`${folder}/.`)];
    const answers = await Promise.all(stores.map((store) => store.write('a', Buffer.from('x'), null)));
    assert.equal(answers.filter((answer) => answer === 'changed').length, 1);
  });

  it('does not list a file that a killed writer left unfinished', async () => {
    await writeFile(join(folder, '.half'), 'x');
    assert.deepEqual(await new FolderObjects(folder).list(''), []);
  });

  it('leaves nothing behind of a write that fails', async () => {
    const store = new FolderObjects(folder);
    await store.write('a/b', Buffer.from('x'), 'any');
    await assert.rejects(store.write('a', Buffer.from('x'), 'any'));
    assert.deepEqual((await readdir(folder)).filter((name) => name.startsWith('.')), []);
    assert.deepEqual((await store.list('')).map(({ name }) => name), ['a/b']);
  });
});
