import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { addDays, dayOf, formatDay, parseDay, type Day } from '../shared/calendar/day.ts';
import { InputError } from '../shared/failures/errors.ts';
import { exitCodes } from '../shared/failures/exit-codes.ts';
import { fill } from './local-cloud/fill.ts';
import { startLocalCloud, type LocalCloud } from './local-cloud/local-cloud.ts';
import { renderLogLine } from './local-cloud/log-line.ts';
import { scheduler } from './local-cloud/scheduler.ts';

/** `npm run cloud:local`: the whole Google runtime on this machine, until Ctrl-C. */

const ROOT = resolve(import.meta.dirname, '..');
const TICK_MS = 5 * 60_000;
const STAGES_TICK_MS = 60_000;
/** A new process: what an emulator kept in memory is gone, so what lay in the folder is of no use. */
const FOLDER = join(ROOT, '.smart-backfill', 'cloud');
const date = z.string().refine((text) => parseDay(text) !== undefined, { error: 'write a date as YYYY-MM-DD' });
const optionsSchema = z.object({ from: date, to: date, project: z.string().min(1), 'log-level': z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR']), once: z.boolean() });

const HELP = `npm run cloud:local -- [options]

Starts Google's Pub/Sub and Firestore emulators and a stand-in for BigQuery, creates the topics, push subscriptions and
tables of pipelines/nba, serves every function through functions-framework, and fills a slice of a real season.

  --from DATE        first date of the slice (default 2023-10-24)
  --to DATE          last date of it; the clock shows the day after (default 2023-11-15)
  --project ID       name of the project (default demo-smart-backfill)
  --log-level LEVEL  DEBUG, INFO, WARNING or ERROR (default INFO)
  --once             ends when everything is up and filled
`;

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      from: { type: 'string', default: '2023-10-24' }, to: { type: 'string', default: '2023-11-15' }, project: { type: 'string', default: 'demo-smart-backfill' },
      'log-level': { type: 'string', default: 'INFO' }, once: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return exitCodes.done;
  }
  const parsed = optionsSchema.safeParse(values);
  if (!parsed.success) throw new InputError(`${z.prettifyError(parsed.error)}\n${HELP}`);
  const options = parsed.data;
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const say = (text: string): void => { process.stdout.write(`${text}\n`); };
  const cloud = await startLocalCloud({
    root: ROOT, pipelineDirectory: join(ROOT, 'pipelines', 'nba'), folder: FOLDER, project: options.project, env: process.env,
    now: `${formatDay(addDays(dayOf(options.to), 1))}T16:00:00Z`, detectFrom: options.from, functionEnv: { LOG_LEVEL: options['log-level'] },
    onStep: (text) => say(`· ${text}`), onLine: (from, line) => { const shown = renderLogLine(from, line); if (shown !== null) say(shown); },
  });
  try {
    const started = performance.now();
    say(`· filling ${options.from} to ${options.to} from nothing`);
    const runs = await fill(cloud.runtime, dayOf(options.from), dayOf(options.to), stop.signal, () => undefined);
    say(`· ${runs.length} cells in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    if (stop.signal.aborted) return exitCodes.interrupted;
    say(whatToTry(cloud, options.project, dayOf(options.to)));
    if (options.once) return exitCodes.done;
    await scheduler(cloud.runtime, { detectionMs: TICK_MS, stagesMs: STAGES_TICK_MS }, stop.signal);
    say('\nstopping: emulators and functions end, and what they held with them');
    return exitCodes.done;
  } finally {
    await cloud.stop();
  }
}

function whatToTry({ environment, bigquery, service, pipelineDirectory }: LocalCloud, project: string, last: Day): string {
  const lost = formatDay(addDays(last, -2));
  const { NOW: _now, ...forCli } = environment;
  const exported = Object.entries({ ...forCli, NOW: environment['NOW'] ?? '', CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: `http://${environment['PUBSUB_EMULATOR_HOST'] ?? ''}/`, CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true', CLOUDSDK_CORE_PROJECT: project });
  return `
Ready. In another terminal, first:

${exported.map(([name, value]) => `  export ${name}='${value}'`).join('\n')}

Take a date away, as an accident would:

  curl -s ${bigquery.endpoint}/bigquery/v2/projects/${project}/queries -H 'content-type: application/json' \\
    -d '{"query": "DELETE FROM nba_analytics.player_game_summary WHERE game_date = DATE \\"${lost}\\"", "useLegacySql": false}'

and ask for it with the smallest message:

  gcloud pubsub topics publish nba-backfill-requests \\
    --message='{"processor_name": "PlayerGameSummaryProcessor", "start_date": "${lost}", "end_date": "${lost}"}'

Follow it below: every line of it names the same cause. Look with the command line:

  npx smart-backfill --runtime google --pipeline ${pipelineDirectory} gaps
  npx smart-backfill --runtime google --pipeline ${pipelineDirectory} requests list

The daily run of the team's scrapers, for the next night:  curl -s -X POST '${service?.url ?? ''}/live?date=${formatDay(addDays(last, 1))}'
Ctrl-C ends all of it.
`;
}

main(process.argv.slice(2)).then(
  (code) => { process.exitCode = code; },
  (error: unknown) => {
    const isInput = error instanceof InputError || (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
    process.stderr.write(`error: ${error instanceof Error ? (isInput ? error.message : error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = isInput ? exitCodes.badInput : exitCodes.fault;
  },
);
