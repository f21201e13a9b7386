import { InputError } from '../failures/errors.ts';

const MOST_BYTES = 1024;

/** Names that mean the same in a folder and in a bucket. Hidden segments are left to files that are still being written. */
export function checkedName(name: string): string {
  const segments = name.split('/');
  const wrong = segments.some((segment) => segment === '' || segment.startsWith('.')) || /[\p{Cc}\\]/u.test(name) || Buffer.byteLength(name) > MOST_BYTES;
  if (wrong) throw new InputError(`received '${name}' as a file's name; allowed: parts joined by '/', none empty or starting with a dot, at most ${MOST_BYTES} bytes`);
  return name;
}
