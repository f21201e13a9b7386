import { addDays, formatDay, type Day } from '../calendar/day.ts';
import { detect, type Detection } from '../gaps/detect.ts';
import { hash64, hex64 } from '../gaps/fingerprint.ts';
import type { Outage } from '../recovery/plan.ts';
import { decideCascadesAgain, expectLiveCascades } from './cascade.ts';
import type { Engine } from './engine.ts';
import { returnLease, takeLease } from './leases.ts';
import { recover, type Recovered, type RecoverEvent } from './recover.ts';
import { sweep } from './sweep.ts';

export interface DetectOptions {
  readonly from: Day;
  readonly to: Day;
  readonly signal: AbortSignal;
  readonly on?: (event: RecoverEvent) => void;
}

export interface Detected {
  /** Another detection is under way: it goes round once more instead. */
  readonly joined: boolean;
  readonly detection: Detection | null;
  readonly recovered: Recovered | null;
}

const LEASE = 'detector';

/**
 * Finds gaps and fills those within the bounds. One at a time: a trigger that comes during a detection makes it go round
 * again. Over the bounds it says so, once for the same dates, with the command that would do it.
 */
export async function detectGaps(engine: Engine, options: DetectOptions): Promise<Detected> {
  const lease = await takeLease(engine, LEASE, '{}');
  if (!lease) return { joined: true, detection: null, recovered: null };
  let result: Detected;
  do {
    result = await detectOnce(engine, options);
  } while (await returnLease(engine, LEASE) && !options.signal.aborted && await takeLease(engine, LEASE, '{}') !== null);
  return result;
}

async function detectOnce(engine: Engine, options: DetectOptions): Promise<Detected> {
  await adopt(engine);
  await engine.refresh(options.from, options.to);
  await sweep(engine);
  await expectLiveCascades(engine);
  await decideCascadesAgain(engine);
  const detection = detect(engine.world, { from: options.from, to: options.to, processors: null });
  const paused = (await engine.parts.store.controls()).paused;
  if (paused) return { joined: false, detection, recovered: null };
  const recovered = await recover(engine, {
    scope: { from: options.from, to: options.to, processors: null }, by: 'detector', all: false, altered: 'policy', requestedBy: 'smart_backfill_detection', reason: 'gap found',
    signal: options.signal, budget: await budgetLeft(engine), on: options.on,
  });
  await spend(engine, recovered.runs.filter((run) => run.outcome === 'ran' || run.outcome === 'unchanged').length);
  await decideCascadesAgain(engine);
  await alertOverBounds(engine, recovered.lastPlan.overBounds);
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

/** One alert with the dates and the command; again only when its dates change. */
async function alertOverBounds(engine: Engine, over: readonly Outage[]): Promise<void> {
  const digest = over.length === 0 ? null : hex64(hash64(over.map((outage) => `${outage.processor}:${outage.days.join(',')}`).join(';')));
  const isNew = await engine.change({ controls: true }, (snapshot) => {
    const controls = snapshot.controls();
    if (controls.lastBoundsAlert === digest) return { writes: {}, result: false };
    return { writes: { controls: { ...controls, lastBoundsAlert: digest } }, result: digest !== null };
  });
  if (!isNew) return;
  await engine.parts.notifier.notify({
    severity: 'warning', event: 'gap_over_bounds', title: `${over.length} gap${over.length === 1 ? ' is' : 's are'} over the bounds of automatic recovery`,
    lines: over.map(describeOutage), command: commandFor(over), at: engine.parts.clock.now(),
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
