import { classify } from '../failures/classify.ts';
import type { BackfillRecord, CheckResult } from '../staged/record.ts';
import type { GateDefinition } from '../staged/schema.ts';
import type { Engine } from './engine.ts';
import { CHECK_SECONDS } from './verify.ts';

const LONGEST_EXAMPLE = 200;

/**
 * Runs a gate's queries over all dates asked for. One that fails is a result with its error: the gate holds on it. Null:
 * `signal` has aborted, and nothing can be judged.
 */
export async function runChecks(engine: Engine, record: BackfillRecord, gate: GateDefinition, signal: AbortSignal): Promise<readonly CheckResult[] | null> {
  const results: CheckResult[] = [];
  const { from, to } = record.asked;
  for (const file of gate.checks) {
    const check = record.definition.checks.find((candidate) => candidate.file === file);
    if (!check) continue;
    try {
      const inputs = check.reads.map((name) => ({ upstream: engine.world.processor(name), columns: null, range: { from, to } }));
      const { rows, sample } = await engine.parts.warehouse.check({ name: file, sql: check.sql, inputs, timeoutSeconds: CHECK_SECONDS }, 1, signal);
      const [first] = sample;
      results.push({ file, rows, example: first ? JSON.stringify(first).slice(0, LONGEST_EXAMPLE) : null, error: null });
    } catch (error) {
      if (signal.aborted) return null;
      results.push({ file, rows: null, example: null, error: classify(error).message.replace(`the check ${file}: `, '').slice(0, LONGEST_EXAMPLE) });
    }
  }
  return results;
}
