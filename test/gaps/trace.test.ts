import assert from 'node:assert/strict';
import fc from 'fast-check';
import { z } from 'zod';
import { addDays, day, dayOf } from '../../shared/calendar/day.ts';
import { hex64 } from '../../shared/gaps/fingerprint.ts';
import { add64, ZERO } from '../../shared/gaps/fingerprint.ts';
import { entryHash } from '../../shared/gaps/prefix-sums.ts';
import { decodeTrace, digestOf, encodeTrace, traceDifferences, traceEntries, traceOf, type TraceEntry } from '../../shared/gaps/trace.ts';
import { CHAIN, complete, LEAGUE, lose, makePipeline, makeWorld, ran } from '../core-builders.ts';

const entries = fc.uniqueArray(
  fc.record({ edge: fc.constantFrom('A', 'B(x,y)', 'constructor'), day: fc.integer({ min: 0, max: 40_000 }).map(day), content: fc.constantFrom('absent', '1:00', '2:ff') }, { noNullPrototype: true }),
  { selector: (entry) => `${entry.edge}|${entry.day}` },
);

describe('A trace', () => {
  it('is written and read back the same, edge by edge', () => {
    const byEdge = (list: readonly TraceEntry[]): TraceEntry[] => [...list].sort((a, b) => (a.edge < b.edge ? -1 : a.edge > b.edge ? 1 : a.day - b.day));
    fc.assert(fc.property(entries, (list) => assert.deepEqual(byEdge(decodeTrace(encodeTrace(list))), byEdge(list))));
  });

  for (const text of ['[]', '{"A": [["2024-01-01"]]}', '{"A": [["2024-01-01", 1]]}', '7']) {
    it(`refuses ${text}`, () => assert.throws(() => decodeTrace(text), z.ZodError));
  }

  it('lists every date that a window holds rows of, or expects', () => {
    const world = complete(makeWorld(makePipeline(LEAGUE)), '2024-01-31');
    lose(world, 'Box', '2024-01-10');
    const list = traceEntries(world, world.processor('Summary'), dayOf('2024-01-12'));
    assert.deepEqual(list.map((entry) => [entry.edge, entry.day - dayOf('2024-01-01') + 1, entry.content === 'absent']), [['Box', 6, false], ['Box', 8, false], ['Box', 10, true], ['Box', 12, false]]);
  });

  it('has the digest of its entries, edge by edge', () => {
    const world = complete(makeWorld(makePipeline(LEAGUE)), '2024-01-31');
    lose(world, 'Summary', '2024-01-10');
    const processor = world.processor('Ahead');
    const list = traceEntries(world, processor, dayOf('2024-01-12'));
    const { edges, digest, definitionHash, codeVersion } = traceOf(world, processor, dayOf('2024-01-12'));
    for (const [key, value] of Object.entries(edges)) {
      assert.equal(hex64(list.filter((entry) => entry.edge === key).map((entry) => entryHash(entry.day, entry.content)).reduce(add64, ZERO)), value, key);
    }
    assert.deepEqual(Object.keys(edges).sort(), ['Schedule(game_date,game_id)', 'Summary']);
    assert.equal(digest, digestOf(edges, definitionHash, codeVersion));
  });

  it('has another digest by definition, by code and by any edge, and the same in any order of edges', () => {
    const digests = [digestOf({ A: '1', B: '2' }, 'd', ''), digestOf({ A: '2', B: '1' }, 'd', ''), digestOf({ A: '1', B: '2' }, 'e', ''), digestOf({ A: '1', B: '2' }, 'd', 'v2'), digestOf({ A: '1' }, 'd', '')];
    assert.equal(new Set(digests).size, digests.length);
    assert.equal(digestOf({ B: '2', A: '1' }, 'd', ''), digests[0]);
  });
});

describe('What differs between two traces', () => {
  it('is named with both contents, oldest first', () => {
    const world = complete(makeWorld(makePipeline(CHAIN), { now: '2024-02-10' }), '2024-01-31');
    const at = dayOf('2024-01-10');
    const read = traceEntries(world, world.processor('B'), at);
    ran(world, 'A', '2024-01-09', 2);
    lose(world, 'A', '2024-01-10');
    const differences = traceDifferences(read, traceEntries(world, world.processor('B'), at));
    assert.deepEqual(differences.map(({ edge, day: on, now }) => [edge, on - at, now === 'absent']), [['A', -1, false], ['A', 0, true]]);
    assert.ok(differences.every((difference) => difference.read !== difference.now));
  });

  it('holds dates that entered and left the window', () => {
    const at = dayOf('2024-01-10');
    assert.deepEqual(traceDifferences([{ edge: 'A', day: at, content: '1:00' }], [{ edge: 'A', day: addDays(at, 1), content: '2:00' }]), [
      { edge: 'A', day: at, read: '1:00', now: 'not in the window' }, { edge: 'A', day: addDays(at, 1), read: 'not in the window', now: '2:00' },
    ]);
  });

  it('is nothing for the same trace in another order', () => {
    fc.assert(fc.property(entries, (list) => traceDifferences(list, [...list].reverse()).length === 0));
  });
});
