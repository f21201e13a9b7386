import { classify } from '../failures/classify.ts';
import type { Scope } from '../gaps/detect.ts';
import type { Phase, Processor } from '../pipeline/pipeline.ts';
import type { QualityCheck } from '../pipeline/checks.ts';
import type { Day } from '../calendar/day.ts';
import { figuresOf } from '../staged/gate-figures.ts';
import { judgeGate, type CheckFigures, type GateFigures, type GateRules, type GateVerdict } from '../staged/gate.ts';
import { readyFor, type PhaseReadiness } from '../staged/ready-for.ts';
import type { Engine } from './engine.ts';

/** Quality gates, read from the data at the gate. Nothing is changed. */

export interface GateReport {
  readonly scope: Scope;
  readonly figures: GateFigures;
  readonly rules: GateRules;
  readonly verdict: GateVerdict;
}

export interface GateOptions {
  readonly checks: readonly QualityCheck[];
  readonly rules: GateRules;
  readonly signal?: AbortSignal;
  readonly isLeftOut?: (processor: Processor, day: Day) => boolean;
  readonly runs?: GateFigures['runs'];
}

/** A check that takes longer is stopped. */
export const CHECK_SECONDS = 540;
const ROWS_SHOWN = 5;

/** Reads everything afresh, runs the checks of what is in the scope, and judges. */
export async function verifyScope(engine: Engine, scope: Scope, { checks, rules, signal, isLeftOut, runs = null }: GateOptions): Promise<GateReport> {
  const world = await engine.refresh(scope.from, scope.to);
  const wanted = checks.filter(({ of }) => scope.processors === null || scope.processors.has(of.name));
  const found: CheckFigures[] = [];
  for (const check of wanted) found.push(await runCheck(engine, check, scope, signal));
  const figures: GateFigures = { ...figuresOf(world, scope, isLeftOut), checks: found, runs };
  return { scope, figures, rules, verdict: judgeGate(figures, rules) };
}

/** Whatever goes wrong with a check, the gate is told that it did not run; only who aborted hears of it by a throw. */
async function runCheck(engine: Engine, { name, demands, sql, reads, of }: QualityCheck, { from, to }: Scope, signal: AbortSignal | undefined): Promise<CheckFigures> {
  const about = { name, demands, table: of.output.ref };
  try {
    const inputs = reads.map((upstream) => ({ upstream, columns: null, range: { from, to } }));
    const { rows, sample } = await engine.parts.warehouse.check({ name, sql, inputs, timeoutSeconds: CHECK_SECONDS }, ROWS_SHOWN, signal);
    return { ...about, outcome: rows === 0 ? { kind: 'passed' } : { kind: 'offended', rows, sample } };
  } catch (thrown) {
    signal?.throwIfAborted();
    return { ...about, outcome: { kind: 'did_not_run', message: classify(thrown).message.replace(`the check ${name}: `, '') } };
  }
}

/** Whether a phase could start on its next date from `from` on. */
export async function verifyReadiness(engine: Engine, phase: Phase, from: Day): Promise<PhaseReadiness> {
  const world = await engine.refresh(from, from);
  return readyFor(world, phase, from, engine.strictness);
}
