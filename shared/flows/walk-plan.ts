import { addDays, type Day } from '../calendar/day.ts';
import { keyOf } from '../gaps/detect.ts';
import { encodeOwned } from '../recovery/owned-cells.ts';
import type { PlanStep } from '../recovery/plan.ts';
import { PlanWalk, type EndedStep } from '../recovery/walk.ts';
import type { Ask, AskCell } from '../requests/ask.ts';
import type { CellKey } from '../requests/cell.ts';
import type { Engine } from './engine.ts';
import { keepLease, returnLease, takeLease } from './leases.ts';
import { openAsk, type AskedCell } from './open.ts';
import type { RecoveredRun, RecoverOptions } from './recover.ts';
import { hasEnded, work, type Worked } from './work.ts';

/** Cells opened ahead of the lanes: enough that no lane waits for a commit, few enough that a pause is near. */
const OPENED_AHEAD = 32;
/** Between two looks at what another worker is running. */
const OTHERS_MS = 100;
/** Longer than any backoff: what waits longer waits for a quota, and is not waited for at a terminal. */
const LONGEST_WAIT_MS = 11 * 60_000;

/**
 * Walks a plan under its lease: takes steps up in their order, opens a request for each that has to run, works requests
 * off, and tells `record` how each step ended. Ends when nothing of it can go on.
 */
export async function walkPlan(
  engine: Engine, { planId, round }: { readonly planId: string; readonly round: number }, steps: readonly PlanStep[], options: RecoverOptions, budget: number | null, tell: (run: RecoveredRun) => void,
): Promise<void> {
  const lease = `plan:${planId}`;
  await takeLease(engine, lease, encodeOwned(planId, steps, 'recover fewer dates or processors at a time (--from, --to, --phase, --processor)'));
  const walk = new PlanWalk(engine.world, steps, engine.strictness);
  // An ask applies to a cell once, and a later round may have to come back to a cell: each round asks by itself.
  const asks = { old: planAsk(engine, planId, `${planId}.${round}`, options, false), live: planAsk(engine, planId, `${planId}.${round}:live`, options, true) };
  /** Steps whose run is under way in this walk's own lanes. */
  const mine = new Set<string>();
  let spent = 0;
  const record = (run: RecoveredRun): void => {
    if (reallyRan(run)) spent += 1;
    tell(run);
  };
  /** How many more may be opened now: what runs already counts as spent. */
  const room = (): number => Math.min(OPENED_AHEAD, budget === null ? OPENED_AHEAD : budget - spent) - walk.running;
  let feeding: Promise<boolean> | null = null;
  const fill = async (): Promise<boolean> => {
    let progressed = false;
    for (;;) {
      for (const step of walk.endedElsewhere(engine.world, mine)) {
        progressed = true;
        record(fromEnded({ step, outcome: 'elsewhere', note: 'another worker ended it' }));
      }
      const { start, ended } = walk.advance(engine.world, Math.max(0, room()));
      for (const end of ended) record(fromEnded(end));
      if (start.length > 0) {
        const cells = start.map((step) => ({ processor: step.processor, day: step.day, reason: `${step.action}: ${step.reason}` }));
        const outcomes = [
          ...await openSome(engine, asks.old, cells.filter((cell) => !isOwedItsCascade(engine, options, cell.day))),
          ...await openSome(engine, asks.live, cells.filter((cell) => isOwedItsCascade(engine, options, cell.day))),
        ];
        for (const outcome of outcomes) {
          if (outcome.outcome === 'open') continue;
          const step = walk.end(engine.world, outcome.processor, outcome.day);
          if (step) record(fromEnded({ step, outcome: outcome.outcome === 'held' ? 'skipped' : 'cut_off', note: outcome.note }));
        }
      }
      progressed ||= start.length > 0 || ended.length > 0;
      if (start.length > 0 || ended.length === 0) return progressed;
    }
  };
  const feed = (): Promise<boolean> => {
    feeding ??= fill().finally(() => { feeding = null; });
    return feeding;
  };
  const onStart = (key: CellKey): void => {
    mine.add(keyOf(key));
    options.on?.({ kind: 'start', key });
  };
  const onEnd = (worked: Worked): void => {
    mine.delete(keyOf(worked));
    if (!hasEnded(worked) && worked.outcome !== 'started') return;
    // What an asynchronous target has begun goes on without this walk: its completion has the rest planned anew.
    if (worked.outcome === 'started') {
      record(fromWorked(worked, null));
      return;
    }
    const step = walk.end(engine.world, worked.processor, worked.day);
    // Cut off at its claim, and seen to have ended before this lane could tell: it is recorded already.
    if (step === null && worked.outcome === 'cut_off') return;
    record(fromWorked(worked, step));
  };
  const lived = keepLease(engine, lease);
  try {
    await feed();
    while (!walk.finished && !options.signal.aborted && !options.time?.ranOut) {
      const done = await work(engine, { signal: options.signal, budget: options.time, feed, onEnd, onStart });
      if (done === 0 && !(await feed()) && !(await waitForOthers(engine, walk, options)) && !(await waitForRetry(engine, options))) break;
    }
  } finally {
    lived.stop();
    await returnLease(engine, lease);
  }
}

/**
 * Another worker of this process is running a step of the plan: gives it a moment. False when there is none, and where
 * other processes work too: whoever ends a step there rings for what comes after it.
 */
async function waitForOthers(engine: Engine, walk: PlanWalk, options: RecoverOptions): Promise<boolean> {
  const inFlight = walk.inFlight(engine.world);
  if (engine.parts.shared || inFlight.length === 0) return false;
  await engine.parts.clock.sleep(OTHERS_MS, options.signal);
  // Were it another process after all, nothing else would tell how it ended.
  await engine.relearn(inFlight);
  return true;
}

/** Sleeps until a request that backs off may be taken; false when there is none, or only one that waits for a quota. */
export async function waitForRetry(engine: Engine, options: Pick<RecoverOptions, 'on' | 'signal' | 'time'>, atMostMs = LONGEST_WAIT_MS): Promise<boolean> {
  const now = engine.parts.clock.now();
  const due = await engine.parts.store.nextDue(now);
  if (due === null || due - now > atMostMs || options.signal.aborted) return false;
  if (options.time && !options.time.hasRoom(due - now, now)) return false;
  options.on?.({ kind: 'backing_off', until: due });
  await engine.parts.clock.sleep(Math.max(0, due - engine.parts.clock.now()), options.signal);
  return true;
}

function openSome(engine: Engine, ask: Ask, cells: readonly AskedCell[]): Promise<AskCell[]> {
  return cells.length === 0 ? Promise.resolve([]) : openAsk(engine, ask, cells);
}

/** The automatic recovery of a live date was owed its cascade: its runs say so when they complete. */
function isOwedItsCascade(engine: Engine, options: RecoverOptions, day: Day): boolean {
  return options.by === 'detector' && day >= addDays(engine.world.moment.today, -engine.pipeline.settings.live_days);
}

function planAsk(engine: Engine, planId: string, id: string, options: RecoverOptions, live: boolean): Ask {
  const person = options.by === 'person';
  return {
    id, asker: person ? 'plan' : 'detector', by: options.requestedBy, reason: options.reason, at: engine.parts.clock.now(), priority: 'normal', reprocess: 'none', force: false,
    skipDownstreamTrigger: !live, isBackfill: true, planId, backfillId: null, summary: options.reason, refused: null, ...(options.cause === undefined ? {} : { cause: options.cause }),
  };
}

function fromEnded({ step, outcome, note }: EndedStep): RecoveredRun {
  return { processor: step.processor, day: step.day, action: step.action, outcome, reason: step.reason, note, rows: null, milliseconds: 0 };
}

export function fromWorked(worked: Worked, step: PlanStep | null): RecoveredRun {
  return {
    processor: worked.processor, day: worked.day, action: step?.action ?? 'queued', outcome: worked.outcome, reason: step?.reason ?? worked.reason,
    note: worked.failure?.message ?? '', rows: worked.rows, milliseconds: worked.endedAt - worked.startedAt,
    ...(worked.cause === null ? {} : { cause: worked.cause }), ...(worked.runId === null ? {} : { runId: worked.runId }), ...(worked.failure === null ? {} : { category: worked.failure.category }),
  };
}

/** Cut-off and blocked steps cost nothing of the day's automatic work. */
export function reallyRan({ outcome }: Pick<RecoveredRun, 'outcome'>): boolean {
  return outcome === 'ran' || outcome === 'unchanged' || outcome === 'failed' || outcome === 'elsewhere' || outcome === 'started';
}
