import assert from 'node:assert/strict';
import { addDays } from '../../shared/calendar/day.ts';
import { coverageOfRows } from '../../shared/gaps/row-fingerprint.ts';
import { bytesOf } from '../../shared/google/object-landing-files.ts';
import { ObjectLanding } from '../../shared/google/object-landing.ts';
import type { ObjectStore } from '../../shared/google/objects-store.ts';
import { linesOf } from '../../shared/rows/json-lines.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { named, nov15 } from '../contract/warehouse-under-test.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 10, 21);

describe('What is kept of landed files in a bucket', () => {
  const landed = named(warehousePipeline(), 'Landed');
  const dates = [0, 1, 2, 3].map((later) => addDays(nov15, later));
  const rowsOn = (index: number) => [{ game_date: `2023-11-${15 + index}`, game_id: 'A', player_id: index, points: 1 }];
  let now: number;
  let reads: string[];
  let objects: Map<string, { readonly bytes: Uint8Array; readonly updatedAtMs: number }>;
  const store: ObjectStore = {
    list: async (prefix) => [...objects].filter(([name]) => name.startsWith(prefix)).map(([name, { bytes, updatedAtMs }]) => ({ name, version: String(updatedAtMs), bytes: bytes.length, updatedAtMs })),
    read: async (name) => {
      reads.push(name);
      const found = objects.get(name);
      return found ? { bytes: found.bytes, version: String(found.updatedAtMs) } : null;
    },
    write: async (name, bytes) => {
      objects.set(name, { bytes, updatedAtMs: now });
      return { version: String(now) };
    },
    remove: async (name) => { objects.delete(name); },
  };
  const instance = (): ObjectLanding => new ObjectLanding(store, () => 'id', () => now);
  const keep = (landing: ObjectLanding, index: number, name = 'season') => landing.keep(landed, dates[index] ?? nov15, { name, fingerprint: coverageOfRows(landed, rowsOn(index)).fingerprint, at: now, until: now + 30 * DAY_MS });
  const kept = (): number => [...objects.keys()].filter((name) => name.startsWith('_kept/')).length;
  beforeEach(() => {
    [now, reads] = [START, []];
    objects = new Map(dates.map((_, index) => [`boxscores/game_date=2023-11-${15 + index}/boxscores.jsonl`, { bytes: bytesOf(linesOf(rowsOn(index))), updatedAtMs: START }]));
  });

  it('is thrown away when its time is over, by whoever keeps something next', async () => {
    const first = instance();
    for (const index of [0, 1, 2]) assert.equal(await keep(first, index), true);
    now += 30 * DAY_MS;
    assert.equal(await keep(instance(), 3, 'another'), true);
    assert.equal(kept(), 1);
  });

  it('is not read by an instance that keeps something else, however much there is', async () => {
    const first = instance();
    for (const index of [0, 1, 2]) await keep(first, index);
    now += DAY_MS;
    reads = [];
    await keep(instance(), 3);
    assert.deepEqual([reads.length, kept()], [2, 4], 'its own date, and what is kept of that');
  });
});
