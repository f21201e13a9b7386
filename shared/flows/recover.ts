import { dayOf, type Day } from '../calendar/day.ts';
import { traceOf } from '../gaps/trace.ts';
import { keyOf } from '../gaps/detect.ts';
import type { FailureCategory } from '../failures/category.ts';
import type { CellKey } from '../requests/cell.ts';
import type { LeftOut, PlanRequest, PlanStep, RecoveryPlan, SourceState } from '../recovery/plan.ts';
import { decodeOwned } from '../recovery/owned-cells.ts';
import { planRecovery } from '../recovery/planner.ts';
import type { StepOutcome } from '../recovery/walk.ts';
import { ownerAmong } from '../staged/overlap.ts';
import type { Engine } from './engine.ts';
import { ROLLBACK_LEASE } from './leases.ts';
import { sweep } from './sweep.ts';
import type { TimeBudget } from './time-budget.ts';
import { fromWorked, reallyRan, waitForRetry, walkPlan } from './walk-plan.ts';
import { work, type Worked } from './work.ts';

export interface RecoverOptions extends Pick<PlanRequest, 'scope' | 'by' | 'all' | 'altered'> {
  readonly requestedBy: string;
  readonly reason: string;
  readonly signal: AbortSignal;
  /** Automatic work that may still really run today; null is no limit. */
  readonly budget: number | null;
  readonly on?: (event: RecoverEvent) => void;
  /** The time that there is: what is left over goes on from state, at the next trigger. */
  readonly time?: TimeBudget;
  /** The ask that this goes back to, if one brought it about. */
  readonly cause?: string;
  /** The world has just been read. */
  readonly isFresh?: boolean;
}

export type RecoverEvent =
  | { readonly kind: 'plan'; readonly plan: RecoveryPlan; readonly round: number }
  | { readonly kind: 'start'; readonly key: CellKey }
  | { readonly kind: 'run'; readonly run: RecoveredRun }
  | { readonly kind: 'backing_off'; readonly until: number };

/** One step as it ended. */
export interface RecoveredRun extends CellKey {
  readonly action: PlanStep['action'] | 'queued';
  readonly outcome: StepOutcome | Worked['outcome'];
  readonly reason: string;
  readonly note: string;
  readonly rows: number | null;
  readonly milliseconds: number;
  /** What it goes back to, where the request names it: for the logs. */
  readonly cause?: string;
  readonly runId?: string;
  /** Of a failed run. */
  readonly category?: FailureCategory;
}

export interface Recovered {
  readonly planId: string;
  readonly rounds: number;
  readonly runs: readonly RecoveredRun[];
  /** Of the last plan that was made: what is still not done, and why. */
  readonly leftOut: readonly LeftOut[];
  readonly lastPlan: RecoveryPlan;
  readonly interrupted: boolean;
  /** Queued by this recovery and not run: what an interrupted one goes on with. */
  readonly unfinished: readonly CellKey[];
}

/** Rounds of planning: a calendar filled from nothing, then what it makes expected, then what changed meanwhile. */
const MAX_ROUNDS = 20;

/**
 * Makes the cells of a scope complete: plans, walks the plan, and plans again until nothing is added. Calendar cells run
 * first, since they decide what else is expected. What stands in the state is the truth: stopping it at any moment and
 * running it again goes on where it was.
 */
export async function recover(engine: Engine, options: RecoverOptions): Promise<Recovered> {
  const { scope, signal } = options;
  const planId = engine.parts.ids.next('plan');
  const runs: RecoveredRun[] = [];
  const attempted = new Set<string>();
  const record = (run: RecoveredRun): void => {
    runs.push(run);
    // By now its inputs may be others than when it was planned: what failed on these is not tried on them again.
    if (run.outcome === 'failed') for (const action of ['fill', 'redo'] as const) attempted.add(attemptOf(engine, { ...run, action }));
    options.on?.({ kind: 'run', run });
  };
  if (!options.isFresh) {
    await engine.refresh(scope.from, scope.to);
    await sweep(engine);
  }
  // What an earlier run left queued goes first: it was right when it was queued, and is judged again when it is claimed.
  do {
    await work(engine, { signal, budget: options.time, onEnd: (worked) => record(fromWorked(worked, null)) });
  } while (options.by === 'person' && await waitForRetry(engine, options));
  let plan = await makePlan(engine, options);
  let budget = options.budget;
  let round = 0;
  while (round < MAX_ROUNDS && !signal.aborted && !options.time?.ranOut) {
    round += 1;
    options.on?.({ kind: 'plan', plan, round });
    const steps = nextSteps(engine, plan, attempted, budget);
    if (steps.length === 0) break;
    const before = runs.length;
    for (const step of steps) attempted.add(attemptOf(engine, step));
    await walkPlan(engine, { planId, round }, steps, options, budget, record);
    if (budget !== null) budget = Math.max(0, budget - runs.slice(before).filter(reallyRan).length);
    if (signal.aborted || options.time?.ranOut) break;
    await engine.reread();
    plan = await makePlan(engine, options);
  }
  const open = await engine.parts.store.openCells();
  const unfinished = open.filter((cell) => cell.request?.planId === planId).map(({ processor, day }) => ({ processor, day }));
  return { planId, rounds: round, runs, leftOut: plan.leftOut, lastPlan: plan, interrupted: signal.aborted, unfinished };
}

/** The plan that `recover` would walk: what `plan` prints. The world has to be fresh. */
export async function makePlan(engine: Engine, options: Pick<RecoverOptions, 'scope' | 'by' | 'all' | 'altered'>): Promise<RecoveryPlan> {
  const ownedBy = await ownersOfCells(engine);
  const detectFrom = engine.pipeline.settings.detect_from;
  const request: Omit<PlanRequest, 'source'> = {
    scope: options.scope, by: options.by, all: options.all, altered: options.altered,
    ownedBy,
    detectFrom: options.by === 'detector' ? await adoptedOn(engine, detectFrom) : null,
  };
  const sources = await askSources(engine, planRecovery(engine.world, { ...request, source: () => 'unknown' }));
  return planRecovery(engine.world, { ...request, source: (key) => sources.get(keyOf(key)) ?? 'unknown' });
}

async function adoptedOn(engine: Engine, declared: string | undefined): Promise<Day | null> {
  return declared === undefined ? (await engine.parts.store.controls()).adoptedOn : dayOf(declared);
}

/** What the sources of a plan's first steps have: asked before anything is queued that could not succeed. */
async function askSources(engine: Engine, plan: RecoveryPlan): Promise<Map<string, SourceState>> {
  const answers = new Map<string, SourceState>();
  for (const step of plan.steps) {
    const processor = engine.world.processor(step.processor);
    if ((processor.upstreams.length > 0 && processor.sourceCheck === null) || step.action === 'check') continue;
    if (processor.sourceCheck !== null) {
      // A check that can't be made says nothing about the source: the run itself will tell.
      answers.set(keyOf(step), await engine.parts.runner.sourceHas(processor, step.day).catch(() => 'unknown' as const));
      continue;
    }
    const { failure } = engine.world.record(processor, step.day);
    // What was learned of a source counts while the cell cools: after that it is asked again, or it would be given up.
    if (failure?.category === 'data_availability' && (failure.coolsUntil ?? 0) > engine.parts.clock.now()) answers.set(keyOf(step), 'no_data');
  }
  return answers;
}

/** What a step is tried with: the rows that its cell holds, and what it would read. */
function attemptOf({ world }: Engine, step: Pick<PlanStep, 'processor' | 'day' | 'action'>): string {
  const processor = world.processor(step.processor);
  return `${keyOf(step)}@${step.action}@${world.coverage(processor, step.day)?.fingerprint ?? ''}@${traceOf(world, processor, step.day).digest}`;
}

/** Calendar steps alone while there are any: what they bring decides what else is expected. Nothing is tried twice on the same rows. */
function nextSteps(engine: Engine, plan: RecoveryPlan, attempted: ReadonlySet<string>, budget: number | null): PlanStep[] {
  const fresh = plan.steps.filter((step) => step.action === 'check' || !attempted.has(attemptOf(engine, step)));
  if (!fresh.some((step) => step.action !== 'check')) return [];
  const calendar = fresh.filter((step) => engine.world.processor(step.processor).fillsCalendar);
  const steps = calendar.some((step) => step.action !== 'check') ? calendar : fresh;
  return budget === 0 ? [] : steps;
}

/** The open plan of somebody else, while its lease lives, or the open staged backfill that a cell belongs to. */
async function ownersOfCells(engine: Engine): Promise<(key: CellKey) => string | null> {
  const owners = new Map<string, string>();
  const now = engine.parts.clock.now();
  for (const lease of await engine.parts.store.leases()) {
    // A rollback's cells are nobody's until it has ended, in its own process too.
    const isOthers = lease.name === ROLLBACK_LEASE || (lease.name.startsWith('plan:') && lease.owner !== engine.parts.owner);
    if (!isOthers || lease.until <= now) continue;
    const owned = decodeOwned(lease.detail);
    if (owned) for (const key of owned.keys) owners.set(key, owned.planId);
  }
  const ofBackfills = ownerAmong(engine.pipeline, await engine.parts.store.backfills());
  return (key) => owners.get(keyOf(key)) ?? ofBackfills(key);
}
