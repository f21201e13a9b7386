/**
 * Records of an archive by date, read when a date is asked for: all of them at once would be a hundred thousand objects
 * for the few dates that a run needs. What was read is not kept, since a date is rarely asked for twice.
 */
export class LazyPages<T> implements ReadonlyMap<string, readonly T[]> {
  readonly #lines = new Map<string, { first: number; contents: string[] }[]>();
  readonly #read: (content: string, line: number) => T;

  /** `lines`: each record's text by date, in the order of the file. */
  constructor(lines: Iterable<{ readonly date: string; readonly line: number; readonly content: string }>, read: (content: string, line: number) => T) {
    this.#read = read;
    for (const { date, line, content } of lines) {
      const runs = this.#lines.get(date) ?? [];
      const last = runs.at(-1);
      if (last && last.first + last.contents.length === line) last.contents.push(content);
      else runs.push({ first: line, contents: [content] });
      this.#lines.set(date, runs);
    }
  }

  get size(): number {
    return this.#lines.size;
  }

  has(date: string): boolean {
    return this.#lines.has(date);
  }

  get(date: string): readonly T[] | undefined {
    return this.#lines.get(date)?.flatMap(({ first, contents }) => contents.map((content, index) => this.#read(content, first + index)));
  }

  keys(): MapIterator<string> {
    return this.#lines.keys();
  }

  values(): MapIterator<readonly T[]> {
    return this.#all().values();
  }

  entries(): MapIterator<[string, readonly T[]]> {
    return this.#all().entries();
  }

  forEach(visit: (value: readonly T[], key: string, map: ReadonlyMap<string, readonly T[]>) => void): void {
    for (const [date, rows] of this.#all()) visit(rows, date, this);
  }

  [Symbol.iterator](): MapIterator<[string, readonly T[]]> {
    return this.entries();
  }

  #all(): Map<string, readonly T[]> {
    return new Map([...this.keys()].map((date) => [date, this.get(date) ?? []]));
  }
}
