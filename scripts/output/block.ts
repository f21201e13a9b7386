import type { Stream } from './io.ts';

/**
 * A terminal that can keep some lines below whatever else is written to it. Everything has to be written through it: it
 * knows how far to go up only for what it wrote itself.
 */
export function withBlock(stream: Stream): Stream {
  if (!stream.isTTY) return stream;
  let shown: readonly string[] = [];
  const away = (): string => (shown.length === 0 ? '' : `\r\u001B[${shown.length}A\u001B[J`);
  const there = (): string => shown.map((line) => `${line}\n`).join('');
  return {
    isTTY: stream.isTTY, colour: stream.colour,
    write: (text) => stream.write(shown.length === 0 ? text : `${away()}${text}${text.endsWith('\n') ? '' : '\n'}${there()}`),
    block: (lines) => {
      const before = away();
      shown = [...lines];
      if (before !== '' || shown.length > 0) stream.write(before + there());
    },
  };
}
