import type { Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { isSettled } from '../gaps/facts.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { processorsOf } from './plan.ts';
import { takesDate, type BackfillRecord, type CheckResult, type GateResult, type GateTable } from './record.ts';
import type { GateDefinition } from './schema.ts';

/** How many of a stage's cells are how far. */
export interface Progress {
  /** Expected and due, without skipped dates. */
  readonly expected: number;
  readonly complete: number;
  /** Ended badly, and not complete. */
  readonly failed: number;
}

/** Cells of one stage by what the data says of them now. */
export function progressOf(world: World, record: BackfillRecord, stage: number): Progress {
  return counted(world, record, processorsOf(world, record, stage));
}

function counted(world: World, record: BackfillRecord, processors: Iterable<Processor>): Progress & { readonly nulls: number } {
  let [expected, complete, failed, nulls] = [0, 0, 0, 0];
  for (const processor of processors) {
    for (const day of datesOf(world, record, processor)) {
      const facts = factsOf(world, processor, day);
      if (facts.data === 'not_expected' || facts.data === 'pending') continue;
      const { failure, request } = world.record(processor, day);
      expected += 1;
      nulls += world.coverage(processor, day)?.nulls ?? 0;
      if (isSettled(facts)) complete += 1;
      else if (failure && !request) failed += 1;
    }
  }
  return { expected, complete, failed, nulls };
}

function datesOf(world: World, record: BackfillRecord, processor: Processor): Day[] {
  const { from, to } = record.asked;
  return world.expectedDates(processor).within(from, to).filter((day) => takesDate(record, day));
}

/**
 * Looks at the data, after a stage: all dates asked for that were not skipped. It never passes by error: a check that
 * could not be run, and a scope in which nothing is expected, hold it.
 */
export function evaluateGate(world: World, record: BackfillRecord, gate: GateDefinition, checks: readonly CheckResult[], now: number): GateResult {
  const tables = tablesOf(world, record, gate);
  const [stageProgress, overall] = [progressOf(world, record, record.stage), overallProgress(world, record)];
  const ended = overall.complete + overall.failed;
  const successRate = ended === 0 ? null : (100 * overall.complete) / ended;
  const reasons: string[] = [];
  if (tables.every((table) => table.expected === 0)) reasons.push('nothing is expected of any of its tables: there is nothing that it could be passed on');
  if (gate.coverage_percent !== undefined) {
    for (const table of tables) {
      if (!table.critical || table.complete * 100 >= gate.coverage_percent * table.expected) continue;
      reasons.push(`${table.processor}: ${table.complete} of ${table.expected} dates are complete (${percent(table.complete, table.expected)}), and ${gate.coverage_percent} % are wanted`);
    }
  }
  if (gate.no_unresolved_failures && stageProgress.failed > 0) reasons.push(`${stageProgress.failed} ${stageProgress.failed === 1 ? 'failure is' : 'failures are'} unresolved`);
  if (gate.success_rate_percent !== undefined) {
    if (successRate === null) reasons.push('nothing has ended yet: there is no success rate');
    else if (overall.complete * 100 < gate.success_rate_percent * ended) reasons.push(`${percent(overall.complete, ended)} of ${ended} cells succeeded, and ${gate.success_rate_percent} % are wanted`);
  }
  const nulls = tables.reduce((sum, table) => sum + table.nulls, 0);
  if (gate.max_nulls !== undefined && nulls > gate.max_nulls) reasons.push(`${nulls} nulls in required columns, and ${gate.max_nulls} are allowed`);
  for (const file of gate.checks) {
    const result = checks.find((check) => check.file === file);
    if (!result || result.error !== null || result.rows === null) reasons.push(`the check ${file} could not be run: ${result?.error ?? 'it is not there'}`);
    else if (result.rows > 0) reasons.push(`the check ${file} found ${result.rows} ${result.rows === 1 ? 'row' : 'rows'}${result.example === null ? '' : `, such as ${result.example}`}`);
  }
  return { at: now, passed: reasons.length === 0, reasons, tables: [...tables], successRate, unresolved: stageProgress.failed, checks: [...checks] };
}

function tablesOf(world: World, record: BackfillRecord, gate: GateDefinition): GateTable[] {
  const phases = gate.phases ?? record.definition.stages[record.stage]?.phases ?? [];
  const { processors } = record.asked;
  return world.pipeline.processors
    .filter((processor) => phases.includes(processor.phase.name) && (processors === null || processors.includes(processor.name)))
    .map((processor) => {
      const { expected, complete, nulls } = counted(world, record, [processor]);
      return { processor: processor.name, critical: processor.critical, expected, complete, nulls };
    });
}

/** Of all stages up to this one; what several of them have counts once. */
function overallProgress(world: World, record: BackfillRecord): Progress {
  const stages = record.definition.stages.slice(0, record.stage + 1);
  return counted(world, record, new Set(stages.flatMap((_, stage) => processorsOf(world, record, stage))));
}

/** Never 100 % of what is not all of it. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const value = (100 * part) / whole;
  return `${part < whole ? Math.min(99.9, Math.floor(value * 10) / 10) : 100} %`;
}
