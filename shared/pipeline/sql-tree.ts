import type { SqlToken } from './sql-tokens.ts';

/** GoogleSQL's tokens as a tree of parentheses: what stands in which query, call or window. */

export interface SqlGroup {
  /** What was written before the parenthesis where that is a word: a function's name, OVER, AS, IN, …; upper case. */
  readonly before: string;
  /** The token at which to blame the group. */
  readonly at: SqlToken | null;
  readonly items: readonly SqlItem[];
}

export interface SqlLeaf {
  readonly token: SqlToken;
  /** The text in upper case where it is a bare word, else as written. */
  readonly word: string;
}

export type SqlItem = SqlLeaf | SqlGroup;

interface OpenGroup {
  readonly before: string;
  readonly at: SqlToken | null;
  readonly items: SqlItem[];
}

/** The tree, and the parentheses that have no partner. */
export function sqlTree(tokens: readonly SqlToken[]): { readonly root: SqlGroup; readonly unmatched: readonly SqlToken[] } {
  const root: OpenGroup = { before: '', at: tokens[0] ?? null, items: [] };
  const open: OpenGroup[] = [root];
  const opened: SqlToken[] = [];
  const unmatched: SqlToken[] = [];
  let before: SqlToken | undefined;
  for (const token of tokens) {
    const around = open.at(-1) ?? root;
    if (token.text === '(') {
      const isWord = before?.kind === 'word';
      const group: OpenGroup = { before: isWord && before ? before.text.toUpperCase() : '', at: isWord && before ? before : token, items: [] };
      around.items.push(group);
      open.push(group);
      opened.push(token);
    } else if (token.text === ')') {
      if (open.length > 1) open.pop();
      else unmatched.push(token);
      opened.pop();
    } else {
      around.items.push({ token, word: token.kind === 'word' ? token.text.toUpperCase() : token.text });
    }
    before = token;
  }
  return { root, unmatched: [...unmatched, ...opened] };
}

export function isGroup(item: SqlItem | undefined): item is SqlGroup {
  return item !== undefined && 'items' in item;
}

/** The word of an item, or '' for a group or nothing. */
export function wordOf(item: SqlItem | undefined): string {
  return item === undefined || isGroup(item) ? '' : item.word;
}

export function tokenOf(item: SqlItem | undefined): SqlToken | undefined {
  return item === undefined || isGroup(item) ? undefined : item.token;
}

/** Whether ORDER BY stands directly in a group. */
export function isOrdered(group: SqlGroup): boolean {
  return group.items.some((item, index) => wordOf(item) === 'ORDER' && wordOf(group.items[index + 1]) === 'BY');
}

/** Whether a group is a query: SELECT or WITH come first, perhaps in further parentheses. */
export function isQuery(group: SqlGroup): boolean {
  const first = group.items[0];
  return isGroup(first) ? isQuery(first) : ['SELECT', 'WITH'].includes(wordOf(first));
}

/** The group and all groups in it. */
export function allGroups(group: SqlGroup): readonly SqlGroup[] {
  return [group, ...group.items.filter(isGroup).flatMap(allGroups)];
}
