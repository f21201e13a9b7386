import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/pitfalls.md'), 'utf8');

/** Each pitfall's number, what the page says of it, and the files that it names. */
const entries = page.split(/^(?=\*\*P\d+ )|^(?=## )/m).flatMap((text) => {
  const number = /^\*\*P(\d+) /.exec(text)?.[1];
  return number === undefined ? [] : [{ number: Number(number), files: [...text.matchAll(/`([\w./-]+\.(?:ts|tf|sql))`/g)].map(([, file = '']) => file) }];
});

describe('docs/pitfalls.md', () => {
  it('has every pitfall of the platform once, in order', () => {
    assert.deepEqual(entries.map(({ number }) => number), Array.from({ length: 27 }, (_, index) => index + 1));
  });

  for (const { number, files } of entries) {
    it(`names code or Terraform and a test for P${number}, and each of them names it`, () => {
      const tests = files.filter((file) => file.startsWith('test/'));
      assert.ok(tests.length > 0, 'no test is named');
      assert.ok(files.length > tests.length, 'no code is named');
      for (const file of files) {
        assert.ok(existsSync(join(root, file)), `${file} is not there`);
        assert.match(readFileSync(join(root, file), 'utf8'), new RegExp(`\\bP${number}\\b`), `${file} does not name P${number}`);
      }
    });
  }
});
