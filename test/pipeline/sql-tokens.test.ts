import assert from 'node:assert/strict';
import { normalizedSql, positionAt, sqlTokens } from '../../shared/pipeline/sql-tokens.ts';

describe('pipeline/sql-tokens', () => {
  const KINDS: readonly (readonly [string, readonly string[]])[] = [
    ["SELECT 'it\\'s -- no comment'", ['word SELECT', "string 'it\\'s -- no comment'"]],
    ['a--comment\nb', ['word a', 'word b']],
    ['a # comment\nb', ['word a', 'word b']],
    ["/* it's */ a", ['word a']],
    ['"""x"y""" \'\'\'it\'s\'\'\'', ['string """x"y"""', "string '''it's'''"]],
    ["r'\\' b", ["string r'\\'", 'word b']],
    ["'' ''", ["string ''", "string ''"]],
    ['`p-1.d.t`', ['quoted `p-1.d.t`']],
    ['@game_date @@x', ['parameter @game_date', 'parameter @@x']],
    ['1.5e-3 .5 0xFF', ['number 1.5e-3', 'number .5', 'number 0xFF']],
    ['a||b<=c', ['word a', 'symbol ||', 'word b', 'symbol <=', 'word c']],
    ["x 'never", ['word x', "unterminated 'never"]],
    ['/* never', ['unterminated /* never']],
  ];
  for (const [text, expected] of KINDS) {
    it(JSON.stringify(text), () => { assert.deepEqual(sqlTokens(text).map(({ kind, text: token }) => `${kind} ${token}`), expected); });
  }

  it('gives one text for queries that differ in layout and comments only', () => {
    assert.equal(normalizedSql('SELECT  a -- x\n,b'), normalizedSql('/* y */ SELECT a, b'));
    assert.notEqual(normalizedSql("SELECT 'a  b'"), normalizedSql("SELECT 'a b'"));
  });

  it('counts lines and columns from 1', () => {
    assert.deepEqual(positionAt('a\nbc', 3), { line: 2, column: 2 });
    assert.deepEqual(positionAt('a', 0), { line: 1, column: 1 });
  });
});
