import { existsSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import { DuckDbWarehouse } from '../../shared/embedded/duckdb-warehouse.ts';
import { EmbeddedRunner } from '../../shared/embedded/embedded-runner.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import { troubleSchema, type Moment, type Trouble } from './trouble.ts';

/**
 * Loaded into the operator's program before it starts (`node --import`): makes the cells fail that the folder
 * E2E_TROUBLE names, and tells at the moment E2E_TELL (`stage`, `staged`, `promote` or `promoted`, and the number of the
 * cell, counted in this process) that it has come there, so that the test kills it then. The program itself knows of neither.
 */
const folder = process.env['E2E_TROUBLE'] ?? '';
const [tellWhen = '', tellAt = '0'] = (process.env['E2E_TELL'] ?? '').split(' ');
let cells = 0;

function reached(when: Moment, cell: number): void {
  if (when === tellWhen && cell === Number(tellAt)) writeSync(2, `[reached ${when} ${cell}]\n`);
}

/** What is wrong with a cell now; a trouble that passes by itself is one time less. */
function troubleOf({ name }: Processor, day: Day): Trouble | null {
  const file = join(folder, `${name} ${formatDay(day)}`);
  if (!existsSync(file)) return null;
  const trouble = troubleSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  if (trouble.times === 1) rmSync(file);
  else if (trouble.times !== null) writeFileSync(file, JSON.stringify({ ...trouble, times: trouble.times - 1 }));
  return trouble;
}

const run = EmbeddedRunner.prototype.run;
EmbeddedRunner.prototype.run = async function runOrFail(order) {
  const trouble = troubleOf(order.processor, order.day);
  if (trouble === null) return run.call(this, order);
  return trouble.type === 'no_data' ? { kind: 'no_data', message: trouble.message } : { kind: 'failed', error: { type: trouble.type, message: trouble.message } };
};

const stage = DuckDbWarehouse.prototype.stage;
DuckDbWarehouse.prototype.stage = async function stageOrFail(claim, source, calendar, signal) {
  cells += 1;
  const cell = cells;
  reached('stage', cell);
  const trouble = source.kind === 'sql' ? troubleOf(claim.processor, claim.day) : null;
  if (trouble !== null) throw Object.assign(new Error(trouble.message), { name: trouble.type });
  const staged = await stage.call(this, claim, source, calendar, signal);
  reached('staged', cell);
  return {
    ...staged,
    promote: async (trace) => {
      reached('promote', cell);
      const outcome = await staged.promote(trace);
      reached('promoted', cell);
      return outcome;
    },
  };
};
