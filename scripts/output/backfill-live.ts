import type { World } from '../../shared/gaps/world.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { SYSTEM, type JournalEvent } from '../../shared/staged/journal.ts';
import { wholeProgress } from '../../shared/staged/progress.ts';
import type { BackfillRecord, JournalEntry } from '../../shared/staged/record.ts';
import { plainLine, screenLines } from './backfill-screen.ts';
import type { Io } from './io.ts';
import { Pace } from './pace.ts';
import { errStyle, paragraph, styleOf } from './style.ts';
import { instant, withInstants } from './words.ts';

const REDRAW_MS = 250;
const LOOK_EVERY_MS = 1000;
const LINE_EVERY_MS = 10_000;
/** Drawing takes at most a twentieth of the time. */
const SPARING = 20;
/** Entries of before that are told to who comes to a backfill that is under way. */
const BEFORE = 3;

export interface LiveSource {
  /** The record as it is in the state now. */
  readonly read: () => Promise<BackfillRecord | null>;
  readonly world: () => World;
  /** Epoch milliseconds, by the backfill's clock. */
  readonly now: () => number;
  /** Milliseconds that only ever rise; `performance.now` unless given. */
  readonly elapsed?: () => number;
}

/**
 * Shows a backfill while it runs: on a terminal a table at the bottom that is drawn again and again, elsewhere a plain line
 * now and then; what the journal says in either. It writes to stderr only.
 */
export class BackfillLive {
  readonly #io: Io;
  readonly #source: LiveSource;
  readonly #elapsed: () => number;
  readonly #quiet: boolean;
  readonly #pace = new Pace();
  #timer: NodeJS.Timeout | null = null;
  #record: BackfillRecord;
  #told = 0;
  #drawAt = 0;
  #lookAt = 0;
  #lineAt: number;
  #looking = false;

  constructor(io: Io, record: BackfillRecord, source: LiveSource, quiet: boolean) {
    this.#io = io;
    this.#source = source;
    this.#elapsed = source.elapsed ?? (() => performance.now());
    this.#quiet = quiet;
    this.#record = record;
    this.#told = Math.max(0, record.journal.length - BEFORE);
    this.#lineAt = this.#elapsed() + LINE_EVERY_MS;
    if (!quiet) this.#timer = setInterval(() => this.#tick(), REDRAW_MS).unref();
    this.see(record);
  }

  /** Tells what the journal has more than before. */
  see(record: BackfillRecord): void {
    this.#record = record;
    const news = record.journal.slice(this.#told);
    this.#told = record.journal.length;
    if (this.#quiet || news.length === 0) return;
    const lines = news.map(journalLine);
    this.#io.err.write(`${(this.#io.err.block ? lines.map((line) => paragraph(line, errStyle(this.#io))) : lines).join('\n')}\n`);
  }

  /** What stands at the bottom of a terminal is taken away. */
  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#io.err.block?.([]);
  }

  #tick(): void {
    const at = this.#elapsed();
    if (at >= this.#lookAt && !this.#looking) void this.#look(at);
    if (at < this.#drawAt) return;
    const { block } = this.#io.err;
    const world = this.#source.world();
    const record = this.#record;
    const { complete, failed } = wholeProgress(world, record);
    this.#pace.at(at, complete + failed);
    if (block) {
      const style = styleOf(this.#io.err, this.#io.columns - 1);
      block(screenLines({ record, world, pace: this.#pace, running: runningOf(world, record.id), now: this.#source.now() }, style));
    } else if (at >= this.#lineAt) {
      this.#lineAt = at + LINE_EVERY_MS;
      this.#io.err.write(`${plainLine({ record, world, pace: this.#pace, running: runningOf(world, record.id) })}\n`);
    }
    this.#drawAt = this.#elapsed() + SPARING * (this.#elapsed() - at);
  }

  /** What failed, and what people ordered, since. State that can't be read now is told by whoever advances the backfill. */
  async #look(at: number): Promise<void> {
    this.#lookAt = at + LOOK_EVERY_MS;
    this.#looking = true;
    try {
      const record = await this.#source.read();
      if (record && this.#timer) this.see(record);
    } catch {
      this.#lookAt = at + LINE_EVERY_MS;
    } finally {
      this.#looking = false;
    }
  }
}

/** Instants are UTC, and say so: beside them stand game dates. */
function journalLine({ at, by, event, text: written }: JournalEntry): string {
  const text = withInstants(written);
  return `${instant(at)} UTC  ${SPEAKING.has(event) ? shortened(event, text) : `${event.replaceAll('_', ' ')}${by === SYSTEM ? '' : ` by ${by}`}${text === '' ? '' : `${event === 'taken_over' ? '' : ':'} ${text}`}`}`;
}

/** Entries whose text says what has happened. */
const SPEAKING: ReadonlySet<string> = new Set<JournalEvent>(['stage_started', 'stage_ended', 'gate_passed', 'gate_held', 'ramp', 'ramp_held', 'waits']);

/** The reasons of a gate that holds are in the status, which follows. */
function shortened(event: string, text: string): string {
  if (event === 'stage_started') return `${text} begins`;
  return event === 'gate_held' || event === 'ramp_held' ? text.split(': ', 1).join('') : text;
}

function runningOf(world: World, id: string): readonly CellKey[] {
  return world.openCells().filter((key) => {
    const { request } = world.record(world.processor(key.processor), key.day);
    return request?.backfillId === id && request.state === 'processing';
  });
}
