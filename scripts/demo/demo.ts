import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { formatDay } from '../../shared/calendar/day.ts';
import { exitCodes, type ExitCode } from '../../shared/failures/exit-codes.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { findDamage, liveNight, morning, night, recoverByItself } from './chapters.ts';
import { setOutages } from './damage.ts';
import { Narrator, type Stage } from './narrator.ts';
import { compareWarehouses } from './proof.ts';
import { DEMO, theMorningAfter } from './season.ts';
import { buildClean, copyClean, demoFolders, openDemo } from './story.ts';

export interface DemoOptions {
  readonly pipeline: Pipeline;
  /** The folder for the demo's two states. */
  readonly root: string;
  readonly seed: number;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly stage: Stage;
  /** The command line program, to run the very commands that the demo prints. */
  readonly program: string;
}

/** The whole story on real data: what was damaged, what was found, what repaired itself, what a person did, and the proof. */
export async function runDemo(options: DemoOptions): Promise<ExitCode> {
  const { pipeline, signal, version } = options;
  const narrator = new Narrator(options.stage);
  const folders = demoFolders(options.root);

  narrator.chapter(`A real season: ${DEMO.season}, ${formatDay(DEMO.from)} to ${formatDay(DEMO.lastNight)}`);
  narrator.say('Real box scores go through four phases and sixteen processors, from the pages of the league to the features of a model. Built once; later runs copy it.');
  const built = await buildClean(pipeline, folders, version, signal, narrator.progressOf('building'));
  narrator.endProgress();
  if (signal.aborted) return interrupted(narrator);
  narrator.say(built ? `${built.runs.length} cells were run from nothing: scraped, loaded, computed by SQL, checked, and put in place date by date.` : 'It is there already, from an earlier run.');

  copyClean(folders);
  narrator.chapter('A night in production: a cascade is held, and releases itself');
  const nightly = await openDemo(pipeline, folders.damaged, night(pipeline.timeZone), version);
  try {
    await liveNight(nightly, folders.damaged, narrator);
  } finally {
    await nightly.close();
  }
  if (signal.aborted) return interrupted(narrator);

  narrator.chapter(`Then the damage (seed ${options.seed})`);
  const demo = await openDemo(pipeline, folders.damaged, morning(pipeline.timeZone), version);
  let command: string | null;
  try {
    const found = await findDamage(demo, folders.damaged, options.seed, narrator);
    narrator.chapter('The plan');
    command = await recoverByItself(demo, found.plan, narrator, signal);
  } finally {
    await demo.close();
  }
  if (signal.aborted) return interrupted(narrator);

  narrator.chapter('The source comes back, and a person runs that command');
  setOutages(folders.damaged, {});
  const code = command ? await runPrinted(options, command, folders.damaged) : 0;
  narrator.say(`It ended with exit code ${code}. The altered rows are put right by asking for it:`);
  const rest = `smart-backfill recover --all --altered reprocess --from ${formatDay(DEMO.from)} --to ${formatDay(theMorningAfter())}`;
  narrator.command(rest);
  await runPrinted(options, rest, folders.damaged);
  if (signal.aborted) return interrupted(narrator);

  narrator.chapter('The proof');
  const proofs = await compareWarehouses(pipeline, folders.clean, folders.damaged, DEMO.from, theMorningAfter());
  const rows = proofs.reduce((sum, proof) => sum + proof.rows, 0);
  const differing = proofs.filter((proof) => proof.differing > 0);
  if (differing.length === 0) {
    narrator.good(`${proofs.length} tables and landings, ${rows} rows: the recovered warehouse equals, row for row, the one that never lost anything.`);
    narrator.say('Look around in it:');
    narrator.command(`smart-backfill --state ${join(relative('', options.root), 'damaged')} --now ${formatDay(theMorningAfter())} gaps`);
    return exitCodes.done;
  }
  for (const proof of differing) narrator.bad(`${proof.table}: ${proof.differing} of ${proof.rows} rows differ`);
  return exitCodes.fault;
}

/** Runs a command as it was printed, with the demo's folder and its time, as a process of its own. */
function runPrinted(options: DemoOptions, command: string, state: string): Promise<number> {
  const words = command.split(' ').slice(1);
  const now = new Date(morning(options.pipeline.timeZone)).toISOString();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [options.program, ...words, '--yes', '--state', state, '--now', now, '--pipeline', options.pipeline.directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => options.stage.write(text.replaceAll(/^(?=.)/gm, '   ')));
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? exitCodes.fault));
  });
}

function interrupted(narrator: Narrator): ExitCode {
  narrator.endProgress();
  narrator.say('Interrupted. What was committed stays; run it again to go on:');
  narrator.command('npm start');
  return exitCodes.interrupted;
}

