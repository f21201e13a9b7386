import type { Scope } from '../gaps/detect.ts';
import type { Phase } from '../pipeline/pipeline.ts';
import type { QualityCheck } from '../pipeline/checks.ts';
import type { Day } from '../calendar/day.ts';
import { figuresOf } from '../staged/gate-figures.ts';
import { judgeGate, type CheckFigures, type GateFigures, type GateRules, type GateVerdict } from '../staged/gate.ts';
import { readyFor, type PhaseReadiness } from '../staged/ready-for.ts';
import type { Engine } from './engine.ts';
import { runCheck } from './run-check.ts';

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
}

/** Reads everything afresh, runs the checks of what is in the scope, and judges. */
export async function verifyScope(engine: Engine, scope: Scope, { checks, rules, signal }: GateOptions): Promise<GateReport> {
  const world = await engine.refresh(scope.from, scope.to);
  const wanted = checks.filter(({ of }) => scope.processors === null || scope.processors.has(of.name));
  const found: CheckFigures[] = [];
  for (const check of wanted) found.push(await runCheck(engine, check, scope, signal));
  const figures: GateFigures = { ...figuresOf(world, scope), checks: found, runs: null };
  return { scope, figures, rules, verdict: judgeGate(figures, rules) };
}

/** Whether a phase could start on its next date from `from` on. */
export async function verifyReadiness(engine: Engine, phase: Phase, from: Day): Promise<PhaseReadiness> {
  const world = await engine.refresh(from, from);
  return readyFor(world, phase, from, engine.strictness);
}
