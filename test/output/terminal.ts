/** A terminal as far as the program uses one: what stands on it after some output. Lines that are too wide wrap. */
export class Terminal {
  readonly columns: number;
  #lines: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns = 80) {
    this.columns = columns;
  }

  readonly write = (text: string): void => {
    // oxlint-disable-next-line no-control-regex -- an ANSI sequence begins with a control character
    for (const [part] of text.matchAll(/\u001B\[(\d*)([A-Za-z])|[^]/gu)) this.#put(part);
  };

  get text(): string {
    return this.#lines.map((line) => Array.from(line, (character) => character ?? ' ').join('').trimEnd()).join('\n').trimEnd();
  }

  #put(part: string): void {
    if (part.startsWith('\u001B')) this.#control(part);
    else if (part === '\r') this.#column = 0;
    else if (part === '\n') this.#next();
    else {
      if (this.#column >= this.columns) this.#next();
      this.#line()[this.#column] = part;
      this.#column += 1;
    }
  }

  #control(sequence: string): void {
    const count = Number(sequence.slice(2, -1) || '1');
    if (sequence.endsWith('A')) {
      if (count > this.#row) throw new Error('the cursor was sent above the first line');
      this.#row -= count;
    } else if (sequence.endsWith('J')) {
      this.#lines = this.#lines.slice(0, this.#row + 1);
      this.#lines[this.#row] = this.#line().slice(0, this.#column);
    } else if (!sequence.endsWith('m')) throw new Error(`unknown control sequence ${JSON.stringify(sequence)}`);
  }

  #next(): void {
    this.#row += 1;
    this.#column = 0;
    this.#line();
  }

  #line(): string[] {
    return (this.#lines[this.#row] ??= []);
  }
}
