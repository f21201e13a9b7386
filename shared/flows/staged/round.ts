import { factsOf } from '../../gaps/cell-facts.ts';
import { isSettled } from '../../gaps/facts.ts';
import type { World } from '../../gaps/world.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { CellKey } from '../../requests/cell.ts';
import { lateCell, type LateCell } from '../../staged/late.ts';
import { processorsOf } from '../../staged/plan.ts';
import { policyOf } from '../../staged/policy.ts';
import { rampOf, rampStep, upTo } from '../../staged/ramp.ts';
import { currentStage, standingFailures, type BackfillRecord, type GateResult } from '../../staged/record.ts';
import { concernsGate, evaluateGate } from '../../staged/stage-gate.ts';
import { nextRound, rampLooked, stageEnded, stageHeld, wentBack } from '../../staged/transitions.ts';
import type { StageWalk } from '../../staged/walk.ts';
import type { Engine } from '../engine.ts';
import { lookAtGate, type GateLook } from './checks.ts';

/** More rounds of one stage than a calendar filled from nothing and changes meanwhile can take. */
const MOST_ROUNDS = 50;

type Change = (current: BackfillRecord, now: number) => BackfillRecord;

/**
 * Nothing of a round is left: another one where something was run, since that may have made more to do; else the next step
 * of the ramp, or the gate, by the data of this moment. Null: `look.signal` has aborted, and nothing can be judged.
 */
export async function roundEnded(engine: Engine, record: BackfillRecord, walk: Pick<StageWalk, 'opened' | 'has'>, look: GateLook): Promise<Change | null> {
  const { definition, progress } = currentStage(record);
  // A date that is skipped, and a step of the ramp, begin a round that says nothing of whether there is an end.
  const rounds = progress.round - progress.retriedFrom - record.skips.length - (progress.ramp ?? 0);
  if (walk.opened > 0 && rounds < MOST_ROUNDS) return nextRound;
  const gone = goneFrom(engine.pipeline, record);
  if (gone.length > 0) return (current, now) => stageHeld(current, gone, now);
  // A gate over tables of which nothing was asked for says nothing.
  const gate = definition.gate && concernsGate(engine.world, record, definition.gate) ? definition.gate : undefined;
  const processors = processorsOf(engine.world, record, record.stage);
  const step = rampStep(engine.world, record, record.stage, processors);
  if (!gate && !step) {
    return (current, now) => {
      const reasons = holdsByItself(current) ? unresolved(engine, current) : [];
      return reasons.length > 0 ? stageHeld(current, reasons, now) : stageEnded(current, null, now);
    };
  }
  const upToStep = step ? upTo(record, step.to) : record;
  const looked = gate ? await lookAtGate(engine, upToStep, gate, look) : { world: await engine.refresh(upToStep.asked.from, upToStep.asked.to), checks: [] };
  if (looked === null) return null;
  const { world, checks } = looked;
  const judge = (current: BackfillRecord, now: number) => (gate ? evaluateGate(world, step ? upTo(current, step.to) : current, gate, checks, now) : null);
  const late = lateAt(world, record, walk, judge(record, engine.parts.clock.now()));
  if (late) return (current, now) => wentBack(current, late, now);
  if (!step) return (current, now) => stageEnded(current, judge(current, now), now);
  const next = rampOf(world, record, record.stage, processors)[(progress.ramp ?? 0) + 1]?.words ?? 'all dates';
  return (current, now) => {
    const result = judge(current, now);
    return rampLooked(current, { words: step.words, next }, { gate: result, reasons: result ? result.reasons : unresolved(engine, current) }, now);
  };
}

/** What the calendar has gained while a gate that holds was looked at. */
function lateAt(world: World, record: BackfillRecord, walk: Pick<StageWalk, 'has'>, gate: GateResult | null): LateCell | null {
  const lacking = gate?.passed === false ? gate.tables.flatMap(({ processor, lacking: days }) => days.map((day) => ({ processor, day }))) : [];
  return lateCell(world, record, lacking, (cell) => walk.has(cell));
}

/** Where the pipeline is another than when the backfill was started: what it does not have any more can neither be run nor judged. */
function goneFrom(pipeline: Pipeline, record: BackfillRecord): string[] {
  const { definition } = currentStage(record);
  const phases = new Set([...definition.phases, ...definition.gate?.phases ?? []]);
  const lost = [...phases].filter((name) => !pipeline.phases.some((phase) => phase.name === name));
  const unknown = (record.asked.processors ?? []).filter((name) => !pipeline.byName.has(name));
  return [...lost.map((name) => `the pipeline does not have the phase ${name} any more`), ...unknown.map((name) => `the pipeline does not have the processor ${name} any more`)];
}

/**
 * A stage without a gate goes on although something of it has failed where its policy says so. Not where all dates were
 * tried first, since no later stage comes back to them; nor where its one date was to tell whether anything works.
 */
function holdsByItself(record: BackfillRecord): boolean {
  return policyOf(record) === 'continue' || currentStage(record).definition.dates !== 'all';
}

/** Without a gate's rules one still holds: nothing has failed that is not there by now, or accepted. */
function unresolved({ world, pipeline }: Engine, record: BackfillRecord): string[] {
  const isThere = ({ processor, day }: CellKey): boolean => {
    const known = pipeline.byName.get(processor);
    return known === undefined || isSettled(factsOf(world, known, day));
  };
  const open = standingFailures(record).filter((entry) => entry.became === 'open' && !isThere(entry));
  return open.length === 0 ? [] : [`${open.length} ${open.length === 1 ? 'failure is' : 'failures are'} unresolved`];
}
