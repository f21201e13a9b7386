import { formatDay } from '../../shared/calendar/day.ts';
import { labelOf, refusedFor, startBackfill } from '../../shared/flows/staged/orders.ts';
import { lackingBefore } from '../../shared/staged/before.ts';
import { unscheduledIn } from '../../shared/staged/gate-figures.ts';
import { planAll, planDigest, processorsOf } from '../../shared/staged/plan.ts';
import { isAskedFor, type BackfillRecord } from '../../shared/staged/record.ts';
import { begun } from '../../shared/staged/transitions.ts';
import { plansJson, renderPlans } from '../output/backfill-plan-view.ts';
import { writeJson } from '../output/json.ts';
import { outStyle, paragraph } from '../output/style.ts';
import { counted, dayList } from '../output/words.ts';
import type { Session } from '../session.ts';
import { askedBy, refuseEmpty, type StartAsk, type StartOptions } from './backfill-asked.ts';
import { followBackfill } from './backfill-follow.ts';
import { fillScheduleCommand } from './fill-schedule.ts';
import { done, heldBack, interrupted } from './command.ts';
import { scopeWords } from './options.ts';

/** Shows the plan, asks, starts, and runs it here unless it is detached. */
export async function startNow(session: Session, options: StartOptions, ask: StartAsk) {
  const { io, runtime: { engine, kind }, signal } = session;
  const { definition } = ask;
  const asked = askedBy(options, ask, { pipeline: session.pipeline, today: engine.moment().today, now: engine.parts.clock.now(), by: io.user, tell: (text) => session.log('warn', text) });
  const world = await engine.refresh(asked.from, asked.to);
  // Under a name that no other has: what an earlier one of the same dates asked for is not its own.
  const preview = begun('not started', definition, asked);
  const plans = planAll(world, preview);
  refuseEmpty(plans, definition, asked);
  const digest = planDigest(plans);
  const style = outStyle(io);
  // What the calendar is going to expect is known when this stage has filled it.
  const filling = definition.stages.findIndex((stage, index) => stage.calendar_first && (plans[index]?.cells.some((cell) => cell.action !== 'check' && world.processor(cell.processor).fillsCalendar) ?? false));
  const text = (all: boolean): string => renderPlans(plans, style, all, filling);
  const words = startWords(options, digest);
  const other = refusedFor(engine, preview, await engine.parts.store.backfills());
  if (options.dryRun) {
    tellLacking(session, preview);
    if (options.json) writeJson(io, { definition: definition.name, plan: digest, overlaps: other?.id ?? null, stages: plansJson(plans) });
    else {
      io.out.write(`${text(true)}\n${paragraph('nothing was started; later stages are planned again when they begin, since earlier ones change what they see', style)}\n`);
      if (other) io.out.write(`${paragraph(`it would be refused: ${other.id} has cells in common with it`, style)}\n`);
      session.log('info', `start it:  ${session.command('backfill', 'start', ...words)}`);
    }
    return done;
  }
  if (options.plan !== undefined && options.plan !== digest) session.log('warn', `note: state has changed since the dry run: the plan was ${options.plan}, and is ${digest} now; what is there now counts`);
  if (!options.yes) {
    if (io.ask === null) {
      if (options.json) writeJson(io, { definition: definition.name, plan: digest, overlaps: other?.id ?? null, stages: plansJson(plans) });
      else io.out.write(`${text(false)}\n`);
      tellLacking(session, preview);
      io.err.write(`nothing was started: nobody can be asked here; to start it:  ${session.command('backfill', 'start', ...words, '--yes')}\n`);
      return heldBack;
    }
    io.err.write(text(false));
    tellLacking(session, preview);
    const answer = await io.ask(`\nStart it: ${counted(definition.stages.length, 'stage')}? [y/N] `, signal);
    if (signal.aborted || !/^y(es)?$/i.test(answer.trim())) {
      io.err.write(`nothing was started; to start it:  ${session.command('backfill', 'start', ...words, '--yes')}\n`);
      return signal.aborted ? interrupted : heldBack;
    }
  }
  else tellLacking(session, preview);
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

/** What it needs and none of its stages fills. */
function tellLacking(session: Session, preview: BackfillRecord): void {
  tellBefore(session, preview);
  const { engine: { world } } = session.runtime;
  const run = [...new Set(preview.definition.stages.flatMap((_, stage) => processorsOf(world, preview, stage)))];
  const days = unscheduledIn(world, preview.asked, run, (day) => (isAskedFor(preview.asked, day) ? 'judged' : 'outside'));
  if (days.length > 0) session.log('warn', `note: no schedule is there of ${counted(days.length, 'date')} (${dayList(days, 3)}), and it fills none: what is expected then is not known, is not run, and gates hold; first:  ${fillScheduleCommand(session, days)}`);
}

/** Dates that cells read, and that are neither there nor asked for: no stage fills them. */
function tellBefore(session: Session, preview: BackfillRecord): void {
  const { engine } = session.runtime;
  const before = lackingBefore(engine.world, preview, engine.strictness);
  const [first] = before;
  if (first === undefined) return;
  const days = before.flatMap(({ days: of }) => of);
  const [from, to] = [days.reduce((a, b) => (a < b ? a : b)), days.reduce((a, b) => (a > b ? a : b))];
  const { asked } = preview;
  const what = to < asked.from ? `what lies before ${formatDay(asked.from)}` : 'dates that are not asked for';
  const mend = to < asked.from && asked.dates === null ? `begin with --from ${formatDay(from)}` : 'ask for these too';
  session.log('warn', `note: it also reads ${what}, and fills none of it; not there, or not good: ${before.map(({ processor, days: of }) => `${processor} ${dayList(of, 3)}`).join('; ')}; what needs that fails; ${mend}, or first:  ${session.command('recover', '--all', '--from', formatDay(from), '--to', formatDay(to))}`);
}

function startWords(options: StartOptions, digest: string): string[] {
  const given: readonly (readonly [string, string | number | undefined])[] = [
    ['definition', options.definition], ['reprocess', options.reprocess === 'none' ? undefined : options.reprocess], ['dates-file', options.datesFile], ['exclude', options.exclude], ['concurrency', options.concurrency],
    ['delay', options.delay], ['error-policy', options.errorPolicy], ['max-failures', options.maxFailures], ['join', options.join], ['reason', options.reason], ['plan', digest],
  ];
  return [...given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)])), ...scopeWords(options), ...(options.ramp ? ['--ramp'] : []), ...(options.detach ? ['--detach'] : [])];
}
