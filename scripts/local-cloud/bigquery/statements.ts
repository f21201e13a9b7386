import { invalidQuery, notModelled } from './api-error.ts';
import { parseCreateTable, parseOptions, type CreateTable, type Option } from './create-table.ts';
import { TokenCursor } from './token-cursor.ts';

/** What a statement is, as far as the server itself has to know it. */

export type Statement =
  | { readonly kind: 'select' }
  | CreateTable
  | { readonly kind: 'create_view'; readonly path: readonly string[]; readonly replaces: boolean; readonly ifNotExists: boolean; readonly query: string }
  | { readonly kind: 'create_schema'; readonly path: readonly string[]; readonly ifNotExists: boolean }
  | { readonly kind: 'drop'; readonly what: 'TABLE' | 'VIEW' | 'SCHEMA'; readonly path: readonly string[]; readonly ifExists: boolean; readonly cascades: boolean }
  | { readonly kind: 'alter_table'; readonly path: readonly string[]; readonly ifExists: boolean; readonly action: AlterAction }
  | { readonly kind: 'dml'; readonly type: 'INSERT' | 'UPDATE' | 'DELETE' | 'MERGE' | 'TRUNCATE_TABLE'; readonly path: readonly string[] };

export type AlterAction =
  | { readonly kind: 'add'; readonly column: string; readonly type: string; readonly ifNotExists: boolean }
  | { readonly kind: 'drop'; readonly column: string; readonly ifExists: boolean }
  | { readonly kind: 'rename'; readonly column: string; readonly to: string }
  | { readonly kind: 'options'; readonly options: readonly Option[] };

export function parseStatement(sql: string): Statement {
  const cursor = new TokenCursor(sql);
  const unfinished = cursor.tokens.find(({ kind }) => kind === 'unterminated');
  if (unfinished) throw invalidQuery(`Syntax error: Unclosed string literal, quoted identifier or comment: ${unfinished.text.slice(0, 20)}`);
  if (cursor.tokens.length === 0) throw invalidQuery('Syntax error: Unexpected end of statement at [1:1]');
  if (cursor.tokens.some((token, index) => token.text === ';' && index < cursor.tokens.length - 1)) throw notModelled('a script of several statements');
  if (['SELECT', 'WITH', '('].includes(cursor.peek())) return { kind: 'select' };
  if (cursor.takes('CREATE')) return parseCreate(cursor);
  if (cursor.takes('DROP')) return parseDrop(cursor);
  if (cursor.takes('ALTER', 'TABLE')) return parseAlter(cursor);
  if (cursor.takes('INSERT')) {
    cursor.takes('INTO');
    return { kind: 'dml', type: 'INSERT', path: cursor.path() };
  }
  if (cursor.takes('UPDATE')) return { kind: 'dml', type: 'UPDATE', path: cursor.path() };
  if (cursor.takes('DELETE')) {
    cursor.takes('FROM');
    return { kind: 'dml', type: 'DELETE', path: cursor.path() };
  }
  if (cursor.takes('MERGE')) {
    cursor.takes('INTO');
    return { kind: 'dml', type: 'MERGE', path: cursor.path() };
  }
  if (cursor.takes('TRUNCATE', 'TABLE')) return { kind: 'dml', type: 'TRUNCATE_TABLE', path: cursor.path() };
  const first = cursor.next();
  if (first.kind !== 'word') throw invalidQuery(`Syntax error: Unexpected ${JSON.stringify(first.text)} at [1:1]`);
  if (!STATEMENTS.has(first.text.toUpperCase())) throw invalidQuery(`Syntax error: Unexpected identifier ${JSON.stringify(first.text)} at [1:1]`);
  throw notModelled(`the statement ${first.text.toUpperCase()} ${cursor.peek()}`.trim());
}

/** Words that do begin a statement of GoogleSQL. */
const STATEMENTS: ReadonlySet<string> = new Set([
  'ALTER', 'ASSERT', 'BEGIN', 'CALL', 'COMMIT', 'DECLARE', 'EXECUTE', 'EXPORT', 'FOR', 'FROM', 'GRANT', 'IF', 'LOAD', 'LOOP', 'RAISE', 'REPEAT', 'REVOKE', 'ROLLBACK', 'SET', 'UNDROP', 'WHILE',
]);

function parseCreate(cursor: TokenCursor): Statement {
  const replaces = cursor.takes('OR', 'REPLACE');
  if (cursor.takes('TABLE')) return parseCreateTable(cursor, replaces);
  if (cursor.takes('SCHEMA')) {
    const ifNotExists = cursor.takes('IF', 'NOT', 'EXISTS');
    const path = cursor.path();
    if (cursor.takes('OPTIONS')) parseOptions(cursor);
    cursor.finish();
    return { kind: 'create_schema', path, ifNotExists };
  }
  if (cursor.takes('VIEW')) {
    const ifNotExists = cursor.takes('IF', 'NOT', 'EXISTS');
    const path = cursor.path();
    if (cursor.peek() === '(') throw notModelled('a view with a list of columns');
    if (cursor.takes('OPTIONS')) parseOptions(cursor);
    cursor.expect('AS');
    return { kind: 'create_view', path, replaces, ifNotExists, query: cursor.rest() };
  }
  throw notModelled(`CREATE ${cursor.peek()} ${cursor.peek(1)}`.trim());
}

function parseDrop(cursor: TokenCursor): Statement {
  const what = cursor.takes('TABLE') ? 'TABLE' : cursor.takes('VIEW') ? 'VIEW' : cursor.takes('SCHEMA') ? 'SCHEMA' : null;
  if (what === null) throw notModelled(`DROP ${cursor.peek()}`);
  const ifExists = cursor.takes('IF', 'EXISTS');
  const path = cursor.path();
  const cascades = cursor.takes('CASCADE');
  if (!cascades) cursor.takes('RESTRICT');
  cursor.finish();
  return { kind: 'drop', what, path, ifExists, cascades };
}

function parseAlter(cursor: TokenCursor): Statement {
  const ifExists = cursor.takes('IF', 'EXISTS');
  const path = cursor.path();
  const action = alterAction(cursor);
  if (cursor.peek() === ',') throw notModelled('ALTER TABLE with several actions');
  cursor.finish();
  return { kind: 'alter_table', path, ifExists, action };
}

function alterAction(cursor: TokenCursor): AlterAction {
  if (cursor.takes('ADD', 'COLUMN')) {
    const ifNotExists = cursor.takes('IF', 'NOT', 'EXISTS');
    return { kind: 'add', ifNotExists, column: cursor.name(), type: cursor.textUntil(',', 'OPTIONS') };
  }
  if (cursor.takes('DROP', 'COLUMN')) {
    const ifExists = cursor.takes('IF', 'EXISTS');
    return { kind: 'drop', ifExists, column: cursor.name() };
  }
  if (cursor.takes('RENAME', 'COLUMN')) {
    const column = cursor.name();
    cursor.expect('TO');
    return { kind: 'rename', column, to: cursor.name() };
  }
  if (cursor.takes('SET', 'OPTIONS')) return { kind: 'options', options: parseOptions(cursor) };
  throw notModelled(`ALTER TABLE … ${cursor.peek()} ${cursor.peek(1)}`.trim());
}
