import type { SqlMistake } from './problems.ts';
import { allGroups, isGroup, isOrdered, tokenOf, wordOf, type SqlGroup } from './sql-tree.ts';

/** What visibly gives other rows for the same inputs. */
export function nondeterminism(root: SqlGroup): readonly SqlMistake[] {
  const windows = namedWindows(root);
  return allGroups(root).flatMap((group) => [...callMistakes(group, windows), ...wordMistakes(group), ...limitMistakes(group)]);
}

/** Functions whose result is not decided by their arguments, with what to write instead. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...['RAND', 'GENERATE_UUID', 'NEW_UUID', 'RANDOM'].map((name) => [name, 'derive it from the key'] as const),
  ...['CURRENT_DATE', 'CURRENT_TIMESTAMP', 'CURRENT_TIME', 'CURRENT_DATETIME', 'NOW', 'GETDATE'].map((name) => [name, 'use @game_date'] as const),
  ...['SESSION_USER', 'CURRENT_USER'].map((name) => [name, 'remove it: rows do not depend on who computes them'] as const),
  // MAX_BY and MIN_BY take any of the rows that tie.
  ...['ANY_VALUE', 'MAX_BY', 'MIN_BY'].map((name) => [name, 'use MIN, MAX, or ARRAY_AGG(… ORDER BY … LIMIT 1)'] as const),
]);

/** Words that call a function without parentheses. */
const CALLED_BARE: ReadonlySet<string> = new Set(['CURRENT_DATE', 'CURRENT_TIMESTAMP', 'CURRENT_TIME', 'CURRENT_DATETIME', 'CURRENT_USER', 'SESSION_USER']);

const ORDERED_AGGREGATES: ReadonlySet<string> = new Set(['ARRAY_AGG', 'STRING_AGG', 'ARRAY_CONCAT_AGG']);
const ORDERED_WINDOWS: ReadonlySet<string> = new Set([
  'ROW_NUMBER', 'RANK', 'DENSE_RANK', 'NTILE', 'PERCENT_RANK', 'CUME_DIST', 'LAG', 'LEAD', 'FIRST_VALUE', 'LAST_VALUE', 'NTH_VALUE',
]);

function refusal(name: string): string | undefined {
  if (REFUSED.has(name)) return REFUSED.get(name);
  return name.startsWith('APPROX_') ? 'use the exact function, for example COUNT(DISTINCT …)' : undefined;
}

function callMistakes(group: SqlGroup, windows: ReadonlyMap<string, SqlGroup>): readonly SqlMistake[] {
  return group.items.flatMap((call, index): readonly SqlMistake[] => {
    if (!isGroup(call) || call.before === '' || !call.at) return [];
    const { before: name, at } = call;
    const over = windowOf(group, index, windows);
    const mistake = (what: string, allowed: string, hint: string): SqlMistake => ({ offset: at.offset, what, received: `${name}(…)`, allowed, hint });
    const instead = refusal(name);
    if (instead !== undefined) return [mistake(`${name} gives other rows each time`, 'functions that their arguments decide', instead)];
    if (ORDERED_AGGREGATES.has(name) && !isOrdered(call) && !(over && isOrdered(over))) {
      return [mistake(`${name} without ORDER BY`, `${name}(… ORDER BY …)`, 'add ORDER BY, ending with the key')];
    }
    if (ORDERED_WINDOWS.has(name) && over && !isOrdered(over)) {
      return [mistake(`${name} over a window without ORDER BY`, 'OVER (… ORDER BY …)', 'add ORDER BY, ending with the key')];
    }
    if (over && !isOrdered(over) && over.items.some((item) => ['ROWS', 'RANGE', 'GROUPS'].includes(wordOf(item)))) {
      return [mistake(`${name} over a frame without ORDER BY`, 'OVER (… ORDER BY … ROWS …)', 'add ORDER BY, ending with the key, or remove the frame')];
    }
    if (name === 'ARRAY' && wordOf(call.items[0]) === 'SELECT' && !isOrdered(call)) {
      return [mistake('ARRAY(SELECT …) without ORDER BY', 'ARRAY(SELECT … ORDER BY …)', 'add ORDER BY, ending with the key')];
    }
    return [];
  });
}

/** The window of the call at an index: OVER (…) or OVER name, perhaps after IGNORE NULLS. */
function windowOf(group: SqlGroup, index: number, windows: ReadonlyMap<string, SqlGroup>): SqlGroup | undefined {
  let at = index + 1;
  while (['IGNORE', 'RESPECT', 'NULLS'].includes(wordOf(group.items[at]))) at += 1;
  if (wordOf(group.items[at]) !== 'OVER') return undefined;
  const next = group.items[at + 1];
  const window = isGroup(next) ? next : windows.get(wordOf(next));
  if (!window || isOrdered(window)) return window;
  // OVER (w ROWS …) goes on from a named window.
  const base = windows.get(wordOf(window.items[0]));
  return base && isOrdered(base) ? base : window;
}

/** `WINDOW name AS (…), name AS (…)`. */
function namedWindows(root: SqlGroup): ReadonlyMap<string, SqlGroup> {
  const windows = new Map<string, SqlGroup>();
  for (const { items } of allGroups(root)) {
    for (const [index, item] of items.entries()) {
      const name = items[index - 2];
      if (!isGroup(item) || item.before !== 'AS' || wordOf(name) === '') continue;
      if (['PARTITION', 'ORDER', 'ROWS', 'RANGE', ''].includes(wordOf(item.items[0])) || item.items.some((inner) => wordOf(inner) === 'ORDER')) windows.set(wordOf(name), item);
    }
  }
  return windows;
}

function wordMistakes({ items }: SqlGroup): readonly SqlMistake[] {
  return items.flatMap((item, index): readonly SqlMistake[] => {
    const token = tokenOf(item);
    const word = wordOf(item);
    if (token?.kind !== 'word') return [];
    const isColumn = wordOf(items[index - 1]) === '.' || isGroup(items[index + 1]) || wordOf(items[index - 1]) === 'AS';
    if (CALLED_BARE.has(word) && !isColumn) {
      return [{ offset: token.offset, what: `${word} gives other rows each time`, received: word, allowed: 'functions that their arguments decide', hint: refusal(word) ?? 'remove it' }];
    }
    if (word === 'TABLESAMPLE') return [{ offset: token.offset, what: 'TABLESAMPLE gives other rows each time', received: word, allowed: 'all rows of an input', hint: 'remove it' }];
    return [];
  });
}

function limitMistakes(group: SqlGroup): readonly SqlMistake[] {
  let ordered = false;
  return group.items.flatMap((item, index): readonly SqlMistake[] => {
    const word = wordOf(item);
    if (word === 'SELECT') ordered = false;
    if (word === 'ORDER' && wordOf(group.items[index + 1]) === 'BY') ordered = true;
    const token = tokenOf(item);
    if (word !== 'LIMIT' || ordered || token?.kind !== 'word' || wordOf(group.items[index - 1]) === '.') return [];
    return [{ offset: token.offset, what: 'LIMIT without ORDER BY', received: 'LIMIT', allowed: 'ORDER BY … LIMIT …', hint: 'add ORDER BY, ending with the key' }];
  });
}
