import assert from 'node:assert/strict';
import { InputError } from '../../shared/failures/errors.ts';
import type { ObjectStore } from '../../shared/google/objects-store.ts';

export interface StoreUnderTest {
  readonly store: ObjectStore;
  readonly dispose: () => Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const NAME = 'player_boxscore/game_date=2023-11-15/player_boxscore.jsonl';

/** What every `ObjectStore` promises. */
export function objectStoreContract(name: string, factory: () => Promise<StoreUnderTest>): void {
  describe(`ObjectStore: ${name}`, () => {
    let subject: StoreUnderTest;
    let store: ObjectStore;
    const text = async (name: string): Promise<string | null> => {
      const found = await store.read(name);
      return found && new TextDecoder().decode(found.bytes);
    };
    beforeEach(async () => {
      subject = await factory();
      store = subject.store;
    });
    afterEach(() => subject.dispose());

    it('hands back the very bytes that were written, with the version of that write', async () => {
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      const written = await store.write(NAME, all, 'any');
      const read = await store.read(NAME);
      assert.deepEqual(Uint8Array.from(read!.bytes), all);
      assert.deepEqual(written, { version: read!.version });
    });

    it('knows an empty file from none', async () => {
      await store.write(NAME, bytes(''), 'any');
      assert.equal((await store.read(NAME))!.bytes.length, 0);
      assert.equal(await store.read('schedule/game_date=2023-11-15/schedule.jsonl'), null);
    });

    it('gives another version to each write, of the same bytes too', async () => {
      const versions = new Set<string>();
      for (const word of ['one', 'one', 'two']) {
        const written = await store.write(NAME, bytes(word), 'any');
        if (written !== 'changed') versions.add(written.version);
      }
      assert.equal(versions.size, 3);
      assert.equal(await text(NAME), 'two');
    });

    it('writes for null only where nothing is', async () => {
      assert.notEqual(await store.write(NAME, bytes('one'), null), 'changed');
      assert.equal(await store.write(NAME, bytes('two'), null), 'changed');
      assert.equal(await text(NAME), 'one');
    });

    it('writes over the version it was told, and over no other', async () => {
      await store.write(NAME, bytes('one'), 'any');
      const { version } = (await store.read(NAME))!;
      assert.notEqual(await store.write(NAME, bytes('two'), version), 'changed');
      assert.equal(await store.write(NAME, bytes('three'), version), 'changed');
      assert.equal(await text(NAME), 'two');
      await store.remove(NAME);
      assert.equal(await store.write(NAME, bytes('four'), version), 'changed');
      assert.equal(await text(NAME), null);
    });

    it('lets exactly one of twenty writers of the same file be first', async () => {
      const writers = Array.from({ length: 20 }, (_, index) => `writer ${index}`);
      const answers = await Promise.all(writers.map((word) => store.write(NAME, bytes(word), null)));
      const winners = writers.filter((_, index) => answers[index] !== 'changed');
      assert.equal(winners.length, 1);
      assert.equal(await text(NAME), winners[0]);
    });

    it('lists by name what starts with a text, with sizes, times and the versions that are read', async () => {
      const names = ['b/game_date=2023-11-15/b.jsonl', 'b/game_date=2023-11-14/b.jsonl', 'b/game_date=2023-12-01/b.jsonl', 'bb/other', 'a/first'];
      for (const name of names) await store.write(name, bytes(name), 'any');
      assert.deepEqual((await store.list('')).map(({ name }) => name), [...names].sort());
      assert.deepEqual((await store.list('b/')).map(({ name }) => name), names.slice(0, 3).sort());
      const [found, ...more] = await store.list('b/game_date=2023-11-15');
      assert.deepEqual(more, []);
      assert.deepEqual({ name: found!.name, bytes: found!.bytes, version: found!.version }, { name: names[0], bytes: names[0]!.length, version: (await store.read(names[0]!))!.version });
      assert.ok(Math.abs(found!.updatedAtMs - Date.now()) < 60_000, `updated at ${found!.updatedAtMs}`);
      assert.deepEqual(await store.list('c/'), []);
    });

    it('lists more than one page of files', async () => {
      const names = Array.from({ length: 7 }, (_, index) => `many/${index}`);
      await Promise.all(names.map((name) => store.write(name, bytes('x'), 'any')));
      assert.deepEqual((await store.list('many/')).map(({ name }) => name), names);
    });

    it('removes a file, and does not mind when there is none', async () => {
      await store.write(NAME, bytes('one'), 'any');
      await store.remove(NAME);
      await store.remove(NAME);
      assert.equal(await store.read(NAME), null);
      assert.deepEqual(await store.list(''), []);
    });

    for (const wrong of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a/.b', '.a', 'a\nb', 'a\\b', 'x'.repeat(1025)]) {
      it(`refuses the name ${JSON.stringify(wrong.slice(0, 20))}, reading, writing and removing`, async () => {
        await assert.rejects(async () => store.read(wrong), InputError);
        await assert.rejects(async () => store.write(wrong, bytes('x'), 'any'), InputError);
        await assert.rejects(async () => store.remove(wrong), InputError);
      });
    }

    it('takes a name with accents, spaces, percent and plus signs', async () => {
      const name = 'a folder/50% + Dončić/#1?.jsonl';
      await store.write(name, bytes('x'), null);
      assert.equal(await text(name), 'x');
      assert.deepEqual((await store.list('a folder/50% +')).map((found) => found.name), [name]);
      await store.remove(name);
      assert.equal(await text(name), null);
    });
  });
}
