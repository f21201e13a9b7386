import { until } from './until.ts';

/** One structured line of a function's log. */
export interface LogLine {
  readonly from: string;
  readonly severity: string;
  readonly event: string;
  readonly message: string;
  readonly cause?: string;
  readonly processor_name?: string;
  readonly game_date?: string;
  readonly outcome?: string;
  readonly phase?: string;
  readonly category?: string;
  readonly message_id?: string;
  readonly subscription?: string;
}

/** What the functions have logged, in the order in which it was heard. */
export class LogLines {
  readonly all: LogLine[] = [];
  /** What was no structured line: a crash, a warning of Node's. */
  readonly text: string[] = [];

  readonly hear = (from: string, line: string): void => {
    if (line.startsWith('{')) this.all.push({ event: '', ...JSON.parse(line), from });
    else this.text.push(`${from}: ${line}`);
  };

  /** A place to look from: what was logged before is not seen. */
  mark(): number {
    return this.all.length;
  }

  since(mark: number, like: Partial<LogLine>): LogLine[] {
    return this.all.slice(mark).filter((line) => isLike(line, like));
  }

  /** Waits for a line; shows the last ones when none comes. */
  async seen(like: Partial<LogLine>, { since = 0, times = 1, withinMs = 120_000 } = {}): Promise<LogLine> {
    const story = (): string => [...this.all.slice(since).slice(-40).map((line) => JSON.stringify(line).slice(0, 400)), ...this.text.slice(-20)].join('\n');
    return until(`${times} × ${JSON.stringify(like)} in the log`, () => this.since(since, like)[times - 1], withinMs, story);
  }
}

function isLike(line: LogLine, like: Partial<LogLine>): boolean {
  const heard = new Map<string, unknown>(Object.entries(line));
  return Object.entries(like).every(([name, value]) => heard.get(name) === value);
}
