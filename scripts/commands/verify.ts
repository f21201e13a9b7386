import type { Command } from 'commander';
import { z } from 'zod';
import { formatDay } from '../../shared/calendar/day.ts';
import { evaluateGate, percent } from '../../shared/staged/gate.ts';
import { backfillDefinitionSchema } from '../../shared/staged/schema.ts';
import { begun } from '../../shared/staged/transitions.ts';
import { writeJson } from '../output/json.ts';
import { outStyle } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { range } from '../output/words.ts';
import { withState, type Session } from '../session.ts';
import { done, incomplete, newCommand, onRun, type CliContext } from './command.ts';
import { checkScope, commonOptions } from './options.ts';

const ALLOWED = 'allowed for --min-coverage is 0 to 100';
const verifyOptions = commonOptions.extend({ minCoverage: z.coerce.number({ error: ALLOWED }).min(0, { error: ALLOWED }).max(100, { error: ALLOWED }).default(100) });
type VerifyOptions = z.infer<typeof verifyOptions>;

export function verifyCommand(context: CliContext): Command {
  const command = newCommand('verify', 'A quality gate by itself: is every critical table complete over these dates, with nothing unresolved?', ['state', 'scope', 'json', 'now'])
    .option('--min-coverage <percent>', 'least complete ÷ expected dates of each critical table (default: 100)');
  return onRun(context, command, (given) => {
    const options = verifyOptions.parse(given);
    return withState(context, options, (session) => verify(session, options), { looks: true, makesNone: true, check: (pipeline) => checkScope(options, pipeline) });
  });
}

async function verify(session: Session, options: VerifyOptions) {
  const { io, pipeline, runtime: { engine } } = session;
  const scope = session.scope();
  const phases = pipeline.phases.filter((phase) => phase.backfillable && (scope.processors === null || phase.processors.some((name) => scope.processors?.has(name)))).map((phase) => phase.name);
  const world = await engine.refresh(scope.from, scope.to);
  const now = engine.parts.clock.now();
  const definition = backfillDefinitionSchema.parse({ name: 'verify', checks: [], hash: '', stages: [{ name: 'verify', phases: phases.length > 0 ? phases : pipeline.phases.map((phase) => phase.name), gate: { coverage_percent: options.minCoverage } }] });
  const record = begun('verify', definition, {
    from: scope.from, to: scope.to, processors: scope.processors && [...scope.processors], dates: null, exclude: [], reprocess: 'none', concurrency: null, delaySeconds: null, errorPolicy: null, maxFailures: null,
    by: io.user, reason: '', at: now,
  });
  const result = evaluateGate(world, record, { coverage_percent: options.minCoverage, no_unresolved_failures: true, checks: [] }, [], now);
  if (options.json) writeJson(io, { from: formatDay(scope.from), to: formatDay(scope.to), ...result, at: new Date(now).toISOString() });
  else {
    const style = outStyle(io);
    io.out.write(`${range(scope.from, scope.to)}: ${result.passed ? style.green('passed') : style.red('not passed')}\n${renderTable(result.tables, [
      { header: 'TABLE', value: (table) => table.processor }, { header: 'COMPLETE', value: (table) => `${table.complete} of ${table.expected}`, align: 'right' },
      { header: '', value: (table) => percent(table.complete, table.expected), align: 'right' }, { header: 'NULLS', value: (table) => table.nulls, align: 'right' }, { header: '', value: (table) => (table.critical ? '' : 'not critical') },
    ], style, 2)}${result.reasons.map((reason) => `  ${reason}\n`).join('')}`);
    if (!result.passed) session.log('info', `what is missing:  ${session.command('gaps', '--from', formatDay(scope.from), '--to', formatDay(scope.to))}`);
  }
  return result.passed ? done : incomplete;
}
