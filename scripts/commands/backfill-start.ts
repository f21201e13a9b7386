import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { addDays, formatDay, type Day } from '../../shared/calendar/day.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { labelOf, refusedFor, startBackfill } from '../../shared/flows/staged-orders.ts';
import { processorNames } from '../../shared/staged/overlap.ts';
import { lackingBefore } from '../../shared/staged/before.ts';
import { planAll, planDigest } from '../../shared/staged/plan.ts';
import { isAskedFor, type Asked, type BackfillRecord } from '../../shared/staged/record.ts';
import { errorPolicies, type BackfillDefinition } from '../../shared/staged/schema.ts';
import { begun } from '../../shared/staged/transitions.ts';
import { plansJson, renderPlans } from '../output/backfill-plan-view.ts';
import { writeJson } from '../output/json.ts';
import { outStyle } from '../output/style.ts';
import { counted, dayList } from '../output/words.ts';
import type { Session } from '../session.ts';
import { followBackfill } from './backfill-follow.ts';
import { definitionNamed } from './backfill-definition.ts';
import { done, heldBack, interrupted } from './command.ts';
import { commonOptions, readDates, readProcessors, readStartReason, scopeWords } from './options.ts';

/** A number that an option is given. */
function number(name: string, least: number, most: number, whole: boolean) {
  const allowed = `allowed is a ${whole ? 'whole number' : 'number'} from ${least} to ${most}`;
  return z.string().transform((text, { addIssue }) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) addIssue({ code: 'custom', message: `received --${name} '${text}'; ${allowed}` });
    return value;
  }).optional();
}

export const startOptions = commonOptions.extend({
  definition: z.string().optional(), reprocess: z.enum(['none', 'failed', 'completed']).default('none'), datesFile: z.string().optional(), exclude: z.string().optional(), concurrency: number('concurrency', 1, 100, true), onlyMissing: z.boolean().default(false),
  delay: number('delay', 0, 86_400, false), errorPolicy: z.enum(errorPolicies).optional(), maxFailures: number('max-failures', 1, 1_000_000, true), ramp: z.boolean().default(false), join: z.string().optional(), reason: z.string().optional(), dryRun: z.boolean().default(false), detach: z.boolean().default(false), plan: z.string().optional(),
}).refine(({ onlyMissing, reprocess }) => !onlyMissing || reprocess === 'none', { error: 'received --only-missing and --reprocess, which contradict each other; allowed is one of them; leave one out' });
export type StartOptions = z.infer<typeof startOptions>;

/** Shows the plan, asks, starts, and runs it here unless it is detached. */
export async function startNow(session: Session, options: StartOptions) {
  const { io, runtime: { engine, kind }, signal } = session;
  const definition = definitionNamed(session, options.definition);
  const asked = askedBy(session, options, definition);
  const world = await engine.refresh(asked.from, asked.to);
  // Under a name that no other has: what an earlier one of the same dates asked for is not its own.
  const preview = begun('not started', definition, asked);
  const plans = planAll(world, preview);
  const digest = planDigest(plans);
  const style = outStyle(io);
  // What the calendar is going to expect is known when this stage has filled it.
  const filling = definition.stages.findIndex((stage, index) => stage.calendar_first && (plans[index]?.cells.some((cell) => cell.action !== 'check') ?? false));
  const text = (all: boolean): string => renderPlans(plans, style, all, filling);
  const words = startWords(options, digest);
  const other = refusedFor(engine, preview, await engine.parts.store.backfills());
  if (options.dryRun) {
    tellBefore(session, preview);
    if (options.json) writeJson(io, { definition: definition.name, plan: digest, overlaps: other?.id ?? null, stages: plansJson(plans) });
    else {
      io.out.write(`${text(true)}\nnothing was started; later stages are planned again when they begin, since earlier ones change what they see\n`);
      if (other) io.out.write(`it would be refused: ${other.id} has cells in common with it\n`);
      session.log('info', `start it:  ${session.command('backfill', 'start', ...words)}`);
    }
    return done;
  }
  if (options.plan !== undefined && options.plan !== digest) session.log('warn', `note: state has changed since the dry run: the plan was ${options.plan}, and is ${digest} now; what is there now counts`);
  if (!options.yes && !options.detach) {
    if (io.ask === null) {
      if (options.json) writeJson(io, { definition: definition.name, plan: digest, overlaps: other?.id ?? null, stages: plansJson(plans) });
      else io.out.write(`${text(false)}\n`);
      tellBefore(session, preview);
      io.err.write(`nothing was started: nobody can be asked here; to start it:  ${session.command('backfill', 'start', ...words, '--yes')}\n`);
      return heldBack;
    }
    io.err.write(text(false));
    tellBefore(session, preview);
    const answer = await io.ask(`\nStart it: ${counted(definition.stages.length, 'stage')}? [y/N] `, signal);
    if (signal.aborted || !/^y(es)?$/i.test(answer.trim())) {
      io.err.write(`nothing was started; to start it:  ${session.command('backfill', 'start', ...words, '--yes')}\n`);
      return signal.aborted ? interrupted : heldBack;
    }
  }
  else tellBefore(session, preview);
  const record = await startBackfill(engine, definition, asked, labelOf(engine, asked));
  session.log('info', `backfill ${record.id} has started: ${counted(plans.reduce((sum, plan) => sum + plan.cells.length, 0), 'cell')} as ${filling < 0 ? 'it looks now' : 'far as the calendar is known; it is filled first'}`);
  await session.runtime.ringStages(record.id);
  if (options.detach || kind === 'google') {
    if (options.json) writeJson(io, { id: record.id, state: record.state, plan: digest });
    else io.out.write(`${record.id}\n`);
    session.log('info', kind === 'google' ? `the functions advance it; look on:  ${session.command('backfill', 'watch', record.id)}` : `it is advanced by:  ${session.command('up')}  or:  ${session.command('backfill', 'watch', record.id)}`);
    return done;
  }
  return followBackfill(session, record.id);
}

/** Dates before those asked for that cells read and that are not there: no stage fills them. */
function tellBefore(session: Session, preview: BackfillRecord): void {
  const { engine } = session.runtime;
  const before = lackingBefore(engine.world, preview, engine.strictness);
  const [first] = before;
  if (first === undefined) return;
  const days = before.flatMap(({ days: of }) => of);
  const [from, to] = [days.reduce((a, b) => (a < b ? a : b)), days.reduce((a, b) => (a > b ? a : b))];
  session.log('warn', `note: it also reads what lies before ${formatDay(preview.asked.from)}, and fills none of it; not there, or not good: ${before.map(({ processor, days: of }) => `${processor} ${dayList(of, 3)}`).join('; ')}; what needs that fails; begin with --from ${formatDay(from)}, or first:  ${session.command('recover', '--all', '--from', formatDay(from), '--to', formatDay(to))}`);
}

function askedBy(session: Session, options: StartOptions, definition: BackfillDefinition): Asked {
  const { io, pipeline, runtime: { engine } } = session;
  if (options.season === undefined && options.from === undefined && options.datesFile === undefined) throw new InputError('received no dates; allowed are --season NAME, --from DATE with --to DATE, and --dates-file FILE; give one of them');
  const dates = options.datesFile === undefined ? null : readDatesFile(options.datesFile, session);
  const [first] = dates ?? [];
  const last = dates?.at(-1);
  const scope = dates && first !== undefined && last !== undefined ? { from: first, to: last } : session.scope();
  const exclude = options.exclude === undefined ? [] : daysOf(options.exclude, session);
  const { today } = engine.moment();
  const lastOld = addDays(today, -pipeline.settings.live_days - 1);
  if (scope.from > lastOld) throw new InputError(`received dates from ${formatDay(scope.from)} on, which are live: daily work has the last ${pipeline.settings.live_days} days, and a backfill none of them; allowed are dates up to ${formatDay(lastOld)}; for live ones: smart-backfill recover`);
  if (scope.to > lastOld) session.log('info', `note: it ends with ${formatDay(lastOld)}: later dates are live, and daily work has them`);
  const named = readProcessors(options, pipeline);
  const asked: Asked = {
    from: scope.from, to: scope.to > lastOld ? lastOld : scope.to, processors: named && [...named], dates, exclude, reprocess: options.reprocess, concurrency: options.concurrency ?? null, delaySeconds: options.delay ?? null,
    errorPolicy: options.errorPolicy ?? null, maxFailures: options.maxFailures ?? null, ...(options.ramp ? { ramp: true } : {}), ...(options.join === undefined ? {} : { join: options.join }), by: io.user, reason: readStartReason(options), at: engine.parts.clock.now(),
  };
  if (processorNames(pipeline, { definition, asked }).size === 0) throw new InputError(`received --phase or --processor of which the definition ${definition.name} has none; allowed are processors of ${[...new Set(definition.stages.flatMap((stage) => stage.phases))].join(', ')}; leave it out for all of them`);
  for (let day: number = asked.from; day <= asked.to; day += 1) if (isAskedFor(asked, addDays(asked.from, day - asked.from))) return asked;
  throw new InputError(`received dates of which none is left (${formatDay(asked.from)} to ${formatDay(asked.to)}, without those excluded); give at least one date`);
}

function readDatesFile(file: string, session: Session): Day[] {
  const path = resolve(session.io.cwd, file);
  if (!existsSync(path)) throw new InputError(`received --dates-file ${file}, which is not there; allowed is a file with dates or ranges such as 2023-11-10..2023-11-15, one a line; correct the path`);
  if (statSync(path).isDirectory()) throw new InputError(`received --dates-file ${file}, which is a folder; allowed is a file with dates or ranges, one a line; correct the path`);
  const days = readFileSync(path, 'utf8').split(/\r?\n/).flatMap((line, at): Day[] => {
    const words = line.replace(/#.*$/, '').trim();
    if (words === '') return [];
    try {
      return daysOf(words, session);
    } catch (error) {
      throw error instanceof InputError ? new InputError(`${file}, line ${at + 1}: ${error.message}`) : error;
    }
  });
  if (days.length === 0) throw new InputError(`received --dates-file ${file}, which names no date; write dates or ranges, one a line`);
  return unique(days);
}

function unique(days: readonly Day[]): Day[] {
  return [...new Set(days)].sort((a, b) => a - b);
}

function daysOf(text: string, { pipeline }: Session): Day[] {
  return unique(readDates(text, pipeline).flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => addDays(from, index))));
}

function startWords(options: StartOptions, digest: string): string[] {
  const given: readonly (readonly [string, string | number | undefined])[] = [
    ['definition', options.definition], ['reprocess', options.reprocess === 'none' ? undefined : options.reprocess], ['dates-file', options.datesFile], ['exclude', options.exclude], ['concurrency', options.concurrency],
    ['delay', options.delay], ['error-policy', options.errorPolicy], ['max-failures', options.maxFailures], ['join', options.join], ['reason', options.reason], ['plan', digest],
  ];
  return [...given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)])), ...scopeWords(options), ...(options.ramp ? ['--ramp'] : []), ...(options.detach ? ['--detach'] : [])];
}
