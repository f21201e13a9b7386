import { checkName, compileCheck } from '../pipeline/checks.ts';
import { mistakeMessage } from '../pipeline/problems.ts';
import type { CheckFigures } from '../staged/gate.ts';
import type { BackfillRecord } from '../staged/record.ts';
import type { GateDefinition } from '../staged/schema.ts';
import type { Engine } from './engine.ts';
import { runCheck } from './run-check.ts';

/**
 * Runs a gate's queries, as the backfill was started with, over all dates asked for. One that fails is a figure with its
 * error: the gate holds on it. Null: `signal` has aborted, and nothing can be judged.
 */
export async function runChecks(engine: Engine, record: BackfillRecord, gate: GateDefinition, signal: AbortSignal): Promise<readonly CheckFigures[] | null> {
  const found: CheckFigures[] = [];
  for (const file of gate.checks) {
    const kept = record.definition.checks.find((candidate) => candidate.file === file);
    const name = checkName(file);
    if (!kept || name === null) continue;
    // The pipeline may be another than when the backfill was started.
    const compiled = compileCheck(name, kept.sql, engine.pipeline);
    if (compiled.kind === 'wrong') {
      found.push({ name, demands: name, table: '', outcome: { kind: 'did_not_run', message: compiled.mistakes.map(mistakeMessage).join('; ') } });
      continue;
    }
    try {
      found.push(await runCheck(engine, compiled.check, record.asked, signal));
    } catch (thrown) {
      if (signal.aborted) return null;
      throw thrown;
    }
  }
  return found;
}
