import { formatDay } from '../../shared/calendar/day.ts';
import type { Recovered, RecoveredRun, RecoverEvent } from '../../shared/flows/recover.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { Io } from './io.ts';
import { leftOutJson, renderLeftOut, renderOverBounds } from './plan-view.ts';
import { Progress } from './progress.ts';
import { errStyle, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { cellText, count, counted, duration, instant } from './words.ts';

/** Shows a recovery while it runs: progress, and each failure when it happens. Give its `on` to `recover`. */
export class RecoveryProgress {
  readonly #progress: Progress;
  readonly #io: Io;

  /** `queued`: requests that are open already, and worked off before there is a plan. */
  constructor(io: Io, quiet: boolean, queued = 0) {
    this.#io = io;
    this.#progress = new Progress(io, { unit: 'cells', quiet });
    this.#progress.total(queued);
  }

  readonly on = (event: RecoverEvent): void => {
    switch (event.kind) {
      case 'plan':
        this.#progress.total(this.#progress.done + event.plan.steps.length);
        return;
      case 'start':
        this.#progress.note('');
        this.#progress.started(cellText(event.key));
        return;
      case 'run':
        this.#progress.ended(cellText(event.run));
        if (event.run.outcome === 'failed') this.#progress.line(`${errStyle(this.#io).red('failed')}  ${cellText(event.run)}: ${event.run.note}`);
        return;
      case 'backing_off':
        this.#progress.note(`tried again at ${instant(event.until)} UTC`);
    }
  };

  stop(): void {
    this.#progress.stop();
  }
}

interface SummaryLine {
  readonly processor: string;
  ran: number;
  unchanged: number;
  cutOff: number;
  failed: number;
  other: number;
  milliseconds: number;
}

function summarize(runs: readonly RecoveredRun[], world: World): SummaryLine[] {
  const lines = new Map<string, SummaryLine>();
  for (const run of runs) {
    let line = lines.get(run.processor);
    if (!line) lines.set(run.processor, line = { processor: run.processor, ran: 0, unchanged: 0, cutOff: 0, failed: 0, other: 0, milliseconds: 0 });
    if (run.outcome === 'ran') line.ran += 1;
    else if (run.outcome === 'unchanged') line.unchanged += 1;
    else if (run.outcome === 'cut_off') line.cutOff += 1;
    else if (run.outcome === 'failed') line.failed += 1;
    else line.other += 1;
    line.milliseconds += run.milliseconds;
  }
  return [...lines.values()].sort((a, b) => world.processor(a.processor).rank - world.processor(b.processor).rank);
}

/** What a recovery did, by processor, and what it left. */
export function renderRecovered(recovered: Recovered, world: World, style: Style, milliseconds: number, commandText: (words: readonly string[]) => string): string {
  const parts: string[] = [];
  const lines = summarize(recovered.runs, world);
  const sum = (pick: (line: SummaryLine) => number): number => lines.reduce((total, line) => total + pick(line), 0);
  const ran = sum((line) => line.ran + line.unchanged);
  parts.push(recovered.runs.length === 0
    ? style.bold('nothing was run')
    : style.bold(`${counted(ran, 'cell')} run in ${duration(milliseconds)}, ${count(sum((line) => line.cutOff))} cut off because nothing that they read had changed${sum((line) => line.failed) > 0 ? `, ${count(sum((line) => line.failed))} failed` : ''}`));
  const blank = (value: number): string => (value === 0 ? '' : count(value));
  if (lines.length > 0) {
    parts.push(renderTable(lines, [
      { header: 'PROCESSOR', value: (line) => line.processor, fit: 'cut' },
      { header: 'RAN', value: (line) => blank(line.ran), align: 'right' },
      { header: 'SAME ROWS', value: (line) => blank(line.unchanged), align: 'right' },
      { header: 'CUT OFF', value: (line) => blank(line.cutOff), align: 'right' },
      { header: 'FAILED', value: (line) => blank(line.failed), align: 'right', dress: (text) => style.red(text) },
      { header: 'TIME', value: (line) => duration(line.milliseconds), align: 'right' },
    ], style).trimEnd());
  }
  const left = renderLeftOut(recovered.leftOut, world, style);
  if (left) parts.push(left);
  if (recovered.lastPlan.overBounds.length > 0) parts.push(renderOverBounds(recovered.lastPlan.overBounds, style, commandText));
  return `${parts.join('\n\n')}\n`;
}

/** What `recover --json` prints. */
export function recoveredJson(recovered: Recovered, milliseconds: number): Record<string, unknown> {
  return {
    plan_id: recovered.planId,
    rounds: recovered.rounds,
    duration_ms: Math.round(milliseconds),
    interrupted: recovered.interrupted,
    runs: recovered.runs.map((run) => ({
      processor: run.processor, game_date: formatDay(run.day), action: run.action, reason: run.reason, outcome: run.outcome, cut_off: run.outcome === 'cut_off', duration_ms: run.milliseconds,
      rows: run.rows, note: run.note,
    })),
    left_out: leftOutJson(recovered.leftOut),
    unfinished: recovered.unfinished.map(({ processor, day }) => ({ processor, game_date: formatDay(day) })),
  };
}
