import type { Io } from './io.ts';
import { errStyle, widthOf, type Style } from './style.ts';
import { count, duration } from './words.ts';

export interface ProgressOptions {
  /** What is counted: `cells`. */
  readonly unit: string;
  /** Says nothing but failures. */
  readonly quiet: boolean;
  /** Milliseconds that only ever rise; `performance.now` unless given. */
  readonly now?: () => number;
}

const REDRAW_MS = 100;
const LINE_EVERY_MS = 2000;
const BAR = 20;

/**
 * How far some work is: a bar on a terminal, redrawn in place; elsewhere a plain line every two seconds. It writes to
 * stderr only, and shows nothing for work that ends at once.
 */
export class Progress {
  readonly #io: Io;
  readonly #style: Style;
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #running = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #total = 0;
  #done = 0;
  #drawnAt: number;
  #shown = false;
  #note = '';

  constructor(io: Io, options: ProgressOptions) {
    this.#io = io;
    this.#style = errStyle(io);
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
    this.#drawnAt = this.#startedAt;
    if (!options.quiet) this.#timer = setInterval(() => this.#tick(), REDRAW_MS).unref();
  }

  get done(): number {
    return this.#done;
  }

  /** So many are to be done altogether, as far as is known now. */
  total(total: number): void {
    this.#total = total;
  }

  started(what: string): void {
    this.#running.add(what);
  }

  ended(what: string): void {
    this.#running.delete(what);
    this.#done += 1;
    if (!this.#io.err.isTTY) this.#tick();
  }

  /** Stands at the end of the bar until the next one: what is waited for. */
  note(text: string): void {
    this.#note = text;
  }

  /** A line of its own, above the bar. */
  line(text: string): void {
    this.#clear();
    this.#io.err.write(`${text}\n`);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#clear();
  }

  #tick(): void {
    if (this.#options.quiet || !this.#timer) return;
    const now = this.#now();
    if (now - this.#drawnAt < (this.#io.err.isTTY ? REDRAW_MS : LINE_EVERY_MS)) return;
    this.#drawnAt = now;
    if (!this.#io.err.isTTY) {
      this.#io.err.write(`${this.#figures(now)}\n`);
      return;
    }
    const width = this.#io.columns - 1;
    const share = this.#total === 0 ? 0 : Math.min(1, this.#done / this.#total);
    const filled = Math.round(share * BAR);
    const head = `${this.#style.green('━'.repeat(filled))}${this.#style.dim('━'.repeat(BAR - filled))} ${this.#figures(now)}`;
    const tail = this.#note || [...this.#running].at(-1) || '';
    const room = width - widthOf(head) - 2;
    this.#io.err.write(`\r\u001B[2K${head}${room > 10 && tail ? `  ${this.#style.dim(tail.length > room ? `${tail.slice(0, room - 1)}…` : tail)}` : ''}`);
    this.#shown = true;
  }

  #figures(now: number): string {
    const seconds = (now - this.#startedAt) / 1000;
    const rate = seconds > 0 ? this.#done / seconds : 0;
    const total = Math.max(this.#total, this.#done);
    const percent = total === 0 ? 0 : Math.floor((this.#done / total) * 100);
    const left = rate > 0 && total > this.#done ? `, ${duration(((total - this.#done) / rate) * 1000)} left` : '';
    return `${count(this.#done)} of ${count(total)} ${this.#options.unit} ${percent}%, ${count(Math.round(rate))}/s${left}`;
  }

  #clear(): void {
    if (this.#shown) this.#io.err.write('\r\u001B[2K');
    this.#shown = false;
  }
}
