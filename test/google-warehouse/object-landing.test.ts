import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, textOf } from '../../shared/google/object-landing-files.ts';
import { ObjectLanding } from '../../shared/google/object-landing.ts';
import { FolderObjects } from '../../shared/google/objects-folder.ts';
import type { ObjectStore } from '../../shared/google/objects-store.ts';
import type { PromoteOutcome, Row } from '../../shared/ports/warehouse.ts';
import { claimOf, named, nov15 } from '../contract/warehouse-under-test.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';

const DATA = 'boxscores/game_date=2023-11-15/boxscores.jsonl';
const MARKER = 'boxscores/game_date=2023-11-15/_promotion.json';
const PENDING = 'boxscores/game_date=2023-11-15/_pending-';
const DAY_MS = 86_400_000;

describe('Landed objects', () => {
  const processor = named(warehousePipeline(), 'Landed');
  const row = (player: number): Row => ({ points: 3, player_id: player, game_id: 'A', game_date: '2023-11-15' });
  let root: string;
  let objects: FolderObjects;
  let ids: number;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'smart-backfill-objects-'));
    objects = new FolderObjects(root);
    ids = 0;
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const landingOn = (store: ObjectStore = objects, now = Date.now()): ObjectLanding => new ObjectLanding(store, () => `id-${ids += 1}`, () => now);
  async function land(rows: readonly Row[], generation = 1, store: ObjectStore = objects): Promise<PromoteOutcome> {
    return (await landingOn(store).stage(claimOf(processor, nov15, generation), { kind: 'rows', rows })).promote('{}');
  }
  const rowsNow = () => landingOn().rows(processor, { from: nov15, to: nov15 }, null);
  const names = async (): Promise<readonly string[]> => (await objects.list('')).map(({ name }) => name);

  /** A store that dies when it is asked to write an object of this name. */
  function dyingAt(name: string): ObjectStore {
    return {
      list: (prefix) => objects.list(prefix),
      read: (wanted) => objects.read(wanted),
      remove: (wanted) => objects.remove(wanted),
      write: (wanted, bytes, ifVersion) => (wanted === name ? Promise.reject(new Error('the process died')) : objects.write(wanted, bytes, ifVersion)),
    };
  }

  it('are JSON lines with sorted keys, one object a date, with a marker beside them', async () => {
    await land([row(1), row(2)]);
    assert.deepEqual(await names(), [MARKER, DATA]);
    assert.equal(textOf((await objects.read(DATA))!.bytes).split('\n')[0], '{"game_date":"2023-11-15","game_id":"A","player_id":1,"points":3}');
  });

  it('whose marker was written before a crash get the rows that it names', async () => {
    await land([row(1)]);
    await assert.rejects(land([row(2)], 2, dyingAt(DATA)), /died/);
    assert.equal((await names()).filter((name) => name.startsWith(PENDING)).length, 1);
    assert.deepEqual(await rowsNow(), [row(2)]);
    assert.equal((await landingOn().promotion(processor, nov15))?.generation, 2);
    assert.deepEqual(await names(), [MARKER, DATA]);
  });

  it('whose marker was not written before a crash stay as they were; what was left goes after a day', async () => {
    await land([row(1)]);
    await assert.rejects(land([row(2)], 2, dyingAt(MARKER)), /died/);
    assert.deepEqual(await rowsNow(), [row(1)]);
    assert.equal((await names()).length, 3, 'it may be of an attempt that is about to write its marker');
    await landingOn(objects, Date.now() + 2 * DAY_MS).coverage(processor, nov15, nov15);
    assert.deepEqual(await names(), [MARKER, DATA]);
  });

  it('are not put back by a slow finisher after a later promotion', async () => {
    await land([row(1)]);
    await assert.rejects(land([row(2)], 2, dyingAt(DATA)), /died/);
    // Between what the slow one reads and what it writes, generation 3 is promoted whole.
    let promoted = false;
    const slow: ObjectStore = {
      list: (prefix) => objects.list(prefix),
      read: (name) => objects.read(name),
      remove: (name) => objects.remove(name),
      write: async (name, bytes, ifVersion) => {
        if (name === DATA && !promoted) {
          promoted = true;
          await land([row(3)], 3);
        }
        return objects.write(name, bytes, ifVersion);
      },
    };
    await landingOn(slow).promotion(processor, nov15);
    assert.ok(promoted);
    assert.deepEqual(await rowsNow(), [row(3)]);
  });

  it('whose marker another attempt wrote first are judged again', async () => {
    let rival: Promise<PromoteOutcome> | null = null;
    const late: ObjectStore = {
      list: (prefix) => objects.list(prefix),
      read: (name) => objects.read(name),
      remove: (name) => objects.remove(name),
      write: async (name, bytes, ifVersion) => {
        if (name === MARKER) await (rival ??= land([row(9)], 2));
        return objects.write(name, bytes, ifVersion);
      },
    };
    const outcome = await land([row(1)], 1, late);
    assert.ok(outcome.kind === 'fenced' && outcome.winner.generation === 2);
    assert.deepEqual(await rowsNow(), [row(9)]);
    assert.deepEqual(await names(), [MARKER, DATA], 'its own rows were removed');
  });

  it('that are damaged are missing, are named when read, and can be landed again', async () => {
    await land([row(1)]);
    await objects.write(DATA, bytesOf('{"game_date":"2023-11-15"}\n{"half":'), (await objects.read(DATA))!.version);
    assert.equal((await landingOn().coverage(processor, nov15, nov15)).size, 0);
    await assert.rejects(rowsNow(), /boxscores\.jsonl, line 2 is no JSON object.*land this date again/);
    assert.deepEqual(await land([row(1)], 2), { kind: 'promoted' });
    assert.deepEqual(await rowsNow(), [row(1)]);
  });

  it('of another hand are counted without a marker, and with a damaged one', async () => {
    await objects.write(DATA, bytesOf(`${JSON.stringify(row(1))}\n`), null);
    assert.equal(await landingOn().promotion(processor, nov15), null);
    assert.equal((await landingOn().coverage(processor, nov15, nov15)).get(nov15)?.rows, 1);
    await objects.write(MARKER, bytesOf('{'), null);
    assert.equal(await landingOn().promotion(processor, nov15), null);
    assert.deepEqual(await land([row(2)]), { kind: 'promoted' });
  });

  it('are read once while they do not change', async () => {
    await land([row(1)]);
    const read: string[] = [];
    const landing = landingOn({
      list: (prefix) => objects.list(prefix),
      read: (name) => {
        read.push(name);
        return objects.read(name);
      },
      remove: (name) => objects.remove(name),
      write: (name, bytes, ifVersion) => objects.write(name, bytes, ifVersion),
    });
    await landing.coverage(processor, nov15, nov15);
    await landing.coverage(processor, nov15, nov15);
    assert.deepEqual(read, [DATA]);
  });

  it('are not written by SQL', () => assert.rejects(landingOn().stage(claimOf(processor, nov15), { kind: 'sql', inputs: [] }), /lands files/));
});
