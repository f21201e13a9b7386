import type { Command } from 'commander';
import { z } from 'zod';
import { InputError } from '../../shared/failures/errors.ts';
import { verifyReadiness, verifyScope } from '../../shared/flows/verify.ts';
import { STANDARD_RULES, type GateRules } from '../../shared/staged/gate.ts';
import { writeJson } from '../output/json.ts';
import { outStyle } from '../output/style.ts';
import { gateJson, readinessJson, renderGate, renderReadiness } from '../output/verify-view.ts';
import { withState } from '../session.ts';
import { checksOf } from './checks-source.ts';
import { fillScheduleCommand } from './fill-schedule.ts';
import { done, incomplete, newCommand, onRun, type CliContext } from './command.ts';
import { checkScope, commonOptions, readDay, readPhase, scopeWords } from './options.ts';

const verifyOptions = commonOptions.extend({
  minCoverage: z.string().optional(),
  maxNulls: z.string().optional(),
  strict: z.boolean().default(false),
  readyFor: z.string().optional(),
});
type VerifyOptions = z.infer<typeof verifyOptions>;

export function verifyCommand(context: CliContext): Command {
  const command = newCommand('verify', 'A quality gate by itself: coverage of every critical table, unresolved failures, and the checks in the\npipeline\'s folder (checks/*.sql). Changes nothing. Exit code 3 if it does not pass.', ['state', 'scope', 'json', 'now'])
    .option('--min-coverage <percent>', 'least share of dates that are complete or accepted, of each critical table (default: 100)')
    .option('--max-nulls <count>', 'most nulls in required columns, of all critical tables together (default: not judged by itself)')
    .option('--strict', 'stale, altered and suspect dates hold the gate too')
    .option('--ready-for <phase>', 'judge instead whether this phase can start on its next date: today\'s, or the first from --from on');
  return onRun(context, command, (given) => {
    const options = verifyOptions.parse(given);
    return options.readyFor === undefined ? verifyGate(context, options) : verifyReady(context, options, options.readyFor);
  });
}

function verifyGate(context: CliContext, options: VerifyOptions) {
  const rules = rulesOf(options);
  return withState(context, options, async (session) => {
    const { io, runtime, signal } = session;
    const report = await verifyScope(runtime.engine, session.scope(), { checks: checksOf(io, options, runtime.pipeline), rules, signal });
    if (options.json) writeJson(io, gateJson(report));
    else {
      io.out.write(renderGate(report, runtime.pipeline, outStyle(io)));
      if (report.verdict.reasons.some(({ rule }) => rule === 'schedule')) session.log('info', `the schedule is filled by:  ${fillScheduleCommand(session, report.figures.unscheduled ?? [])}`);
      if (report.verdict.reasons.some(({ rule }) => rule === 'coverage' || rule === 'failures')) session.log('info', `what would be done about it:  ${session.command('plan', ...scopeWords(options))}`);
    }
    return report.verdict.passed ? done : incomplete;
  }, {
    looks: true,
    check: (pipeline) => {
      checkScope(options, pipeline);
      checksOf(context.io, options, pipeline);
    },
  });
}

/** Options that say which cells a gate is about, or what it demands: readiness decides both by itself. */
const OF_GATES = ['to', 'season', 'phase', 'processor', 'minCoverage', 'maxNulls'] as const;

function verifyReady(context: CliContext, options: VerifyOptions, phaseName: string) {
  const other = OF_GATES.find((name) => options[name] !== undefined);
  const shown = other?.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) ?? (options.strict ? 'strict' : undefined);
  if (shown !== undefined) throw new InputError(`received --ready-for with --${shown}; allowed with it is --from, the first date that counts as next; leave one of the two out`);
  return withState(context, options, async ({ io, runtime: { engine, pipeline } }) => {
    const phase = readPhase(phaseName, pipeline);
    const from = options.from === undefined ? engine.moment().today : readDay(options.from, '--from');
    const readiness = await verifyReadiness(engine, phase, from);
    if (options.json) writeJson(io, readinessJson(readiness));
    else io.out.write(renderReadiness(readiness, pipeline, outStyle(io)));
    return readiness.ready ? done : incomplete;
  }, {
    looks: true,
    check: (pipeline) => {
      readPhase(phaseName, pipeline);
      checkScope(options, pipeline);
    },
  });
}

function rulesOf(options: VerifyOptions): GateRules {
  return {
    ...STANDARD_RULES,
    ...(options.minCoverage === undefined ? {} : { minCoveragePercent: percent(options.minCoverage, '--min-coverage') }),
    ...(options.maxNulls === undefined ? {} : { maxNulls: wholeNumber(options.maxNulls, '--max-nulls') }),
    doubtful: options.strict ? 'hold' : 'show',
  };
}

function percent(text: string, option: string): number {
  const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= 100)) throw new InputError(`received ${option} '${text}', which is no share in percent; allowed is a number from 0 to 100; write for example 99.5`);
  return value;
}

function wholeNumber(text: string, option: string): number {
  if (!/^\d{1,12}$/.test(text.trim())) throw new InputError(`received ${option} '${text}', which is no count; allowed is a whole number from 0 on; write for example 0`);
  return Number(text);
}
