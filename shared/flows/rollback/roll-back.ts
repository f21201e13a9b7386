import { formatDay } from '../../calendar/day.ts';
import { HeldBackError } from '../../failures/errors.ts';
import type { Alert } from '../../ports/notifier.ts';
import { encodeOwned } from '../../recovery/owned-cells.ts';
import type { CellKey } from '../../requests/cell.ts';
import { isTaken } from '../../rollback/decide.ts';
import { ends, readersOf, type ReadersOf, type RollbackReaders } from '../../rollback/readers.ts';
import { noted } from '../../staged/journal.ts';
import type { Engine } from '../engine.ts';
import { keepLease, returnLease, ROLLBACK_LEASE, takeLease } from '../leases.ts';
import { heldBehind, holdOn } from './holds.ts';
import { rollBackCell, type RolledBackCell } from './cell.ts';
import type { RollbackPlan, RollbackScope, RollbackStep } from './plan.ts';

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
  const taken = plan.steps.filter(({ decision }) => isTaken(decision));
  const cells: RolledBackCell[] = plan.steps.filter(({ decision }) => !isTaken(decision)).map((step) => ({ ...step, outcome: 'left', rows: 0, error: null }));
  const told = async (broken?: string): Promise<RolledBack> => {
    const back = cells.filter(isBack);
    const result = { cells, readers: readersOf(engine.world, back), interrupted: options.signal.aborted };
    if (back.length === 0) return result;
    await engine.parts.notifier.notify(alertOf(engine, scope, options, result, broken));
    await writeJournals(engine, back, options, (members) => {
      const restored = members.filter(({ outcome }) => outcome === 'restored').length;
      return `${restored} cells have their rows of before, ${members.length - restored} have none`;
    });
    return result;
  };
  if (taken.length === 0) return told();
  try {
    const held = await heldBehind(engine, taken);
    await underLease(engine, [...taken, ...held], scope, async () => {
      // Should this process die, people and the journal know all the same.
      await engine.parts.notifier.notify(begunAlertOf(engine, scope, options, taken.length));
      await writeJournals(engine, taken, options, (members) => `a rollback of ${members.length} ${members.length === 1 ? 'cell' : 'cells'} begins`);
      try {
        await walk(engine, taken, scope, options, (cell) => {
          cells.push(cell);
          options.on?.(cell);
        });
      } finally {
        await holdOn(engine, held);
      }
    });
  } catch (thrown) {
    await told(thrown instanceof Error ? thrown.message : 'its state can not be read').catch(() => undefined);
    throw thrown;
  }
  return told();
}

/** It stands in the report of each backfill whose rows are gone. */
async function writeJournals<Step extends RollbackStep>(engine: Engine, steps: readonly Step[], { by, reason }: RollBackOptions, said: (members: readonly Step[]) => string): Promise<void> {
  const at = engine.parts.clock.now();
  const byBackfill = Map.groupBy(steps, ({ decision }) => (isTaken(decision) ? decision.note?.backfillId ?? null : null));
  for (const [id, members] of byBackfill) {
    if (id === null) continue;
    const text = `${reason}: ${said(members)}`;
    await engine.change({ backfills: [id] }, (snapshot) => {
      const record = snapshot.backfill(id);
      return { writes: record ? { backfills: [noted(record, at, by, 'rollback', text)] } : {}, result: null };
    });
  }
}

function isBack({ outcome }: RolledBackCell): boolean {
  return outcome === 'restored' || outcome === 'emptied';
}

async function underLease(engine: Engine, taken: readonly CellKey[], scope: RollbackScope, work: () => Promise<void>): Promise<void> {
  const planId = scope.backfillId === null ? 'a rollback' : `the rollback of ${scope.backfillId}`;
  const owned = encodeOwned(planId, taken, 'roll it back in parts, phase by phase, the first one first (--phase NAME), or by --processor NAME');
  if (await takeLease(engine, ROLLBACK_LEASE, owned) === null) {
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

function begunAlertOf(engine: Engine, { backfillId, day, processors }: RollbackScope, { by, reason }: RollBackOptions, count: number): Alert {
  return {
    severity: 'warning', event: 'rollback_begun', title: `${backfillId ?? 'rows'}: a rollback of ${count} ${count === 1 ? 'cell' : 'cells'} has begun`,
    lines: [`by ${by}: ${reason}`, 'its end is told as well; should that not come, whoever ran it has died: look, and roll back again'],
    command: `smart-backfill rollback${backfillId === null ? '' : ` --backfill ${backfillId}`}${day === null ? '' : ` --date ${formatDay(day)}`}${processors === null ? '' : ` --processor ${[...processors].join(',')}`} --dry-run`, at: engine.parts.clock.now(),
  };
}

function alertOf(engine: Engine, scope: RollbackScope, { by, reason }: RollBackOptions, { cells, readers }: Pick<RolledBack, 'cells' | 'readers'>, broken?: string): Alert {
  const [restored, emptied] = (['restored', 'emptied'] as const).map((outcome) => cells.filter((cell) => cell.outcome === outcome).length);
  const refused = cells.filter(({ outcome, decision }) => outcome === 'failed' || decision.kind === 'refuse').length;
  const what = scope.backfillId === null ? 'rows' : scope.backfillId;
  return {
    severity: 'critical', event: 'rolled_back', title: `${what} rolled back: ${restored} cells have their rows of before, ${emptied} have none`,
    lines: [
      `by ${by}: ${reason}`,
      ...(refused > 0 ? [`${refused} cells were not rolled back`] : []),
      ...(broken === undefined ? [] : [`it was broken off: ${broken}; run it again`]),
      ...readers.stale.map(({ processor, days }) => `${processor}: ${days.length} cells are stale because of it`),
      'what was rolled back is held: it runs again when its inputs or its definition change, or a person asks',
    ],
    command: recoverCommand(readers.stale), at: engine.parts.clock.now(),
  };
}

/** The command that redoes stale cells, and no others: null where there are none. */
export function recoverCommand(stale: readonly ReadersOf[]): string | null {
  const [first, last] = ends(stale.flatMap(({ days }) => days.map((day) => ({ day }))));
  if (first === undefined || last === undefined) return null;
  return `smart-backfill recover --processor ${stale.map(({ processor }) => processor).join(',')} --from ${formatDay(first)} --to ${formatDay(last)}`;
}
