import { processorsOf } from '../staged/plan.ts';
import { rampOf, rampStep, upTo } from '../staged/ramp.ts';
import { currentStage, type BackfillRecord } from '../staged/record.ts';
import { concernsGate, evaluateGate } from '../staged/stage-gate.ts';
import { nextRound, rampLooked, stageEnded } from '../staged/transitions.ts';
import type { Engine } from './engine.ts';
import { runChecks } from './staged-checks.ts';

/** More rounds of one stage than a calendar filled from nothing and changes meanwhile can take. */
const MOST_ROUNDS = 50;

type Change = (current: BackfillRecord, now: number) => BackfillRecord;

/**
 * Nothing of a round is left: another one where something was run, since that may have made more to do; else the next step
 * of the ramp, or the gate, by the data of this moment. Null: `signal` has aborted, and nothing can be judged.
 */
export async function roundEnded(engine: Engine, record: BackfillRecord, opened: number, signal: AbortSignal): Promise<Change | null> {
  const { definition, progress } = currentStage(record);
  if (opened > 0 && progress.round - progress.retriedFrom < MOST_ROUNDS) return nextRound;
  // A gate over tables of which nothing was asked for says nothing.
  const gate = definition.gate && concernsGate(engine.world, record, definition.gate) ? definition.gate : undefined;
  const processors = processorsOf(engine.world, record, record.stage);
  const step = rampStep(engine.world, record, record.stage, processors);
  if (!gate && !step) return (current, now) => stageEnded(current, null, now);
  const looked = step ? upTo(record, step.to) : record;
  const world = await engine.refresh(looked.asked.from, looked.asked.to);
  const checks = gate ? await runChecks(engine, looked, gate, signal) : [];
  if (checks === null) return null;
  const judge = (current: BackfillRecord, now: number) => (gate ? evaluateGate(world, step ? upTo(current, step.to) : current, gate, checks, now) : null);
  if (!step) return (current, now) => stageEnded(current, judge(current, now), now);
  const next = rampOf(world, record, record.stage, processors)[(progress.ramp ?? 0) + 1]?.words ?? 'all dates';
  return (current, now) => {
    const result = judge(current, now);
    return rampLooked(current, { words: step.words, next }, { gate: result, reasons: result ? result.reasons : unresolved(current) }, now);
  };
}

/** Without a gate's rules one still holds: nothing has failed. */
function unresolved(record: BackfillRecord): string[] {
  const { definition } = currentStage(record);
  const open = record.failures.filter((entry) => entry.stage === definition.name && entry.became === 'open');
  return open.length === 0 ? [] : [`${open.length} ${open.length === 1 ? 'failure is' : 'failures are'} unresolved`];
}
