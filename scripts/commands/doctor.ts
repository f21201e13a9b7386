import { statfsSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { STATE_VERSION } from '../../shared/embedded/state-folder.ts';
import { StateFolderError } from '../../shared/embedded/state-folder-error.ts';
import { InputError } from '../../shared/failures/errors.ts';
import type { ExitCode } from '../../shared/failures/exit-codes.ts';
import { writeJson } from '../output/json.ts';
import { outStyle, paragraph } from '../output/style.ts';
import { count, counted } from '../output/words.ts';
import type { DeadLetters } from '../runtime/runtime.ts';
import { InvalidPipelineError, withState, type Session } from '../session.ts';
import { done, incomplete, newCommand, onRun, type CliContext } from './command.ts';
import type { Check } from './doctor-check.ts';
import { listenerChecks } from './doctor-listeners.ts';
import { commonChecks, modeChecks } from './doctor-state.ts';
import { checkPlaces, checkRuntime, commonOptions } from './options.ts';

const doctorOptions = commonOptions.extend({ dropDeadLetters: z.boolean().default(false) });
type DoctorOptions = z.infer<typeof doctorOptions>;
const MEGABYTE = 1024 * 1024;
const LEAST_FREE = 200 * MEGABYTE;
const LITTLE_FREE = 2048 * MEGABYTE;
const LEAST_NODE = 24;

export function doctorCommand(context: CliContext): Command {
  const command = newCommand('doctor', 'Checks definition, runtime and state, each with its mend. Exit code 3 if anything is wrong.', ['state', 'json', 'now'])
    .option('--drop-dead-letters', 'drop the dead letters, now that somebody has looked at them');
  return onRun(context, command, async (given) => {
    const options = doctorOptions.parse(given);
    checkPlaces(options);
    checkRuntime(options);
    const checks: Check[] = [nodeCheck()];
    if (options.runtime === 'google') {
      if (options.dropDeadLetters) throw new InputError('received --drop-dead-letters with --runtime google; allowed is --runtime embedded; on Google pull them with gcloud pubsub subscriptions pull --auto-ack, once somebody has looked at them');
      checks.push(...(await import('./doctor-environment.ts')).environmentChecks(context.io.environment));
      if (checks.some(({ result }) => result === 'wrong')) return report(context, checks, options.json);
    }
    let served = false;
    try {
      const code = await withState(context, options, async (session) => {
        served = true;
        checks.push({ name: 'definition', result: 'ok', found: `${session.pipeline.name}: ${counted(session.pipeline.phases.length, 'phase')}, ${counted(session.pipeline.processors.length, 'processor')}`, mend: null });
        checks.push(...await stateChecks(session, options));
        return report(context, checks, options.json);
      }, { looks: true, tellsUnreachable: true });
      // Without `served` the owner of the folder has checked and shown all of it.
      return code;
    } catch (error) {
      if (served) throw error;
      if (error instanceof InvalidPipelineError) checks.push({ name: 'definition', result: 'wrong', found: error.message, mend: 'correct pipeline.yaml (docs/pipeline-yaml.md)' });
      else if (error instanceof StateFolderError) checks.push({ name: 'state folder', result: 'wrong', found: `${error.received}; ${error.allowed}`, mend: error.mend });
      // Variables that are right each by itself, and not for this definition.
      else if (options.runtime === 'google' && error instanceof InputError) checks.push({ name: 'runtime', result: 'wrong', found: error.message, mend: 'docs/deploy.md says what each variable is for' });
      else throw error;
      return report(context, checks, options.json);
    }
  });
}

function report({ io }: CliContext, checks: readonly Check[], json: boolean): ExitCode {
  if (json) writeJson(io, { healthy: checks.every((check) => check.result !== 'wrong'), checks });
  else {
    const style = outStyle(io);
    const marks = { ok: style.green('ok   '), note: style.yellow('note '), wrong: style.red('wrong') };
    for (const check of checks) {
      const [first = '', ...rest] = paragraph(`${check.name}: ${check.found}`, style, 7).trimStart().split('\n');
      io.out.write([`${marks[check.result]}  ${first}`, ...rest, ...(check.mend === null ? [] : [style.cyan(paragraph(`→ ${check.mend}`, style, 7))]), ''].join('\n'));
    }
  }
  return checks.some((check) => check.result === 'wrong') ? incomplete : done;
}

function nodeCheck(): Check {
  const right = Number(process.versions.node.split('.')[0]) >= LEAST_NODE;
  return { name: 'node', result: right ? 'ok' : 'wrong', found: process.versions.node, mend: right ? null : `run it through scripts/smart-backfill.js, which brings Node ${LEAST_NODE} along (npm ci)` };
}

async function stateChecks(session: Session, options: DoctorOptions): Promise<readonly Check[]> {
  const { runtime } = session;
  if (runtime.kind === 'google') {
    const { googleChecks, googleDeadLetters } = await import('./doctor-google.ts');
    const { checks, hasFirestore, hasPubSub } = await googleChecks(session, runtime);
    return [
      ...checks, ...(hasFirestore ? await commonChecks(session) : []), ...modeChecks(session), googleDeadLetters(runtime),
      ...(hasPubSub ? await listenerChecks(runtime.pipeline, runtime.listeners) : []),
    ];
  }
  // A write that changes nothing: fails where the disk is full or the file can't be written.
  await runtime.store.transact({ controls: true }, (snapshot) => ({ writes: { controls: snapshot.controls() }, result: null }));
  return [
    { name: 'state folder', result: 'ok', found: `${runtime.stateDirectory}, writable, version ${STATE_VERSION}${session.served ? `, served by process ${process.pid}` : ''}`, mend: null },
    { name: 'warehouse', result: 'ok', found: `opens; SQLite ${process.versions['sqlite'] ?? ''}`.trim(), mend: null },
    diskCheck(runtime.stateDirectory),
    ...deadLetterChecks(session, runtime.deadLetters, options.dropDeadLetters),
    ...await commonChecks(session),
    ...modeChecks(session),
    ...await listenerChecks(runtime.pipeline, runtime.listeners),
  ];
}

function deadLetterChecks(session: Session, letters: DeadLetters, drop: boolean): readonly Check[] {
  const dead = letters.list(1000);
  if (drop && dead.length > 0) {
    letters.drop(dead.map(({ messageId }) => messageId));
    return [{ name: 'dead letters', result: 'note', found: `dropped ${dead.length}`, mend: null }, { name: 'dead letters', result: 'ok', found: 'none', mend: null }];
  }
  const [newest] = dead.slice(-1);
  return [newest
    ? { name: 'dead letters', result: 'wrong', found: `${dead.length}; the newest: ${atMost(session.text(newest.reason), 400)} (${atMost(newest.body, 120)})`, mend: `publish what was meant, then: ${session.command('doctor', '--drop-dead-letters')}` }
    : { name: 'dead letters', result: 'ok', found: 'none', mend: null }];
}

function atMost(text: string, characters: number): string {
  return text.length > characters ? `${text.slice(0, characters)}… (${count(text.length)} characters)` : text;
}

function diskCheck(directory: string): Check {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  return {
    name: 'disk', result: free < LEAST_FREE ? 'wrong' : free < LITTLE_FREE ? 'note' : 'ok', found: `${count(Math.floor(free / MEGABYTE))} MB free`,
    mend: free < LITTLE_FREE ? 'make room, or move the state folder and give it with --state' : null,
  };
}
