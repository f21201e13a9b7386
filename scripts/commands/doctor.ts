import { statfsSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { STATE_VERSION } from '../../shared/embedded/state-folder.ts';
import { StateFolderError } from '../../shared/embedded/state-folder-error.ts';
import type { ExitCode } from '../../shared/failures/exit-codes.ts';
import { writeJson } from '../output/json.ts';
import { outStyle, paragraph } from '../output/style.ts';
import { count, counted, instant } from '../output/words.ts';
import { InvalidPipelineError, withState, type Session } from '../session.ts';
import { done, incomplete, newCommand, onRun, type CliContext } from './command.ts';
import type { Check } from './doctor-check.ts';
import { listenerChecks } from './doctor-listeners.ts';
import { commonOptions } from './options.ts';

const doctorOptions = commonOptions.extend({ dropDeadLetters: z.boolean().default(false) });
const MEGABYTE = 1024 * 1024;
const LEAST_FREE = 200 * MEGABYTE;
const LITTLE_FREE = 2048 * MEGABYTE;
const LEAST_NODE = 24;
const LONG_WAIT_MS = 24 * 3_600_000;

export function doctorCommand(context: CliContext): Command {
  const command = newCommand('doctor', 'Checks definition, runtime and state, each with its mend. Exit code 3 if anything is wrong.', ['state', 'json', 'now'])
    .option('--drop-dead-letters', 'drop the dead letters, now that somebody has looked at them');
  return onRun(context, command, async (given) => {
    const options = doctorOptions.parse(given);
    const checks: Check[] = [nodeCheck()];
    let served = false;
    try {
      const code = await withState(context, options, async (session) => {
        served = true;
        checks.push({ name: 'definition', result: 'ok', found: `${session.pipeline.name}: ${counted(session.pipeline.phases.length, 'phase')}, ${counted(session.pipeline.processors.length, 'processor')}`, mend: null });
        checks.push(...await stateChecks(session, options.dropDeadLetters));
        return report(context, checks, options.json);
      });
      // Without `served` the owner of the folder has checked and shown all of it.
      return code;
    } catch (error) {
      if (served) throw error;
      if (error instanceof InvalidPipelineError) checks.push({ name: 'definition', result: 'wrong', found: error.message, mend: 'correct pipeline.yaml (docs/pipeline-yaml.md)' });
      else if (error instanceof StateFolderError) checks.push({ name: 'state folder', result: 'wrong', found: `${error.received}; ${error.allowed}`, mend: error.mend });
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

async function stateChecks(session: Session, drop: boolean): Promise<Check[]> {
  const { runtime, stateDirectory, pipeline } = session;
  const { store, bus, engine, topics } = runtime;
  const now = engine.parts.clock.now();
  // A write that changes nothing: fails where the disk is full or the file can't be written.
  await store.transact({ controls: true }, (snapshot) => ({ writes: { controls: snapshot.controls() }, result: null }));
  const checks: Check[] = [
    { name: 'state folder', result: 'ok', found: `${stateDirectory}, writable, version ${STATE_VERSION}${session.served ? `, served by process ${process.pid}` : ''}`, mend: null },
    { name: 'warehouse', result: 'ok', found: `opens; SQLite ${process.versions['sqlite'] ?? ''}`.trim(), mend: null },
    diskCheck(stateDirectory),
  ];
  let dead = bus.list(topics.deadLetterSubscription, 1000);
  if (drop && dead.length > 0) {
    bus.acknowledge(topics.deadLetterSubscription, dead.map(({ message }) => message.messageId));
    checks.push({ name: 'dead letters', result: 'note', found: `dropped ${dead.length}`, mend: null });
    dead = [];
  }
  const [newest] = dead.slice(-1);
  checks.push(dead.length === 0
    ? { name: 'dead letters', result: 'ok', found: 'none', mend: null }
    : { name: 'dead letters', result: 'wrong', found: `${dead.length}; the newest: ${atMost(session.text(newest?.message.attributes['dead_letter_reason'] ?? ''), 400)} (${atMost(newest?.message.body ?? '', 120)})`, mend: `publish what was meant, then: ${session.command('doctor', '--drop-dead-letters')}` });
  const { paused, adoptedOn } = await store.controls();
  checks.push(paused
    ? { name: 'paused', result: 'wrong', found: `by ${paused.by} since ${instant(paused.at)} UTC: ${paused.reason}`, mend: session.command('resume') }
    : { name: 'paused', result: 'ok', found: 'no', mend: null });
  const open = await store.openCells();
  const waiting = open.filter(({ request }) => request?.waitingSince && now - request.waitingSince > LONG_WAIT_MS);
  checks.push({
    name: 'requests', result: waiting.length > 0 ? 'wrong' : 'ok', found: `${count(open.length)} open${waiting.length > 0 ? `, ${count(waiting.length)} of them waiting for more than a day` : ''}`,
    mend: waiting.length > 0 ? session.command('requests', 'list') : null,
  });
  const unsent = (await store.unsent(1000)).length;
  if (unsent > 0) checks.push({ name: 'outbox', result: 'note', found: `${counted(unsent, 'message')} committed and not yet published`, mend: session.command('up') });
  checks.push({ name: 'adopted on', result: 'ok', found: adoptedOn === null ? 'not yet: the first detection is the day of adoption' : new Date(adoptedOn * 86_400_000).toISOString().slice(0, 10), mend: null });
  for (const phase of pipeline.phases) {
    const meaning = { observe: 'decides and logs what it would have held, holds and queues nothing', assist: 'fills gaps, holds nothing', enforce: 'fills gaps and holds cascades' };
    checks.push({ name: `mode of ${phase.name}`, result: 'ok', found: `${phase.mode}: ${meaning[phase.mode]}`, mend: null });
  }
  checks.push(...await listenerChecks(pipeline, async (topic) => bus.subscriptionsOn(topic)?.map((subscription) => ({ subscription, deliversTo: 'this program' })) ?? null));
  return checks;
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
