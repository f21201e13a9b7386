/** The name that was probably meant. */

/** The closest of `names` to `received` by Damerau–Levenshtein distance, where it is close enough to be a slip. */
export function nearestName(received: string, names: Iterable<string>): string | undefined {
  const most = Math.max(1, Math.floor(received.length / 3));
  let nearest: string | undefined;
  let least = most + 1;
  for (const name of names) {
    // A distance is at least the difference in length.
    if (Math.abs(name.length - received.length) >= least) continue;
    const distance = received.toLowerCase() === name.toLowerCase() ? 0 : editDistance(received, name);
    if (distance < least) [nearest, least] = [name, distance];
  }
  return nearest;
}

/** "did you mean X?", or what to do where no name is near. */
export function suggestion(received: string, names: Iterable<string>, otherwise: string): string {
  const nearest = nearestName(received, names);
  return nearest === undefined ? otherwise : `did you mean ${nearest}?`;
}

/** Insertions, deletions, substitutions and swaps of neighbours that make `b` of `a` (no part is edited twice). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? 0;
}
