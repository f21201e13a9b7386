import type { Day } from '../../calendar/day.ts';
import { HeldBackError } from '../../failures/errors.ts';
import { EMPTY_FINGERPRINT } from '../../gaps/fingerprint.ts';
import type { Processor } from '../../pipeline/pipeline.ts';
import type { CellKey, CellRecord } from '../../requests/cell.ts';
import { decideRollback, isTaken, noteMeant, type CellNow, type RollbackDecision, type RollbackWish } from '../../rollback/decide.ts';
import { writesItself } from '../../rollback/overwrites.ts';
import { ends, readersOf, type RollbackReaders } from '../../rollback/readers.ts';
import { goesOnByItself, type BackfillRecord } from '../../staged/record.ts';
import type { Engine } from '../engine.ts';
import { unknownBackfill } from '../staged/orders.ts';

/** Which cells are meant: a backfill's, or those of a date; `processors` null is every one. */
export interface RollbackScope extends RollbackWish {
  readonly day: Day | null;
  readonly processors: ReadonlySet<string> | null;
}

export interface RollbackStep extends CellKey {
  readonly decision: RollbackDecision;
}

export interface RollbackPlan {
  /** In the order in which they are taken up: phase by phase, so that what a cell reads is back before it. Without cells of which nothing was overwritten. */
  readonly steps: readonly RollbackStep[];
  /** Who reads what is going to be rolled back. */
  readonly readers: RollbackReaders;
}

/** What a rollback would do now: what a dry run prints, and `rollBack` walks. */
export async function planRollback(engine: Engine, scope: RollbackScope): Promise<RollbackPlan> {
  const backfill = scope.backfillId === null ? null : await engine.parts.store.backfill(scope.backfillId);
  if (backfill) refuseRunning(backfill);
  const candidates = scope.day === null ? await cellsOfBackfill(engine, scope, backfill) : await cellsOfDate(engine, scope, scope.day);
  if (scope.backfillId !== null && backfill === null && candidates.length === 0) throw unknownBackfill(scope.backfillId, await engine.parts.store.backfills());
  const steps = await decided(engine, scope, candidates);
  return { steps, readers: readersOf(engine.world, steps.filter(({ decision }) => isTaken(decision))) };
}

function refuseRunning({ id, state, note, goesOn }: Pick<BackfillRecord, 'id' | 'state' | 'note' | 'goesOn'>): void {
  const does = state === 'running' ? 'is running' : `goes on by itself (${note})`;
  if (goesOnByItself({ state, goesOn })) throw new HeldBackError(`backfill ${id} ${does}: it would write on while it is rolled back; first: smart-backfill backfill pause ${id} --reason "…"`);
}

interface Candidate {
  readonly processor: Processor;
  readonly record: CellRecord;
}

/** Its cells lie on its dates, or, where it cascaded, after them. */
async function cellsOfBackfill(engine: Engine, scope: RollbackScope, backfill: BackfillRecord | null): Promise<readonly Candidate[]> {
  const { seasons, byName } = engine.pipeline;
  const [first, last] = [seasons[0], seasons.at(-1)];
  if (!first || !last) return [];
  const records = await engine.parts.store.cells(backfill?.asked.from ?? first.from, last.to);
  return records.flatMap((record) => {
    const processor = byName.get(record.processor);
    return processor && isWanted(scope, processor) && record.overwrites?.some((note) => note.backfillId === scope.backfillId) ? [{ processor, record }] : [];
  });
}

async function cellsOfDate(engine: Engine, scope: RollbackScope, day: Day): Promise<readonly Candidate[]> {
  const records = new Map((await engine.parts.store.cells(day, day)).map((record) => [record.processor, record]));
  const running = (await engine.parts.store.backfills()).find((one) => goesOnByItself(one) && [...records.values()].some((record) => record.overwrites?.at(-1)?.backfillId === one.id));
  if (running) refuseRunning(running);
  return Promise.all(engine.pipeline.processors.filter((processor) => isWanted(scope, processor)).map(async (processor) => (
    { processor, record: records.get(processor.name) ?? await engine.parts.store.cell({ processor: processor.name, day }) }
  )));
}

function isWanted({ processors }: RollbackScope, { name }: Processor): boolean {
  return processors === null || processors.has(name);
}

async function decided(engine: Engine, scope: RollbackScope, candidates: readonly Candidate[]): Promise<readonly RollbackStep[]> {
  const [first, last] = ends(candidates.map(({ record }) => record));
  if (first === undefined || last === undefined) return [];
  await engine.refresh(first, last);
  const kept = await keptOf(engine, scope, candidates);
  const steps = candidates.map(({ processor, record }) => (
    { processor: processor.name, day: record.day, decision: decideRollback(cellNow(engine, processor, record, kept(processor, record)), scope) }
  ));
  return steps.filter(({ decision }) => decision.kind !== 'nothing').sort((a, b) => engine.world.processor(a.processor).rank - engine.world.processor(b.processor).rank || a.day - b.day);
}

/** Asked once for each table and backfill. */
async function keptOf(engine: Engine, scope: RollbackScope, candidates: readonly Candidate[]): Promise<(processor: Processor, record: CellRecord) => string | null> {
  const name = ({ processor, record }: Candidate): string | null => {
    const note = noteMeant({ record, writesItself: writesItself(processor) }, scope);
    return note && !note.rolledBack && note.held !== EMPTY_FINGERPRINT ? note.backfillId : null;
  };
  const found = new Map<string, ReadonlyMap<Day, string>>();
  const groups = Map.groupBy(candidates, (candidate) => `${candidate.processor.name} ${name(candidate) ?? ''}`);
  for (const [key, members] of groups) {
    const [one] = members;
    const [from, to] = ends(members.map(({ record }) => record));
    const keptName = one && name(one);
    if (!one || from === undefined || to === undefined || typeof keptName !== 'string') continue;
    found.set(key, await engine.parts.warehouse.kept(one.processor, keptName, from, to));
  }
  return (processor, record) => found.get(`${processor.name} ${name({ processor, record }) ?? ''}`)?.get(record.day) ?? null;
}

/** What is known of a cell now, by this process's world. */
export function cellNow(engine: Engine, processor: Processor, record: CellRecord, kept: string | null): CellNow {
  const remembers = engine.parts.warehouse.remembersMs(processor);
  return {
    record, kept, writesItself: writesItself(processor), fingerprint: engine.world.coverage(processor, record.day)?.fingerprint ?? EMPTY_FINGERPRINT,
    pastFrom: remembers > 0 ? engine.parts.clock.now() - remembers : null,
  };
}
