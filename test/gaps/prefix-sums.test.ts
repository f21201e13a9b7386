import assert from 'node:assert/strict';
import fc from 'fast-check';
import { add64, hex64, ZERO, type Hash64 } from '../../shared/gaps/fingerprint.ts';
import { entryHash, PrefixCounts, PrefixSums } from '../../shared/gaps/prefix-sums.ts';

const LENGTH = 24;
const indexes = fc.integer({ min: 0, max: LENGTH - 1 });
const ranges = fc.tuple(indexes, indexes).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const halves = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 0xffff_ffff));
const hashes = fc.tuple(halves, halves).map(([high, low]): Hash64 => ({ high, low }));

describe('Running sums over days', () => {
  it('answer as adding up would, whatever changes between the questions', () => {
    const steps = fc.array(fc.oneof(fc.record({ set: indexes, to: hashes }), fc.record({ ask: ranges })), { maxLength: 60 });
    fc.assert(fc.property(steps, (list) => {
      const sums = new PrefixSums(LENGTH);
      const plain: Hash64[] = Array.from({ length: LENGTH }, () => ZERO);
      for (const step of list) {
        if ('set' in step) {
          sums.set(step.set, step.to);
          plain[step.set] = step.to;
        } else {
          const [from, to] = step.ask;
          const expected = plain.slice(from, to + 1).reduce(add64, ZERO);
          assert.equal(hex64(sums.sum(from, to)), hex64(expected));
          assert.equal(sums.is(from, to, expected.high, expected.low), true);
          assert.equal(sums.is(from, to, expected.high, (expected.low + 1) >>> 0), false);
          assert.equal(sums.is(from, to, (expected.high + 1) >>> 0, expected.low), false);
        }
      }
    }));
  });

  it('of nothing are nothing, an empty range too', () => {
    const sums = new PrefixSums(3);
    assert.deepEqual([sums.sum(0, 2), sums.is(0, 2, 0, 0)], [ZERO, true]);
    sums.set(0, { high: 1, low: 1 });
    assert.deepEqual([sums.sum(0, -1), sums.is(0, -1, 0, 0)], [ZERO, true]);
  });
});

describe('Running counts over days', () => {
  it('answer as counting would, whatever changes between the questions', () => {
    const steps = fc.array(fc.oneof(fc.record({ turn: indexes }), fc.record({ ask: ranges })), { maxLength: 60 });
    fc.assert(fc.property(steps, (list) => {
      const holds = Array.from({ length: LENGTH }, () => false);
      const counts = new PrefixCounts(LENGTH, (index) => holds[index] ?? false);
      for (const step of list) {
        if ('turn' in step) {
          holds[step.turn] = !holds[step.turn];
          counts.changed(step.turn);
        } else {
          const [from, to] = step.ask;
          const found = holds.map((one, index) => (one && index >= from && index <= to ? index : -1)).filter((index) => index >= 0);
          assert.deepEqual([counts.count(from, to), counts.firstIn(from, to), counts.lastIn(from, to)], [found.length, found[0] ?? -1, found.at(-1) ?? -1]);
        }
      }
    }));
  });
});

describe('What a day adds to a digest', () => {
  it('tells dates and contents apart', () => {
    const all = Array.from({ length: 200 }, (_, date) => ['absent', '1:00', '1:01', '2:00'].map((content) => hex64(entryHash(date, content)))).flat();
    assert.equal(new Set(all).size, all.length);
  });
});
