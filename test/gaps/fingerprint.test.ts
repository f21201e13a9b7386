import assert from 'node:assert/strict';
import fc from 'fast-check';
import { add64, EMPTY_FINGERPRINT, fingerprint, hash64, hex64, parseHex64, subtract64, ZERO, type Hash64 } from '../../shared/gaps/fingerprint.ts';

const halves = fc.integer({ min: 0, max: 0xffff_ffff });
const hashes = fc.tuple(halves, halves).map(([high, low]): Hash64 => ({ high, low }));
const big = ({ high, low }: Hash64): bigint => (BigInt(high) << 32n) | BigInt(low);

describe('Hashes of 64 bits', () => {
  it('are added and subtracted modulo 2^64', () => {
    fc.assert(fc.property(hashes, hashes, (a, b) => {
      assert.equal(big(add64(a, b)), BigInt.asUintN(64, big(a) + big(b)));
      assert.equal(big(subtract64(a, b)), BigInt.asUintN(64, big(a) - big(b)));
    }));
  });

  it('are written as sixteen digits and read back', () => {
    fc.assert(fc.property(hashes, (value) => {
      assert.equal(hex64(value), big(value).toString(16).padStart(16, '0'));
      assert.deepEqual(parseHex64(hex64(value)), value);
    }));
    for (const text of [undefined, '', '0', '00000000000000000', '000000000000000G', 'ABCDEF0123456789', '0:00000000000000', `\u0130${'0'.repeat(15)}`, `${'0'.repeat(15)}\u00b0`]) assert.equal(parseHex64(text), undefined);
  });

  it('differ for texts that differ in one place, in order or in length', () => {
    fc.assert(fc.property(fc.string({ maxLength: 30 }), fc.string({ maxLength: 30 }), (a, b) => a === b || hex64(hash64(a)) !== hex64(hash64(b))));
    const texts = Array.from({ length: 20_000 }, (_, index) => `200:${index.toString(16).padStart(16, '0')}`);
    assert.equal(new Set(texts.map((text) => hex64(hash64(text)))).size, texts.length);
  });

  it('of one text differ by seed', () => {
    const seeds = Array.from({ length: 20_000 }, (_, index) => hex64(hash64('absent', index)));
    assert.equal(new Set(seeds).size, seeds.length);
  });
});

describe('A fingerprint by sums', () => {
  const sum = (list: readonly Hash64[]): string => hex64(list.reduce(add64, ZERO));

  it('does not depend on the order of rows', () => {
    fc.assert(fc.property(fc.array(hashes).chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }))), ([list, shuffled]) => sum(list) === sum(shuffled)));
  });

  it('does not lose a row that is doubled, as XOR would', () => {
    fc.assert(fc.property(fc.array(hashes), hashes, (list, row) => big(row) === 0n || sum([...list, row, row]) !== sum(list)));
  });

  it('is written with its number of rows, modulo 2^64', () => {
    assert.equal(fingerprint(2, (1n << 64n) + 255n), '2:00000000000000ff');
    assert.equal(fingerprint(0, 0n), EMPTY_FINGERPRINT);
  });
});
