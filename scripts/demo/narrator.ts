import { formatDay } from '../../shared/calendar/day.ts';
import type { RecoverEvent } from '../../shared/flows/recover.ts';

/** Where the story goes: text to one stream, progress to the other. */
export interface Stage {
  write(text: string): void;
  progress(text: string): void;
  readonly isTty: boolean;
  readonly colour: boolean;
  /** How the program is called here, so that a printed command can be copied. */
  readonly program: string;
}

const WIDTH = 78;

/** Tells the story in lines that fit 80 columns. */
export class Narrator {
  readonly #stage: Stage;
  #chapter = 0;
  #bar = '';

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  chapter(title: string): void {
    this.#chapter += 1;
    this.#stage.write(`\n${this.#bold(`${this.#chapter}. ${title}`)}\n`);
  }

  say(text: string): void {
    this.#stage.write(`${wrap(text, WIDTH, '   ')}\n`);
  }

  item(text: string): void {
    this.#stage.write(`${wrap(`- ${text}`, WIDTH, '     ', '   ')}\n`);
  }

  command(text: string): void {
    this.#stage.write(`   ${this.#dim('$')} ${this.#bold(text.replace(/^smart-backfill/, this.#stage.program))}\n`);
  }

  good(text: string): void {
    this.#stage.write(`${this.#paint(wrap(text, WIDTH, '   '), '32')}\n`);
  }

  bad(text: string): void {
    this.#stage.write(`${this.#paint(wrap(text, WIDTH, '   '), '31')}\n`);
  }

  /** A recovery's events as one line that is drawn over, or nothing where there is no terminal. */
  progressOf(label: string): (event: RecoverEvent) => void {
    let total = 0;
    let done = 0;
    let drawn = 0;
    return (event) => {
      if (event.kind === 'plan') {
        total = done + event.plan.steps.length;
        return;
      }
      if (event.kind !== 'run') return;
      done += 1;
      const now = performance.now();
      if (now - drawn < 80 && done < total) return;
      drawn = now;
      const share = total === 0 ? 1 : Math.min(1, done / total);
      const filled = Math.round(share * 24);
      this.#draw(`   ${label} [${'#'.repeat(filled)}${'.'.repeat(24 - filled)}] ${done}/${total}  ${event.run.processor.replace(/Processor$/, '')} ${formatDay(event.run.day)}`);
    };
  }

  endProgress(): void {
    if (this.#bar !== '') this.#stage.progress('\r\u001b[K');
    this.#bar = '';
  }

  #draw(line: string): void {
    if (!this.#stage.isTty) return;
    this.#bar = line.slice(0, WIDTH);
    this.#stage.progress(`\r\u001b[K${this.#bar}`);
  }

  #bold(text: string): string {
    return this.#paint(text, '1');
  }

  #dim(text: string): string {
    return this.#paint(text, '2');
  }

  #paint(text: string, code: string): string {
    return this.#stage.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

function wrap(text: string, width: number, indent: string, first = indent): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join('\n');
}
