import { addDays, dayOf, formatDay, type Day } from '../calendar/day.ts';
import { detect, type Detection } from '../gaps/detect.ts';
import { hash64, hex64 } from '../gaps/fingerprint.ts';
import type { Outage, RecoveryPlan } from '../recovery/plan.ts';
import { decideCascadesAgain, expectLiveCascades } from './cascade.ts';
import { tellDigests } from './digests.ts';
import type { Engine } from './engine.ts';
import { keepLease, returnAsked, takeOrAsk } from './leases.ts';
import { recover, type Recovered, type RecoverEvent } from './recover.ts';
import { sweep } from './sweep.ts';
import type { TimeBudget } from './time-budget.ts';
import { reallyRan } from './walk-plan.ts';

/** Who automatic recovery is asked for by. */
export const DETECTOR = 'smart_backfill_detection';

export interface DetectOptions {
  readonly from: Day;
  readonly to: Day;
  readonly signal: AbortSignal;
  readonly time?: TimeBudget;
  /** The ask that brought it about, if it was one. */
  readonly cause?: string;
  readonly on?: (event: RecoverEvent) => void;
}

export interface Detected {
  /** Another detection is under way: it goes round once more instead. */
  readonly joined: boolean;
  readonly detection: Detection | null;
  readonly recovered: Recovered | null;
  /** What others asked for meanwhile and there was no time for: somebody has to be rung for it. */
  readonly left?: readonly Range[];
}

export interface Range {
  readonly from: Day;
  readonly to: Day;
}

const LEASE = 'detector';

/**
 * Finds gaps and fills those within the bounds. One at a time, since ticks come twice (P14): a trigger that comes during a
 * detection leaves the dates that it is about, and the detection goes round again for those, which may be of another season.
 * Over the bounds it says so, once for the same dates, with the command that would do it.
 */
export async function detectGaps(engine: Engine, options: DetectOptions): Promise<Detected> {
  const own = nameOf(options);
  let asked = await takeOrAsk(engine, LEASE, [own]);
  if (!asked) return { joined: true, detection: null, recovered: null };
  let due = [...new Set([own, ...asked])];
  for (;;) {
    let result: Detected | null = null;
    let failed = true;
    let wanted: readonly string[] = [];
    const lived = keepLease(engine, LEASE);
    try {
      do {
        const [next = own, ...later] = due;
        result = await detectOnce(engine, { ...options, ...rangeOf(next) });
        due = later;
      } while (due.length > 0 && hasTime(options));
      failed = false;
    } finally {
      lived.stop();
      wanted = await returnAsked(engine, LEASE, failed);
    }
    due = [...new Set([...due, ...wanted])];
    if (due.length === 0) return result;
    if (!hasTime(options)) return { ...result, left: due.map(rangeOf) };
    asked = await takeOrAsk(engine, LEASE, due);
    // Whoever was faster has been told.
    if (!asked) return result;
    due = [...new Set([...due, ...asked])];
  }
}

function hasTime({ signal, time }: DetectOptions): boolean {
  return !signal.aborted && !time?.ranOut;
}

function nameOf({ from, to }: Range): string {
  return `${formatDay(from)}/${formatDay(to)}`;
}

function rangeOf(name: string): Range {
  const [from = '', to = from] = name.split('/');
  return { from: dayOf(from), to: dayOf(to) };
}

async function detectOnce(engine: Engine, options: DetectOptions): Promise<Detected> {
  await adopt(engine);
  await engine.refresh(options.from, options.to);
  await sweep(engine);
  // What can't be told now is told at the next tick: it stands in state.
  await tellDigests(engine).catch(() => undefined);
  await expectLiveCascades(engine);
  await decideCascadesAgain(engine);
  const detection = detect(engine.world, { from: options.from, to: options.to, processors: null });
  const paused = (await engine.parts.store.controls()).paused;
  if (paused) return { joined: false, detection, recovered: null };
  const recovered = await recover(engine, {
    scope: { from: options.from, to: options.to, processors: null }, by: 'detector', all: false, altered: 'policy', requestedBy: DETECTOR, reason: 'gap found',
    signal: options.signal, budget: await budgetLeft(engine), on: options.on, time: options.time, cause: options.cause, isFresh: true,
  });
  await spend(engine, recovered.runs.filter(reallyRan).length);
  await decideCascadesAgain(engine);
  await alertLeftToPeople(engine, recovered.lastPlan);
  return { joined: false, detection, recovered };
}

/** The first detection is the day of adoption: nothing older is filled by itself, unless the definition says so. */
async function adopt(engine: Engine): Promise<void> {
  const { today } = engine.moment();
  await engine.change({ controls: true }, (snapshot) => {
    const controls = snapshot.controls();
    return controls.adoptedOn === null ? { writes: { controls: { ...controls, adoptedOn: addDays(today, 0) } }, result: null } : { writes: {}, result: null };
  });
}

async function budgetLeft(engine: Engine): Promise<number> {
  const { autoCells } = await engine.parts.store.controls();
  const { today } = engine.moment();
  const spent = autoCells?.day === today ? autoCells.count : 0;
  return Math.max(0, engine.pipeline.settings.max_auto_cells_per_day - spent);
}

async function spend(engine: Engine, cells: number): Promise<void> {
  if (cells === 0) return;
  const { today } = engine.moment();
  await engine.change({ controls: true }, (snapshot) => {
    const controls = snapshot.controls();
    const before = controls.autoCells?.day === today ? controls.autoCells.count : 0;
    return { writes: { controls: { ...controls, autoCells: { day: today, count: before + cells } } }, result: null };
  });
}

/** One alert for what waits for a person or for a dead source, with the command; again only when its dates change. */
async function alertLeftToPeople(engine: Engine, { overBounds, leftOut }: RecoveryPlan): Promise<void> {
  const dead = leftOut.filter((left) => left.code === 'source_empty').map((left) => `${left.processor} ${formatDay(left.day)}: ${left.reason}`);
  const lines = [...overBounds.map(describeOutage), ...dead];
  // By its dates only: how many cells wait for them grows every day.
  const dates = [...overBounds.map(({ processor, days }) => `${processor}:${days.join(',')}`), ...dead];
  const digest = dates.length === 0 ? null : hex64(hash64(dates.join(';')));
  const isNew = await engine.change({ controls: true }, (snapshot) => {
    const controls = snapshot.controls();
    if (controls.lastBoundsAlert === digest) return { writes: {}, result: false };
    return { writes: { controls: { ...controls, lastBoundsAlert: digest } }, result: digest !== null };
  });
  if (!isNew) return;
  const over = overBounds.length === 0 ? [] : [`${overBounds.length} gap${overBounds.length === 1 ? ' is' : 's are'} over the bounds of automatic recovery`];
  const empty = dead.length === 0 ? [] : [`the source of ${dead.length} ${dead.length === 1 ? 'cell' : 'cells'} has nothing`];
  await engine.parts.notifier.notify({
    severity: 'warning', event: 'gap_left_to_people', title: [...over, ...empty].join('; '), lines, command: commandFor(overBounds), at: engine.parts.clock.now(),
  });
}

export function describeOutage(outage: Outage): string {
  const [first] = outage.days;
  const last = outage.days.at(-1);
  if (first === undefined || last === undefined) return outage.processor;
  return `${outage.processor} ${formatDay(first)} to ${formatDay(last)}: ${outage.days.length} dates, ${outage.cells} cells wait for it`;
}

/** The command that recovers outages over the bounds. */
export function commandFor(over: readonly Outage[]): string | null {
  const days = over.flatMap((outage) => outage.days).sort((a, b) => a - b);
  const [first] = days;
  const last = days.at(-1);
  return first === undefined || last === undefined ? null : `smart-backfill recover --all --from ${formatDay(first)} --to ${formatDay(last)}`;
}
