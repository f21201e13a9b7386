import { formatDay } from '../calendar/day.ts';
import { HeldBackError } from '../failures/errors.ts';
import { keyOf } from '../gaps/detect.ts';
import type { Alert } from '../ports/notifier.ts';
import { readersOf, type ReadersOf, type RollbackReaders } from '../rollback/readers.ts';
import { noted } from '../staged/transitions.ts';
import type { Engine } from './engine.ts';
import { keepLease, returnLease, ROLLBACK_LEASE, takeLease } from './leases.ts';
import { rollBackCell, type RolledBackCell } from './rollback-cell.ts';
import type { RollbackPlan, RollbackScope, RollbackStep } from './rollback-plan.ts';

export interface RollBackOptions {
  readonly by: string;
  readonly reason: string;
  /** Aborted: what is begun is finished or given up, and no other cell is begun. */
  readonly signal: AbortSignal;
  readonly on?: (cell: RolledBackCell) => void;
}

export interface RolledBack {
  readonly cells: readonly RolledBackCell[];
  /** Who reads what was rolled back, as it is now. */
  readonly readers: RollbackReaders;
  readonly interrupted: boolean;
}

/**
 * Takes a plan's cells back, phase by phase, so that each is held by the inputs that it has then. The cells are the
 * rollback's meanwhile: detection leaves them alone. What is back already is passed over, so that it can be run again at any
 * time. Tells people at once.
 */
export async function rollBack(engine: Engine, plan: RollbackPlan, scope: RollbackScope, options: RollBackOptions): Promise<RolledBack> {
  const taken = plan.steps.filter(({ decision }) => decision.kind === 'restore' || decision.kind === 'empty');
  const cells: RolledBackCell[] = plan.steps.filter((step) => !taken.includes(step)).map((step) => ({ ...step, outcome: 'left', rows: 0, error: null }));
  if (taken.length > 0) await underLease(engine, taken, scope, () => walk(engine, taken, scope, options, (cell) => {
    cells.push(cell);
    options.on?.(cell);
  }));
  const back = cells.filter(isBack);
  const readers = readersOf(engine.world, back);
  const result = { cells, readers, interrupted: options.signal.aborted };
  if (back.length > 0) {
    await engine.parts.notifier.notify(alertOf(engine, scope, options, result));
    await writeJournals(engine, back, options);
  }
  return result;
}

/** It stands in the report of each backfill whose rows are gone. */
async function writeJournals(engine: Engine, back: readonly RolledBackCell[], { by, reason }: RollBackOptions): Promise<void> {
  const at = engine.parts.clock.now();
  const byBackfill = Map.groupBy(back, ({ decision }) => (decision.kind === 'restore' || decision.kind === 'empty' ? decision.note?.backfillId ?? null : null));
  for (const [id, cells] of byBackfill) {
    if (id === null) continue;
    const restored = cells.filter(({ outcome }) => outcome === 'restored').length;
    const text = `${reason}: ${restored} cells have their rows of before, ${cells.length - restored} have none`;
    await engine.change({ backfills: [id] }, (snapshot) => {
      const record = snapshot.backfill(id);
      return { writes: record ? { backfills: [noted(record, at, by, 'rollback', text)] } : {}, result: null };
    });
  }
}

function isBack({ outcome }: RolledBackCell): boolean {
  return outcome === 'restored' || outcome === 'emptied';
}

async function underLease(engine: Engine, taken: readonly RollbackStep[], scope: RollbackScope, work: () => Promise<void>): Promise<void> {
  const planId = scope.backfillId === null ? 'a rollback' : `the rollback of ${scope.backfillId}`;
  if (await takeLease(engine, ROLLBACK_LEASE, JSON.stringify({ planId, cells: taken.map(keyOf) })) === null) {
    throw new HeldBackError('another rollback is under way: one at a time; wait until it has ended, then run this again');
  }
  const lived = keepLease(engine, ROLLBACK_LEASE);
  try {
    await work();
  } finally {
    lived.stop();
    await returnLease(engine, ROLLBACK_LEASE);
  }
}

/** Dates of one processor side by side, as many as there are lanes; one after the other where they read each other. */
async function walk(engine: Engine, steps: readonly RollbackStep[], scope: RollbackScope, options: RollBackOptions, ended: (cell: RolledBackCell) => void): Promise<void> {
  for (const [name, members] of Map.groupBy(steps, (step) => step.processor)) {
    const processor = engine.world.processor(name);
    const readsItself = processor.upstreams.some((edge) => edge.upstream === name);
    const queue = [...members];
    const lane = async (): Promise<void> => {
      for (let step = queue.shift(); step && !options.signal.aborted; step = queue.shift()) ended(await rollBackCell(engine, step, scope, options, options.signal));
    };
    const lanes = await Promise.allSettled(Array.from({ length: readsItself ? 1 : engine.parts.lanes }, lane));
    for (const one of lanes) if (one.status === 'rejected' && !options.signal.aborted) throw one.reason;
    // Which dates are expected may be others with the schedule's rows of before.
    if (processor.fillsCalendar) await engine.recalendar();
  }
}

function alertOf(engine: Engine, scope: RollbackScope, { by, reason }: RollBackOptions, { cells, readers }: Pick<RolledBack, 'cells' | 'readers'>): Alert {
  const [restored, emptied] = (['restored', 'emptied'] as const).map((outcome) => cells.filter((cell) => cell.outcome === outcome).length);
  const refused = cells.filter(({ outcome, decision }) => outcome === 'failed' || decision.kind === 'refuse').length;
  const what = scope.backfillId === null ? 'rows' : scope.backfillId;
  return {
    severity: 'critical', event: 'rolled_back', title: `${what} rolled back: ${restored} cells have their rows of before, ${emptied} have none`,
    lines: [
      `by ${by}: ${reason}`,
      ...(refused > 0 ? [`${refused} cells were not rolled back`] : []),
      ...readers.stale.map(({ processor, days }) => `${processor}: ${days.length} cells are stale because of it`),
      'what was rolled back is held: it runs again when its inputs or its definition change, or a person asks',
    ],
    command: recoverCommand(readers.stale), at: engine.parts.clock.now(),
  };
}

/** The command that redoes stale cells, and no others: null where there are none. */
export function recoverCommand(stale: readonly ReadersOf[]): string | null {
  const days = stale.flatMap((reader) => reader.days).sort((a, b) => a - b);
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return null;
  return `smart-backfill recover --processor ${stale.map(({ processor }) => processor).join(',')} --from ${formatDay(first)} --to ${formatDay(last)}`;
}
