import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pipelineJsonSchema } from '../../shared/pipeline/json-schema.ts';
import { keysAllowed, schemasAt } from '../../shared/pipeline/allowed.ts';
import { DEFAULTS } from '../../shared/pipeline/schema.ts';

describe('docs/pipeline-yaml.md', () => {
  const text = readFileSync(new URL('../../docs/pipeline-yaml.md', import.meta.url), 'utf8');

  for (const [name, value] of Object.entries(DEFAULTS)) {
    it(`gives the default of ${name}`, () => {
      const named = text.split('\n').filter((line) => new RegExp(`\\b${name}\\b`).test(line));
      assert.ok(named.some((line) => new RegExp(`(?<![\\d.])${String(value).replace('.', '\\.')}(?![\\d]|\\.\\d)`).test(line)), `no line names ${name} with its default ${value}`);
    });
  }

  it('names every field', () => {
    const schema = pipelineJsonSchema();
    const missing: string[] = [];
    const visit = (path: readonly PropertyKey[], written: string): void => {
      for (const key of keysAllowed(schema, path)) {
        // As `a.key`, key.a, key[] or {key: …}
        if (!new RegExp(`[\`.{ ]${key}(?:\`|\\[|:|\\.)`).test(text)) missing.push(`${written}${key}`);
        visit([...path, key], `${written}${key}.`);
      }
      if (schemasAt(schema, path).some(({ items }) => items !== undefined)) visit([...path, 0], `${written}[].`);
      if (schemasAt(schema, path).some(({ additionalProperties }) => typeof additionalProperties === 'object')) visit([...path, 'Any'], `${written}….`);
    };
    visit([], '');
    assert.deepEqual(missing, []);
  });
});
