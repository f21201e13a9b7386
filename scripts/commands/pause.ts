import type { Command } from 'commander';
import { z } from 'zod';
import { pause, resume } from '../../shared/flows/operate.ts';
import { writeJson } from '../output/json.ts';
import { counted, instant } from '../output/words.ts';
import { withState } from '../session.ts';
import { done, newCommand, onRun, type CliContext } from './command.ts';
import { commonOptions, readReason } from './options.ts';

const pauseOptions = commonOptions.extend({ reason: z.string().optional() });

export function pauseCommand(context: CliContext): Command {
  const command = newCommand('pause', 'Stops all new work of the pipeline at once; what runs is finished.', ['state', 'json']).option('--reason <text>', 'why: needed, and kept');
  return onRun(context, command, (given) => {
    const options = pauseOptions.parse(given);
    const reason = readReason(options.reason, 'pausing');
    return withState(context, options, async (session) => {
      const { io, runtime: { engine, store } } = session;
      const { paused } = await pause(engine, { by: io.user, reason });
      const running = (await store.openCells()).filter((record) => record.request?.state === 'processing').length;
      if (options.json) writeJson(io, { paused, running });
      else io.out.write(`paused by ${paused?.by ?? ''} at ${instant(paused?.at ?? 0)} UTC: ${paused?.reason ?? ''}; ${counted(running, 'cell')} still running; go on with:  ${session.command('resume')}\n`);
      return done;
    });
  });
}

export function resumeCommand(context: CliContext): Command {
  const command = newCommand('resume', 'Goes on, and decides parked cascades again.', ['state', 'json', 'now']).option('--reason <text>', 'why, for the record');
  return onRun(context, command, (given) => {
    const options = pauseOptions.parse(given);
    return withState(context, options, async (session) => {
      const { io, runtime: { engine, store } } = session;
      const before = (await store.controls()).paused;
      const season = session.scope();
      await engine.refresh(season.from, season.to);
      await resume(engine);
      const open = (await store.openCells()).length;
      if (options.json) writeJson(io, { was_paused: before, open_requests: open });
      else io.out.write(`${before ? `resumed: it was paused by ${before.by} since ${instant(before.at)} UTC (${before.reason})` : 'it was not paused'}; ${counted(open, 'request')} open${open > 0 && !session.served ? `, worked off by:  ${session.command('recover', '--yes')}  or:  ${session.command('up')}` : ''}\n`);
      return done;
    });
  });
}
