import type { Command } from 'commander';
import { z } from 'zod';
import { pause, resume, stopNow } from '../../shared/flows/operate.ts';
import { writeJson } from '../output/json.ts';
import { renderStopped, stoppedJson } from '../output/stopped-view.ts';
import { counted, instant } from '../output/words.ts';
import { withState } from '../session.ts';
import { done, newCommand, onRun, type CliContext } from './command.ts';
import { commonOptions, readReason } from './options.ts';

const pauseOptions = commonOptions.omit({ now: true }).extend({ reason: z.string().optional(), now: z.boolean().default(false) });

const resumeOptions = commonOptions.extend({ reason: z.string().optional() });

export function pauseCommand(context: CliContext): Command {
  const command = newCommand('pause', 'Stops all new work of the pipeline at once; what runs is finished, unless --now is given.', ['state', 'json'])
    .option('--reason <text>', 'why: needed, and kept').option('--now', 'also stop what runs: it goes back into the queue');
  return onRun(context, command, (given) => {
    // Here --now says when to stop, not what time it is.
    const { now: atOnce, ...options } = pauseOptions.parse(given);
    const reason = readReason(options.reason, 'pausing');
    return withState(context, options, async (session) => {
      const { io, runtime: { engine, store } } = session;
      const person = { by: io.user, reason };
      const { paused } = await pause(engine, person);
      const underWay = (await store.openCells()).filter((record) => record.request?.state === 'processing');
      const stopped = atOnce && underWay.length > 0 ? await stopNow(engine, underWay, 'pause', person) : null;
      const running = stopped ? stopped.stopping.length : underWay.length;
      if (options.json) writeJson(io, { paused, running, ...(stopped ? stoppedJson(stopped) : {}) });
      else if (stopped) renderStopped(io, stopped);
      if (!options.json) io.out.write(`paused by ${paused?.by ?? ''} at ${instant(paused?.at ?? 0)} UTC: ${paused?.reason ?? ''}; ${counted(running, 'cell')} still running; go on with:  ${session.command('resume')}\n`);
      return done;
    });
  });
}

export function resumeCommand(context: CliContext): Command {
  const command = newCommand('resume', 'Goes on, and decides parked cascades again.', ['state', 'json', 'now']).option('--reason <text>', 'why, for the record');
  return onRun(context, command, (given) => {
    const options = resumeOptions.parse(given);
    return withState(context, options, async (session) => {
      const { io, signal, runtime: { kind, engine, store, workOff } } = session;
      const before = (await store.controls()).paused;
      const season = session.scope();
      await engine.refresh(season.from, season.to);
      await resume(engine);
      const open = (await store.openCells()).length;
      if (kind === 'google') await workOff(signal);
      const by = kind === 'google' ? ', worked off by the functions' : session.served ? '' : `, worked off by:  ${session.command('recover', '--yes')}  or:  ${session.command('up')}`;
      if (options.json) writeJson(io, { was_paused: before, open_requests: open });
      else io.out.write(`${before ? `resumed: it was paused by ${before.by} since ${instant(before.at)} UTC (${before.reason})` : 'it was not paused'}; ${counted(open, 'request')} open${open > 0 ? by : ''}\n`);
      return done;
    });
  });
}
