import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { hasTerraform } from '../has-terraform.ts';
import { evaluateText } from './evaluation.ts';

/** Expressions as terraform/ has them, with what Terraform itself makes of them. */
const EXPRESSIONS: readonly (readonly [string, unknown])[] = [
  ['{ for k, v in { b = { x = "1" }, a = { x = "" } } : k => v.x if v.x != "" }', { b: '1' }],
  ['{ for v in [{ t = "x", n = 1 }, { t = "x", n = 2 }] : v.t => v.n... }', { x: [1, 2] }],
  ['[for k, v in { b = 1, a = 2 } : "${k}-${v}"]', ['a-2', 'b-1']],
  ['merge([for t in toset(["b", "a"]) : { for l, m in { x = "m" } : "${t}:${l}" => m }]...)', { 'a:x': 'm', 'b:x': 'm' }],
  ['coalesce(null, "", "x")', 'x'],
  ['{ ("a") = { kind = "b", phase = null }, "c" = 1 }', { a: { kind: 'b', phase: null }, c: 1 }],
  ['1 + 2 * 3 > 6 && !(2 >= 3) ? "yes" : "no"', 'yes'],
  ['[{ a = { b = 1 } }, { a = { b = 2 } }][*].a.b', [1, 2]],
  ['try({ a = 1 }.b, { a = 2 }.a, 3)', 2],
  ['can({ a = 1 }.b)', false],
  ['slice(split(".", "a.b.c"), 0, min(2, 9))', ['a', 'b']],
  ['alltrue([for x in [1, 2] : x > 0])', true],
  ['yamldecode("a: &x {t: 1}\\nb: *x\\nc: [*x]").c[0].t', 1],
  ['"$${no} \\"${1 + 1}\\""', '${no} "2"'],
  ['contains(keys({ a = 1 }), "b") || contains(values({ a = 1 }), 1)', true],
];

describe('terraform/hcl/evaluate', () => {
  for (const [text, expected] of EXPRESSIONS) it(`evaluates ${text}`, () => { assert.deepEqual(JSON.parse(JSON.stringify(evaluateText(text))), expected); });

  it('refuses what has no value', () => {
    assert.throws(() => evaluateText('{ a = 1 }.b'), /no b/);
    assert.throws(() => evaluateText('nosuch(1)'), /nosuch is not known/);
    assert.throws(() => evaluateText('[1, 2'), /expected/);
    assert.throws(() => evaluateText('{ for x in ["a", "a"] : x => 1 }'), /two elements/);
  });

  (hasTerraform ? it : it.skip)('agrees with terraform console (needs the terraform program: https://developer.hashicorp.com/terraform/install)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'console-'));
    try {
      // The console answers the last line of what is piped into it.
      const input = `jsonencode([${EXPRESSIONS.map(([text]) => text).join(', ')}])`;
      const answer = execFileSync('terraform', ['console'], { cwd: folder, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, CHECKPOINT_DISABLE: '1' } });
      assert.deepEqual(JSON.parse(z.string().parse(JSON.parse(answer))), EXPRESSIONS.map(([, expected]) => expected));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }).timeout(60_000);
});
