import { NeverRetryError } from '../failures/errors.ts';

/** A document is at most 1 MiB with its names and fields: https://cloud.google.com/firestore/quotas. */
export const LARGEST_TEXT_BYTES = 900_000;

/** A text in parts that each fit into a document. */
export function partsOf(text: string, largest = LARGEST_TEXT_BYTES): string[] {
  if (Buffer.byteLength(text) <= largest) return [text];
  const parts: string[] = [];
  // A UTF-16 unit takes at most three bytes; a pair of them, which takes four, is not cut in two.
  const step = Math.floor(largest / 3);
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + step, text.length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Items in order, in lists whose JSON text fits into a document. */
export function batchesOf<T>(items: readonly T[], what: string, largest = LARGEST_TEXT_BYTES / 2): T[][] {
  const batches: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (size > largest) throw tooLarge(what, size, largest);
    if (bytes + size > largest) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(item);
    bytes += size;
  }
  return batches;
}

/** The text, if it fits into a document. */
export function fitting(text: string, what: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > LARGEST_TEXT_BYTES) throw tooLarge(what, bytes, LARGEST_TEXT_BYTES);
  return text;
}

function tooLarge(what: string, bytes: number, largest: number): NeverRetryError {
  return new NeverRetryError(`${what} has ${bytes} bytes, and Firestore takes ${largest} of them in a document`, { detail: 'make it smaller: fewer keys, or shorter messages' });
}
