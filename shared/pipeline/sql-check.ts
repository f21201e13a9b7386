import { enumerated, type SqlMistake } from './problems.ts';
import { nondeterminism } from './sql-determinism.ts';
import { tableMistakes } from './sql-inputs.ts';
import { sqlTokens, type SqlToken } from './sql-tokens.ts';
import { isGroup, isQuery, sqlTree, wordOf, type SqlGroup } from './sql-tree.ts';

/**
 * What can be seen of a processor's SQL without running it: it is one query over declared inputs that gives the same rows
 * for the same inputs. What can't be seen here is decided by the shuffle-and-threads test of every `.sql`.
 */

/** `inputs`: the short names of the tables that may be read; `allKnown`: false when there may be others. */
export function sqlMistakes(sql: string, inputs: readonly string[], allKnown = true): readonly SqlMistake[] {
  const tokens = sqlTokens(sql);
  const unfinished = tokens.find((token) => token.kind === 'unterminated');
  if (unfinished) return [mistakeAt(unfinished, 'this text or comment never ends', unfinished.text.slice(0, 20), 'a closing quote, or */', 'close it')];
  const first = tokens[0];
  if (!first) return [{ offset: 0, what: 'there is no query', received: 'comments and blanks only', allowed: 'one SELECT', hint: 'write the query' }];
  const { root, unmatched } = sqlTree(tokens);
  if (unmatched[0]) return unmatched.map((token) => mistakeAt(token, `this ${token.text} has no partner`, token.text, 'pairs of parentheses', 'add or remove one'));
  const mistakes = [...statementMistakes(tokens, root), ...parameterMistakes(tokens)];
  // Of what is no query, tables and columns can't be told.
  if (!isQuery(root)) return mistakes.sort(byOffset);
  return [...mistakes, ...starMistakes(root), ...nondeterminism(root), ...(allKnown ? tableMistakes(root, inputs) : [])].sort(byOffset);
}

function byOffset(a: SqlMistake, b: SqlMistake): number {
  return a.offset - b.offset;
}

function mistakeAt({ offset }: SqlToken, what: string, received: string, allowed: string, hint: string): SqlMistake {
  return { offset, what, received, allowed, hint };
}

const ONE_QUERY = 'one query that starts with SELECT or WITH';

function statementMistakes(tokens: readonly SqlToken[], root: SqlGroup): readonly SqlMistake[] {
  const mistakes: SqlMistake[] = [];
  const first = tokens[0];
  if (first && !isQuery(root)) {
    mistakes.push(mistakeAt(first, `a processor's SQL is a query, not ${first.text.toUpperCase()}`, first.text, ONE_QUERY, 'keep the SELECT only: the engine stages, checks and promotes its rows'));
  }
  const end = tokens.findIndex((token) => token.text === ';');
  const next = end < 0 ? undefined : tokens[end + 1];
  if (next) mistakes.push(mistakeAt(next, 'several statements', `a second one that starts with ${next.text}`, ONE_QUERY, 'put steps into WITH clauses'));
  for (const token of tokens) {
    if (token.text === '|>') mistakes.push(mistakeAt(token, 'pipe syntax does not run in both runtimes', token.text, ONE_QUERY, 'write it as SELECT … FROM … WHERE …'));
  }
  return mistakes;
}

const GAME_DATE_PARAMETER = '@game_date';

function parameterMistakes(tokens: readonly SqlToken[]): readonly SqlMistake[] {
  return tokens.flatMap((token): readonly SqlMistake[] => {
    const isOther = token.kind === 'parameter' ? token.text !== GAME_DATE_PARAMETER : token.text === '?' || token.text === '@';
    if (!isOther) return [];
    const hint = token.text.startsWith('@@') ? 'remove it: a system variable makes the rows depend on where they are computed' : `use ${GAME_DATE_PARAMETER}, or write the value out`;
    return [mistakeAt(token, `unknown parameter ${token.text}`, token.text, GAME_DATE_PARAMETER, hint)];
  });
}

/** `SELECT *` at the top level: a new column of an input would change the table. */
function starMistakes(root: SqlGroup): readonly SqlMistake[] {
  const mistakes: SqlMistake[] = [];
  let inSelectList = false;
  for (const [index, item] of root.items.entries()) {
    // A query in parentheses at the top level, as in (SELECT …) UNION ALL (SELECT …).
    if (isGroup(item)) {
      if (isQuery(item) && item.before !== 'AS' && !inSelectList && startsQuery(wordOf(root.items[index - 1]))) mistakes.push(...starMistakes(item));
      continue;
    }
    if (item.word === 'SELECT') inSelectList = true;
    else if (item.word === 'FROM') inSelectList = false;
    else if (inSelectList && item.word === '*' && ['SELECT', 'DISTINCT', 'ALL', ',', '.'].includes(wordOf(root.items[index - 1])) && !isGroup(root.items[index - 1])) {
      mistakes.push(mistakeAt(item.token, 'SELECT * at the top level', '*', `the table's columns by name, as ${enumerated(['game_date', 'team_id', '…'])}`, 'name each column'));
    }
  }
  return mistakes;
}

function startsQuery(before: string): boolean {
  return ['', 'ALL', 'DISTINCT'].includes(before);
}
