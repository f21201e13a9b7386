import { isAlias, isMap, isNode, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml';
import { mistakeMessage, type Problem } from './problems.ts';
import type { TextPosition } from './sql-tokens.ts';

/** A YAML text that remembers where each of its values stands. */
export type YamlSource =
  | { readonly kind: 'ok'; readonly data: unknown; readonly positionOf: (path: readonly PropertyKey[], at?: 'key') => TextPosition }
  | { readonly kind: 'unparseable'; readonly problems: readonly Problem[] };

export function readYaml(file: string, text: string): YamlSource {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const problems = document.errors.map(({ message, pos: [offset], code }) => ({
    file, ...positionIn(counter, offset), message: code === 'DUPLICATE_KEY' ? writtenTwice(text, offset) : notYaml(message, code),
  }));
  if (problems.length > 0) return { kind: 'unparseable', problems };
  try {
    const data: unknown = document.toJS();
    return { kind: 'ok', data, positionOf: (path, at) => positionIn(counter, offsetOf(document, path, at)) };
  } catch (error) {
    // An alias that names no anchor, or aliases that multiply without end.
    const why = error instanceof Error ? error.message : String(error);
    const message = `the aliases of this YAML cannot be resolved: ${why}; write the values out; received: an alias; allowed: at most 100 resolved aliases`;
    return { kind: 'unparseable', problems: [{ file, line: 1, column: 1, message }] };
  }
}

function notYaml(message: string, code: string): string {
  return mistakeMessage({ what: `this is no YAML: ${message}`, hint: 'correct the text here or just above', received: code, allowed: 'one YAML document' });
}

function writtenTwice(text: string, offset: number): string {
  const key = /^[^\s:]+/.exec(text.slice(offset))?.[0] ?? '';
  return mistakeMessage({ what: `the key ${key} is written twice`, hint: 'rename or remove one', received: `'${key}' again`, allowed: 'each key of a mapping once' });
}

function positionIn(counter: LineCounter, offset: number): TextPosition {
  const { line, col } = counter.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** Where the value at a path starts, or its key; where there is none, the key of the nearest mapping around it. */
function offsetOf(document: Document, path: readonly PropertyKey[], at?: 'key'): number {
  let node = resolved(document, document.contents);
  let offset = node?.range?.[0] ?? 0;
  for (const [index, step] of path.entries()) {
    const last = index === path.length - 1;
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => keyOf(item) === String(step));
      if (!pair) return offset;
      const key = isNode(pair.key) ? pair.key.range?.[0] : undefined;
      const value = isNode(pair.value) ? pair.value : undefined;
      // A mapping is blamed at its key, a value where it stands.
      const blame = (last && at === 'key') || !value || isMap(value) || isSeq(value) ? key : value.range?.[0];
      offset = blame ?? offset;
      node = resolved(document, value);
    } else if (isSeq(node) && typeof step === 'number') {
      const item: unknown = node.items[step];
      if (!isNode(item)) return offset;
      offset = item.range?.[0] ?? offset;
      node = resolved(document, item);
    } else {
      return offset;
    }
  }
  return offset;
}

function keyOf({ key }: Pair): string | undefined {
  return typeof key === 'object' && key !== null && 'value' in key ? String(key.value) : undefined;
}

function resolved(document: Document, node: Node | null | undefined): Node | undefined {
  return isAlias(node) ? node.resolve(document) : node ?? undefined;
}
