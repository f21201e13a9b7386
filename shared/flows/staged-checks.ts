import { classify } from '../failures/classify.ts';
import type { BackfillRecord, CheckResult } from '../staged/record.ts';
import type { GateDefinition } from '../staged/schema.ts';
import type { Engine } from './engine.ts';

/** Rows of a check that are counted: whether there are more makes no difference to a gate. */
const MOST_ROWS = 1000;
const LONGEST_EXAMPLE = 200;

/** Runs a gate's queries over all dates asked for. One that fails is a result with its error: the gate holds on it. */
export async function runChecks(engine: Engine, record: BackfillRecord, gate: GateDefinition): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  const { from, to } = record.asked;
  for (const file of gate.checks) {
    const check = record.definition.checks.find((candidate) => candidate.file === file);
    if (!check) continue;
    try {
      const inputs = check.reads.map((name) => ({ upstream: engine.world.processor(name), columns: null, range: { from, to } }));
      const rows = await engine.parts.warehouse.check({ name: file, sql: check.sql }, inputs, MOST_ROWS);
      const [first] = rows;
      results.push({ file, rows: rows.length, example: first ? JSON.stringify(first).slice(0, LONGEST_EXAMPLE) : null, error: null });
    } catch (error) {
      results.push({ file, rows: null, example: null, error: classify(error).message.slice(0, LONGEST_EXAMPLE) });
    }
  }
  return results;
}
