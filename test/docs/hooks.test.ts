import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A hook outside of any describe is one of all files: run one after the other, each test has it; run in parallel, those of
 * whichever file loads its module first in a process.
 */
const HOOK = /^(?:before|after|beforeEach|afterEach)\(/m;

const tests = join(import.meta.dirname, '..');

describe('test files', () => {
  it('have their hooks in a describe', () => {
    const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    assert.ok(files.length > 300, `${files.length} files`);
    assert.deepEqual(files.filter((file) => HOOK.test(readFileSync(join(tests, file), 'utf8'))), []);
  });

  it('with a hook outside of them are seen', () => {
    assert.match("let server: Server;\nafter(() => server.close());\n", HOOK);
    assert.doesNotMatch("describe('a server', () => {\n  after(() => server.close());\n});\n", HOOK);
  });
});
