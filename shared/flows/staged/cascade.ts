import type { CascadeReason } from '../../cascade/cascade.ts';
import { holdingBack } from '../../cascade/decide.ts';
import { turnOf } from '../../cascade/turn.ts';
import { formatDay, type Day } from '../../calendar/day.ts';
import type { Phase } from '../../pipeline/pipeline.ts';
import { startsNext } from '../../staged/cascading.ts';
import { wantedOn, type StageCell } from '../../staged/plan.ts';
import { askIdOf, currentStage, type BackfillRecord } from '../../staged/record.ts';
import { decideTurn, type Cascaded } from '../cascade.ts';
import type { Engine } from '../engine.ts';
import { stageAsk } from './ask.ts';

/** What became of the cascade to some cells of one date. */
export interface StagedRelease {
  readonly cells: readonly StageCell[];
  /** Empty: it is released, now or before. */
  readonly reasons: readonly CascadeReason[];
  readonly cascaded: Cascaded;
}

/**
 * Has the cascades of a phase decided that lead to these cells of one date: a date makes ready what looks back on it and,
 * of the next date, what looks forward, so that there may be two. Each is released once a round, whoever asks.
 */
export async function releaseStaged(engine: Engine, record: BackfillRecord, phase: Phase, cells: readonly StageCell[], cause: string | null = null): Promise<readonly StagedRelease[]> {
  const { world, parts } = engine;
  const byTurn = Map.groupBy(cells, (cell) => turnOf(world, world.processor(cell.processor), cell.day));
  const releases: StagedRelease[] = [];
  for (const [turn, wanted] of byTurn) {
    const [first] = wanted;
    if (turn === null || !first) continue;
    const ask = stageAsk(record, { rerun: wanted.some((cell) => cell.action === 'rerun'), silent: !startsNext(record, record.stage, world.processor(first.processor).phase), at: parts.clock.now() });
    const round = `${askIdOf(record, record.stage, currentStage(record).progress.round)}:${formatDay(first.day)}`;
    const cascaded = await decideTurn(engine, {
      phase, turn, status: 'success', isBackfill: true, skipDownstreamTrigger: false, owed: true, byPerson: null, cause,
      staged: { backfillId: record.id, cells: wanted, round, ask: cause === null ? ask : { ...ask, cause } },
    });
    releases.push({ cells: wanted, reasons: holdingBack(cascaded.decision.reasons), cascaded });
  }
  return releases;
}

/** A run of a cascading stage has completed: what its date makes ready of the next phase, as many as the backfill may have open. */
export async function cascadeOfRun(engine: Engine, record: BackfillRecord, phase: Phase, day: Day, cause: string | null): Promise<Cascaded | null> {
  const next = engine.pipeline.phases[phase.index + 1];
  if (!next || !startsNext(record, record.stage, phase)) return null;
  const limit = record.asked.concurrency ?? currentStage(record).definition.concurrency;
  const wanted = wantedOn(engine.world, record, record.stage, next.name, day).slice(0, limit);
  const releases = await releaseStaged(engine, record, phase, wanted, cause);
  return releases[0]?.cascaded ?? null;
}
