import type { Command } from 'commander';
import { z } from 'zod';
import { InputError } from '../../shared/failures/errors.ts';
import { exitCodeFor, type ExitCode } from '../../shared/failures/exit-codes.ts';
import { planRollback, type RollbackPlan, type RollbackScope } from '../../shared/flows/rollback/plan.ts';
import { rollBack } from '../../shared/flows/rollback/roll-back.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { isTaken } from '../../shared/rollback/decide.ts';
import { writeJson } from '../output/json.ts';
import { Progress } from '../output/progress.ts';
import { renderRollbackPlan, renderRolledBack, rollbackPlanJson, rolledBackJson } from '../output/rollback-view.ts';
import { outStyle } from '../output/style.ts';
import { cellText, counted } from '../output/words.ts';
import { withState, type Session } from '../session.ts';
import { done, heldBack, interrupted, newCommand, onRun, workFailed, type CliContext } from './command.ts';
import { commonOptions, readOneDate, readProcessors, readReason } from './options.ts';

const rollbackOptions = commonOptions.extend({
  backfill: z.string().optional(),
  date: z.string().optional(),
  force: z.boolean().default(false),
  delete: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  reason: z.string().optional(),
});
type RollbackOptions = z.infer<typeof rollbackOptions>;

export function rollbackCommand(context: CliContext): Command {
  const command = newCommand('rollback', 'Takes the rows of a staged backfill, or of a date, back to what they were before, with their old trace.\nWhat is rolled back is held: it runs again when its inputs or its definition change, or a person asks.', ['state', 'json', 'yes', 'now'])
    .option('--backfill <id>', 'what this backfill overwrote; dates that had no rows have none again')
    .option('--date <date>', 'this date only: what any backfill overwrote of it; with --phase or --processor')
    .option('--phase <names>', 'these phases only, separated by commas')
    .option('--processor <names>', 'these processors only, separated by commas')
    .option('--force', 'also where the rows are not those that the backfill wrote')
    .option('--delete', 'takes rows away where nothing is kept of what was there before')
    .option('--dry-run', 'print what would be done only')
    .option('--reason <text>', 'why: needed, and kept');
  return onRun(context, command, (given) => {
    const options = rollbackOptions.parse(given);
    checkWhich(options);
    const reason = options.dryRun ? options.reason?.trim() ?? '' : readReason(options.reason, 'rolling back');
    return withState(context, options, (session) => rollbackNow(session, options, reason), {
      check: (pipeline) => { scopeOf(options, pipeline); }, ...(options.dryRun ? { looks: true, makesNone: true } : {}),
    });
  });
}

function checkWhich({ backfill, date, phase, processor }: RollbackOptions): void {
  if (backfill === undefined && date === undefined) throw new InputError('received neither --backfill nor --date; allowed are --backfill ID, and --date DATE with --phase or --processor; for the ids: smart-backfill backfill list');
  if (backfill === undefined && phase === undefined && processor === undefined) throw new InputError(`received --date ${date ?? ''} without --phase and --processor, which would be everything of that date; allowed is --date with one of them, or with --backfill; say what is meant`);
}

function scopeOf(options: RollbackOptions, pipeline: Pipeline): RollbackScope {
  return { backfillId: options.backfill ?? null, day: options.date === undefined ? null : readOneDate(options.date, pipeline), processors: readProcessors(options, pipeline), force: options.force, deletes: options.delete };
}

async function rollbackNow(session: Session, options: RollbackOptions, reason: string): Promise<ExitCode> {
  const { io, pipeline, signal, runtime: { engine } } = session;
  const scope = scopeOf(options, pipeline);
  // What a rollback that died has left is finished first.
  if (!options.dryRun) await sweep(engine);
  const plan = await planRollback(engine, scope);
  const taken = plan.steps.filter(({ decision }) => isTaken(decision));
  if (options.dryRun || taken.length === 0) {
    show(session, options, plan);
    return exitCodeOf(plan.steps.filter((step) => step.decision.kind === 'refuse').length, 0, false);
  }
  if (!options.yes) {
    const code = await confirm(session, options, plan, taken.length);
    if (code !== null) return code;
  }
  const progress = new Progress(io, { unit: 'cells', quiet: options.quiet });
  progress.total(taken.length);
  const startedAt = performance.now();
  try {
    const result = await rollBack(engine, plan, scope, { by: io.user, reason, signal, on: (cell) => {
      progress.ended(cellText(cell));
      if (cell.outcome === 'failed') progress.line(`failed ${cellText(cell)}: ${cell.error ?? ''}`);
    } });
    progress.stop();
    const milliseconds = performance.now() - startedAt;
    if (options.json) writeJson(io, rolledBackJson(scope, result, milliseconds));
    else io.out.write(renderRolledBack(result, outStyle(io), milliseconds, (core) => session.text(core)));
    if (result.interrupted) io.err.write(`interrupted; what is back is back; it goes on with:  ${session.command('rollback', ...wordsOf(options))}\n`);
    return exitCodeOf(result.cells.filter(({ outcome, decision }) => outcome === 'left' && decision.kind === 'refuse').length, result.cells.filter(({ outcome }) => outcome === 'failed').length, result.interrupted);
  } finally {
    progress.stop();
  }
}

function exitCodeOf(refused: number, failed: number, wasInterrupted: boolean): ExitCode {
  return exitCodeFor([done, ...(refused > 0 ? [heldBack] : []), ...(failed > 0 ? [workFailed] : []), ...(wasInterrupted ? [interrupted] : [])]);
}

function show(session: Session, options: RollbackOptions, plan: RollbackPlan): void {
  const { io } = session;
  if (options.json) writeJson(io, rollbackPlanJson(plan, options.dryRun));
  else io.out.write(renderRollbackPlan(plan, outStyle(io), (core) => session.text(core)));
}

/** Null: go on. */
async function confirm(session: Session, options: RollbackOptions, plan: RollbackPlan, cells: number): Promise<ExitCode | null> {
  const { io, signal } = session;
  const command = session.command('rollback', ...wordsOf(options));
  if (io.ask === null) {
    show(session, options, plan);
    io.err.write(`nothing was rolled back: nobody can be asked here; to do it:  ${command}\n`);
    return heldBack;
  }
  io.err.write(renderRollbackPlan(plan, outStyle(io), (core) => session.text(core)));
  const answer = await io.ask(`\nRoll ${counted(cells, 'cell')} back? [y/N] `, signal);
  if (signal.aborted) return interrupted;
  if (/^y(es)?$/i.test(answer.trim())) return null;
  io.err.write(`nothing was rolled back; to do it:  ${command}\n`);
  return heldBack;
}

function wordsOf(options: RollbackOptions): string[] {
  const named = (['backfill', 'date', 'phase', 'processor', 'reason'] as const).flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
  return [...named, ...(options.force ? ['--force'] : []), ...(options.delete ? ['--delete'] : []), ...(options.json ? ['--json'] : []), '--yes'];
}
