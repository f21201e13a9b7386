import { setTimeout as after } from 'node:timers/promises';
import { formatDay } from '../../shared/calendar/day.ts';
import { advanceBackfill } from '../../shared/flows/staged/advance.ts';
import { unknownBackfill } from '../../shared/flows/staged/orders.ts';
import type { ExitCode } from '../../shared/failures/exit-codes.ts';
import type { World } from '../../shared/gaps/world.ts';
import { goesOnByItself, hasEnded, type BackfillRecord } from '../../shared/staged/record.ts';
import { backfillJson } from '../output/backfill-json.ts';
import { BackfillLive } from '../output/backfill-live.ts';
import { renderStatus, unresolved } from '../output/backfill-view.ts';
import { writeJson } from '../output/json.ts';
import { outStyle } from '../output/style.ts';
import { counted } from '../output/words.ts';
import type { Session } from '../session.ts';
import { openDefinitions } from './backfill-definition.ts';
import { done, heldBack, incomplete, interrupted, workFailed } from './command.ts';

/** Between two looks at a backfill that somebody else advances. */
const LOOK_EVERY_MS = 200;
/** Where functions advance it, each look is a read of their state. */
const LOOK_ON_GOOGLE_MS = 1000;

/** Advances a backfill here, or, where another process or the functions do, looks on; until it has ended or waits for a person. */
export async function followBackfill(session: Session, id: string): Promise<ExitCode> {
  const { io, signal, options, runtime: { kind, engine, store } } = session;
  const begun = await existing(session, id);
  session.followed.add(id);
  await tellJoined(session, begun);
  // What is shown while it runs is read from the world.
  await engine.refresh(begun.asked.from, begun.asked.to);
  let isLookedOn = kind === 'google';
  const live = new BackfillLive(io, begun, { read: () => store.backfill(id), world: () => engine.world, now: () => engine.parts.clock.now() }, options.quiet);
  try {
    for (;;) {
      const record = await existing(session, id);
      live.see(record);
      if (!goesOnByItself(record) || signal.aborted) break;
      const advanced = kind === 'google' ? null : await advanceBackfill(engine, id, { signal, on: (event) => { if (event.kind === 'state') live.see(event.record); } });
      isLookedOn = advanced === null;
      if (isLookedOn) {
        await after(kind === 'google' ? LOOK_ON_GOOGLE_MS : LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
        await engine.hearOthers();
      }
    }
  } finally {
    live.stop();
  }
  const record = await existing(session, id);
  const world = await engine.refresh(record.asked.from, record.asked.to);
  if (options.json) writeJson(io, backfillJson(record, world));
  else io.out.write(renderStatus(record, world, outStyle(io), engine.parts.clock.now()));
  if (signal.aborted && goesOnByItself(record)) {
    const open = (await store.openCells()).filter((cell) => cell.request?.backfillId === id).length;
    const watch = session.command('backfill', 'watch', id);
    io.err.write(isLookedOn ? `looking on has ended; ${kind === 'google' ? 'the functions go' : 'another process goes'} on with it; look on again:  ${watch}\n`
      : `interrupted: nobody advances it now${open === 0 ? '' : `; ${counted(open, 'open request')} of it ${open === 1 ? 'is' : 'are'} kept`}; it goes on with:  ${watch}\n`);
    return interrupted;
  }
  tellNext(session, record, world);
  return exitOf(record);
}

/** Whoever has the folder advances only what was asked of it, unless it is `up`. */
async function tellJoined(session: Session, { asked: { join } }: BackfillRecord): Promise<void> {
  const { kind, store } = session.runtime;
  if (join === undefined || kind === 'google' || session.served) return;
  const other = await store.backfill(join);
  if (other && !hasEnded(other)) session.log('info', `it waits for ${join}, which nothing here advances; in another terminal:  ${session.command('backfill', 'watch', join)}`);
}

export async function existing(session: Session, id: string): Promise<BackfillRecord> {
  const { store } = session.runtime;
  const record = await store.backfill(id);
  if (record) return record;
  throw unknownBackfill(id, await store.backfills());
}

/** What a person does next; with a world also how to find out why, where something has failed. */
export function tellNext(session: Session, record: BackfillRecord, world: World | null = null): void {
  // Who has the state folder is the only process that works on it.
  const advance = session.runtime.kind === 'google' ? 'look on' : session.served ? 'advance it, or look on' : 'nobody advances it now; it goes on with';
  const next: Readonly<Record<BackfillRecord['state'], readonly [string, string]>> = {
    stopped: ['when that is mended', 'resume'], gate_held: ['when that is mended', 'resume'], paused: goesOnByItself(record) ? [advance, 'watch'] : ['go on', 'resume'], waits_for_approval: ['let it start', 'approve'],
    running: [advance, 'watch'], finished: ['its report', 'report'], cancelled: ['its report', 'report'],
  };
  const [words, command] = next[record.state];
  // What failed says more than what was skipped because of it.
  const [failure] = world === null || (record.state !== 'stopped' && record.state !== 'gate_held') ? [] : unresolved(record, world).toSorted((a, b) => Number(a.became === 'skipped') - Number(b.became === 'skipped'));
  if (failure) session.log('info', `${failure.became === 'skipped' ? 'why it was skipped' : 'why it failed'}:  ${session.command('why', failure.processor, formatDay(failure.day))}`);
  session.log('info', `${words}:  ${session.command('backfill', command, record.id)}`);
  const definition = openDefinitions(session).get(record.definition.name);
  if (!hasEnded(record) && definition?.hash !== record.definition.hash) session.log('warn', `note: the definition ${record.definition.name} is ${definition ? 'another' : 'not there any more'} since this backfill was started: it goes on with the one that it was started with`);
}

function exitOf(record: BackfillRecord): ExitCode {
  switch (record.state) {
    case 'stopped': return workFailed;
    case 'gate_held': return incomplete;
    case 'paused': case 'waits_for_approval': case 'cancelled': return heldBack;
    default: return done;
  }
}
