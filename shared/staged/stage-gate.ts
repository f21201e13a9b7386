import type { Day } from '../calendar/day.ts';
import type { World } from '../gaps/world.ts';
import { checkFile, checkName } from '../pipeline/checks.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { judgeGate, type CheckFigures, type GateFigures, type GateRules, type TableFigures } from './gate.ts';
import { figuresOf, type Place } from './gate-figures.ts';
import { processorsOf } from './plan.ts';
import { progressUpTo } from './progress.ts';
import { isAskedFor, processorsAsked, takesDate, type BackfillRecord, type GateResult, type GateTable } from './record.ts';
import type { GateDefinition } from './schema.ts';

/** The gate after a stage: judged as every gate is, over the dates asked for, and kept in the backfill's record. */

const LONGEST_TEXT = 200;
const MOST_LACKING = 40;

/** Whether anything that was asked for is in the gate's scope: one over phases that nobody asked for has nothing to say. */
export function concernsGate(world: Pick<World, 'pipeline'>, record: BackfillRecord, gate: GateDefinition): boolean {
  return judgedBy(world, record, gate).length > 0;
}

export function evaluateGate(world: World, record: BackfillRecord, gate: GateDefinition, checks: readonly CheckFigures[], now: number): GateResult {
  const figures = gateFigures(world, record, gate, checks);
  const { passed, reasons, notes } = judgeGate(figures, rulesOf(gate));
  const { runs } = figures;
  return {
    at: now, passed, reasons: reasons.map(({ text }) => text), notes: [...notes], tables: figures.tables.map(tableResult), unresolved: figures.unresolved.length,
    successRate: runs === null || runs.ended === 0 ? null : (100 * runs.succeeded) / runs.ended, checks: figures.checks.map(checkResult),
  };
}

function rulesOf(gate: GateDefinition): GateRules {
  return {
    minCoveragePercent: gate.coverage_percent ?? null, failures: gate.no_unresolved_failures ? 'hold' : 'show', maxNulls: gate.max_nulls ?? null, minSuccessPercent: gate.success_rate_percent ?? null,
    doubtful: gate.doubtful,
  };
}

function gateFigures(world: World, record: BackfillRecord, gate: GateDefinition, checks: readonly CheckFigures[]): GateFigures {
  const { from, to } = record.asked;
  const placeOf = (day: Day): Place => (takesDate(record, day) ? 'judged' : isAskedFor(record.asked, day) ? 'left_out' : 'outside');
  const judged = namesOf(judgedBy(world, record, gate));
  const { tables, unscheduled } = figuresOf(world, { from, to, processors: judged }, placeOf);
  // What failed in the stage counts whatever tables its gate is about.
  const failing = new Set([...judged, ...namesOf(processorsOf(world, record, record.stage))]);
  const { complete, failed } = progressUpTo(world, record, record.stage);
  return {
    // Where somebody asked for nothing that is critical, that is what the gate is about.
    tables: tables.some((table) => table.critical) ? tables : tables.map((table) => ({ ...table, critical: true })),
    unscheduled,
    unresolved: figuresOf(world, { from, to, processors: failing }, placeOf).unresolved,
    checks: gate.checks.map((file) => checks.find((check) => checkFile(check.name) === file) ?? notThere(file)),
    runs: { ended: complete + failed, succeeded: complete },
  };
}

function judgedBy(world: Pick<World, 'pipeline'>, record: BackfillRecord, gate: GateDefinition): readonly Processor[] {
  return processorsAsked(world.pipeline, record, gate.phases ?? record.definition.stages[record.stage]?.phases ?? []);
}

function namesOf(processors: readonly Processor[]): ReadonlySet<string> {
  return new Set(processors.map(({ name }) => name));
}

/** It never passes by error: a check that was not run is none that passed. */
function notThere(file: string): CheckFigures {
  const name = checkName(file) ?? file;
  return { name, demands: name, table: '', outcome: { kind: 'did_not_run', message: 'it is not there' } };
}

function tableResult(figures: TableFigures): GateTable {
  const { processor, table, critical, expected, complete, accepted, missing, short, stale, altered, suspect, pending, leftOut, nulls, lacking } = figures;
  return { processor, table, critical, expected, complete, accepted, missing, short, stale, altered, suspect, pending, leftOut, nulls, lacking: lacking.slice(0, MOST_LACKING) };
}

function checkResult(check: CheckFigures): GateResult['checks'][number] {
  const { outcome } = check;
  const about = { file: checkFile(check.name), demands: check.demands, rows: null, example: null, error: null };
  if (outcome.kind === 'passed') return { ...about, rows: 0 };
  if (outcome.kind === 'did_not_run') return { ...about, error: outcome.message.slice(0, LONGEST_TEXT) };
  const [first] = outcome.sample;
  return { ...about, rows: outcome.rows, example: first ? JSON.stringify(first).slice(0, LONGEST_TEXT) : null };
}
