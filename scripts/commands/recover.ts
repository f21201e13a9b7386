import { setTimeout as after } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { decideCascadesAgain } from '../../shared/flows/cascade.ts';
import { accept } from '../../shared/flows/operate.ts';
import { makePlan, recover, type Recovered } from '../../shared/flows/recover.ts';
import { work } from '../../shared/flows/work.ts';
import { exitCodeFor, type ExitCode } from '../../shared/failures/exit-codes.ts';
import { HeldBackError } from '../../shared/failures/errors.ts';
import { detect, keyOf, type Scope } from '../../shared/gaps/detect.ts';
import type { LeftOutCode, RecoveryPlan } from '../../shared/recovery/plan.ts';
import { writeJson } from '../output/json.ts';
import { planJson, renderPlan } from '../output/plan-view.ts';
import { RecoveryProgress, recoveredJson, renderRecovered } from '../output/recover-view.ts';
import { outStyle } from '../output/style.ts';
import { cellText, counted, quoted } from '../output/words.ts';
import { withState, type Session } from '../session.ts';
import { done, heldBack, incomplete, interrupted, newCommand, onRun, workFailed, type CliContext } from './command.ts';
import { checkScope, commonOptions, placeOf, readReason, scopeWords } from './options.ts';

const recoverOptions = commonOptions.extend({ all: z.boolean().default(false), altered: z.enum(['report', 'reprocess', 'accept']).optional(), reason: z.string().optional() });
type RecoverOptions = z.infer<typeof recoverOptions>;

export function recoverCommand(context: CliContext): Command {
  const command = newCommand('recover', 'Makes the cells of a range complete, root causes first, here and now.\nStopped at any moment and run again, it goes on where it was.', ['state', 'scope', 'json', 'yes', 'now'])
    .option('--all', 'over the bounds of automatic work too, and readers outside the range')
    .addOption(new Option('--altered <policy>', 'altered rows, for this run, instead of the policy').choices(['report', 'reprocess', 'accept']))
    .option('--reason <text>', 'why, for the record (--altered accept needs it)');
  return onRun(context, command, (given) => {
    const options = recoverOptions.parse(given);
    if (options.altered === 'accept') readReason(options.reason, 'accepting rows');
    return withState(context, options, (session) => recoverNow(session, options), { check: (pipeline) => checkScope(options, pipeline) });
  });
}

async function recoverNow(session: Session, options: RecoverOptions): Promise<ExitCode> {
  const { io, runtime, signal } = session;
  const { engine } = runtime;
  const scope = session.scope();
  const { paused } = await engine.parts.store.controls();
  if (paused) throw new HeldBackError(`the pipeline is paused by ${paused.by}: ${paused.reason}; nothing is run until: smart-backfill resume`);
  const by = { by: io.user, reason: options.reason ?? 'asked for by recover' };
  const altered = options.altered === 'report' || options.altered === 'reprocess' ? options.altered : 'policy';
  if (!options.yes) {
    await engine.refresh(scope.from, scope.to);
    const plan = await makePlan(engine, { scope, by: 'person', all: options.all, altered });
    const isQueued = plan.leftOut.some((entry) => entry.code === 'open');
    if (plan.steps.length > 0 || isQueued || (options.altered === 'accept' && alteredCells(session, scope).length > 0)) {
      const code = await confirm(session, options, plan);
      if (code !== null) return code;
    }
  }
  if (options.altered === 'accept') await acceptAltered(session, scope, by);
  const startedAt = performance.now();
  const progress = new RecoveryProgress(io, options.quiet, (await engine.parts.store.openCells()).length);
  let recovered: Recovered;
  try {
    recovered = await withOthers(session, () => recover(engine, { scope, by: 'person', all: options.all, altered, requestedBy: io.user, reason: by.reason, signal, budget: null, on: progress.on }));
    // What waited for the gap is decided again; what that releases runs here too.
    const decided = signal.aborted ? [] : await decideCascadesAgain(engine);
    if (decided.some((cascade) => cascade.record.state === 'released')) await work(engine, { signal });
  } finally {
    progress.stop();
  }
  const milliseconds = performance.now() - startedAt;
  if (options.json) writeJson(io, recoveredJson(recovered, milliseconds));
  else io.out.write(renderRecovered(recovered, engine.world, outStyle(io), milliseconds, (words) => session.command(...words)));
  if (recovered.interrupted) tellUnfinished(session, options, recovered);
  return exitCodeOf(session, scope, recovered);
}

/** Firestore's reads cost, and others take longer there. */
const LOOK_AGAIN_MS = { embedded: 50, google: 2000 } as const;

/** What another command of this state runs at the same moment is waited for, and what that leaves is recovered too. */
async function withOthers({ runtime: { kind, store }, signal }: Session, run: () => Promise<Recovered>): Promise<Recovered> {
  let recovered = await run();
  const inOtherHands = async (): Promise<boolean> => {
    const left = new Set(recovered.leftOut.filter((entry) => entry.code === 'open').map(keyOf));
    return left.size > 0 && (await store.openCells()).some((record) => record.request?.state === 'processing' && left.has(keyOf(record)));
  };
  while (!signal.aborted && await inOtherHands()) {
    while (!signal.aborted && await inOtherHands()) await after(LOOK_AGAIN_MS[kind], undefined, { signal }).catch(() => undefined);
    const next = await run();
    recovered = { ...next, rounds: recovered.rounds + next.rounds, runs: [...recovered.runs, ...next.runs] };
  }
  return recovered;
}

function alteredCells({ runtime: { engine } }: Session, scope: Scope) {
  return detect(engine.world, scope).findings.filter(({ facts }) => facts.trace === 'altered' && facts.data === 'present');
}

async function acceptAltered(session: Session, scope: Scope, by: { readonly by: string; readonly reason: string }): Promise<void> {
  const { engine } = session.runtime;
  await engine.refresh(scope.from, scope.to);
  const cells = alteredCells(session, scope);
  if (cells.length > 0) await accept(engine, cells.map(({ processor, day }) => ({ processor, day })), by, null);
  session.log('info', `accepted the altered rows of ${counted(cells.length, 'cell')}`);
}

/** Null: go on. */
async function confirm(session: Session, options: RecoverOptions, plan: RecoveryPlan): Promise<ExitCode | null> {
  const { io, signal } = session;
  const command = goOn(session, options);
  if (io.ask === null) {
    if (options.json) writeJson(io, planJson(plan));
    else io.out.write(renderPlan(plan, session.runtime.engine.world, outStyle(io), (words) => session.command(...words)));
    io.err.write(`nothing was run: nobody can be asked here; to run it:  ${command}\n`);
    return heldBack;
  }
  io.err.write(renderPlan(plan, session.runtime.engine.world, outStyle(io), (words) => session.command(...words)));
  const answer = await io.ask('\nRun it? [y/N] ', signal);
  if (signal.aborted) return interrupted;
  if (/^y(es)?$/i.test(answer.trim())) return null;
  io.err.write(`nothing was run; to run it:  ${command}\n`);
  return heldBack;
}

/** The very command that goes on with this one. */
function goOn(session: Session, options: RecoverOptions): string {
  const words = [
    ...(options.all ? ['--all'] : []), '--yes', ...(options.altered ? ['--altered', options.altered] : []), ...(options.reason === undefined ? [] : ['--reason', options.reason]),
    ...(options.json ? ['--json'] : []), ...scopeWords(options),
  ];
  return [session.io.program, 'recover', ...words.map(quoted), ...placeOf(options)].join(' ');
}

const UNFINISHED_SHOWN = 8;

function tellUnfinished(session: Session, options: RecoverOptions, recovered: Recovered): void {
  const { io } = session;
  const { unfinished } = recovered;
  io.err.write(`interrupted: ${counted(recovered.runs.length, 'cell')} done; nothing is in flight any more, ${counted(unfinished.length, 'cell')} queued and not run\n`);
  for (const cell of unfinished.slice(0, UNFINISHED_SHOWN)) io.err.write(`  ${cellText(cell)}\n`);
  if (unfinished.length > UNFINISHED_SHOWN) io.err.write(`  and ${unfinished.length - UNFINISHED_SHOWN} more\n`);
  io.err.write(`it goes on where it was with:  ${goOn(session, options)}\n`);
}

const HELD_CODES: ReadonlySet<LeftOutCode> = new Set(['over_threshold', 'over_plan_cells', 'daily_budget', 'held', 'owned', 'observe']);

function exitCodeOf(session: Session, scope: Scope, recovered: Recovered): ExitCode {
  const { engine } = session.runtime;
  const codes: ExitCode[] = [done];
  if (recovered.interrupted) codes.push(interrupted);
  const incompleteCells = new Set(detect(engine.world, scope).findings.map(keyOf));
  // Of a cell that was tried more than once the last time counts; what ended elsewhere since tells by being complete.
  const last = new Map(recovered.runs.map((run) => [keyOf(run), run]));
  const lastHere = new Map(recovered.runs.filter((run) => run.outcome !== 'elsewhere').map((run) => [keyOf(run), run]));
  if ([...lastHere].some(([key, run]) => run.outcome === 'failed' && (last.get(key) === run || incompleteCells.has(key)))) codes.push(workFailed);
  if (recovered.leftOut.some((entry) => HELD_CODES.has(entry.code))) codes.push(heldBack);
  if (incompleteCells.size > 0) codes.push(incomplete);
  return exitCodeFor(codes);
}
