import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BigQuery } from '@google-cloud/bigquery';
import { Firestore } from '@google-cloud/firestore';
import { PubSub } from '@google-cloud/pubsub';
import { FailureError, InputError } from '../shared/failures/errors.ts';
import { exitCodeOfError, exitCodes } from '../shared/failures/exit-codes.ts';
import { bigQueryClient } from './local-cloud/bigquery/client.ts';
import { startBigQuery } from './local-cloud/bigquery/server.ts';
import { startEmulators } from './local-cloud/emulators.ts';

/**
 * `npm run test:real-project [-- --local] [warehouse] [store] [bus]`: the contract suites against a real project
 * (docs/deploy.md), or with `--local` against the emulators and the stand-in, to try the command itself. Whatever it makes
 * has the run's prefix, and is removed at the end, however that comes.
 */
const SUITES = ['warehouse', 'store', 'bus'] as const;
/** A contract case on the services themselves is some hundred jobs. */
const MOCHA_TIMEOUT_MS = 30 * 60_000;
const ROOT = 'smart-backfill-tests';
const ERRORS = join(import.meta.dirname, '..', '.smart-backfill', 'real-project-errors.json');

interface Place {
  readonly project: string;
  readonly location: string;
  readonly database: string;
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** The real project, which has to be named twice: nothing is taken from gcloud's configuration. */
function realPlace({ GOOGLE_TEST_PROJECT: project = '', GOOGLE_TEST_CONFIRM: confirmed = '', BIGQUERY_LOCATION, FIRESTORE_DATABASE, ...others }: NodeJS.ProcessEnv): Place {
  const emulated = ['PUBSUB_EMULATOR_HOST', 'FIRESTORE_EMULATOR_HOST', 'BIGQUERY_API_ENDPOINT'].filter((name) => others[name]);
  if (emulated.length > 0) throw new InputError(`received ${emulated.join(', ')}, which would send a part of it to an emulator; unset them, or add --local for emulators of its own`);
  if (project === '' || confirmed !== project) {
    throw new InputError(`received GOOGLE_TEST_PROJECT='${project}' and GOOGLE_TEST_CONFIRM='${confirmed}'; this makes and deletes datasets, topics and documents in a real project, so both have to name the same one, which should hold nothing else; set both, or add --local (docs/deploy.md)`);
  }
  return { project, location: BIGQUERY_LOCATION || 'US', database: FIRESTORE_DATABASE || '(default)', env: {}, stop: async () => undefined };
}

async function localPlace(): Promise<Place> {
  const project = 'demo-real-project';
  const emulators = await startEmulators(['pubsub', 'firestore'], { env: process.env });
  const bigquery = await startBigQuery({ projectId: project });
  const env = Object.assign({ BIGQUERY_API_ENDPOINT: bigquery.endpoint, METADATA_SERVER_DETECTION: 'none' }, ...emulators.map((emulator) => emulator.env));
  Object.assign(process.env, env);
  return {
    project, location: bigquery.location, database: '(default)', env,
    stop: async () => {
      await bigquery.close();
      await Promise.all(emulators.map((emulator) => emulator.stop()));
    },
  };
}

async function mocha(place: Place, prefix: string, errorsFile: string, suites: readonly string[]): Promise<number> {
  const program = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
  const files = suites.map((suite) => join(import.meta.dirname, '..', 'test', 'real-project', `${suite}.suite.ts`));
  const child = spawn(process.execPath, [program, '--no-config', '--exit', '--timeout', String(MOCHA_TIMEOUT_MS), ...files], {
    stdio: 'inherit',
    env: {
      ...process.env, ...place.env, SBF_REAL_PROJECT: place.project, SBF_REAL_LOCATION: place.location, SBF_REAL_DATABASE: place.database, SBF_REAL_PREFIX: prefix,
      SBF_REAL_ERRORS: errorsFile,
    },
  });
  // The terminal sends these to mocha as well; what is left is removed once it has ended.
  const wait = (): void => undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, wait);
  const [code, signal]: unknown[] = await once(child, 'exit');
  return typeof code === 'number' ? code : signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.fault;
}

/** Removes all that begins with the prefix; says what could not be. */
async function removed({ project, location, database, env }: Place, prefix: string, suites: readonly string[]): Promise<readonly string[]> {
  const left: string[] = [];
  const trying = async (what: string, remove: () => Promise<unknown>): Promise<void> => {
    await remove().catch((error: unknown) => { left.push(`${what}: ${error instanceof Error ? error.message : String(error)}`); });
  };
  if (suites.includes('warehouse')) {
    await trying('datasets', async () => {
      const endpoint = env['BIGQUERY_API_ENDPOINT'];
      const client = endpoint === undefined ? new BigQuery({ projectId: project, location }) : bigQueryClient({ endpoint, projectId: project, location });
      const [datasets] = await client.getDatasets();
      for (const dataset of datasets.filter(({ id }) => id?.startsWith(prefix))) await trying(`dataset ${dataset.id ?? ''}`, () => dataset.delete({ force: true }));
    });
  }
  if (suites.includes('bus')) {
    await trying('topics and subscriptions', async () => {
      const client = new PubSub({ projectId: project });
      const named = <T extends { readonly name: string }>(all: readonly T[]): readonly T[] => all.filter(({ name }) => name.slice(name.lastIndexOf('/') + 1).startsWith(prefix));
      for (const subscription of named((await client.getSubscriptions())[0])) await trying(subscription.name, () => subscription.delete());
      for (const topic of named((await client.getTopics())[0])) await trying(topic.name, () => topic.delete());
      await client.close();
    });
  }
  if (suites.includes('store')) {
    await trying(`documents under ${ROOT}`, async () => {
      const client = new Firestore({ projectId: project, databaseId: database });
      for (const root of await client.collection(ROOT).listDocuments()) if (root.id.startsWith(prefix)) await client.recursiveDelete(root);
      await client.terminate();
    });
  }
  return left;
}

/** One of each kind, of all runs so far. */
function keepErrors(file: string): number {
  const before: unknown = existsSync(ERRORS) ? JSON.parse(readFileSync(ERRORS, 'utf8')) : [];
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((line) => line !== '') : [];
  const seen = new Map<string, unknown>();
  for (const error of [...(Array.isArray(before) ? before : []), ...lines.map((line): unknown => JSON.parse(line))]) {
    // Names and numbers differ from run to run.
    const kind = JSON.stringify(error).replace(/"day":"[^"]*"/, '').replaceAll(/\d+/g, '0');
    if (!seen.has(kind)) seen.set(kind, error);
  }
  writeFileSync(ERRORS, `${JSON.stringify([...seen.values()], null, 2)}\n`);
  rmSync(file, { force: true });
  return seen.size;
}

async function main(args: readonly string[]): Promise<number> {
  const wanted = args.filter((arg) => arg !== '--local');
  const unknown = wanted.filter((arg) => !SUITES.some((suite) => suite === arg));
  if (unknown.length > 0) throw new InputError(`received ${unknown.join(', ')}; suites are ${SUITES.join(', ')}; leave them out for all`);
  const suites = wanted.length > 0 ? wanted : SUITES;
  const place = args.includes('--local') ? await localPlace() : realPlace(process.env);
  const prefix = `sbf_test_${randomUUID().slice(0, 8)}_`;
  mkdirSync(join(ERRORS, '..'), { recursive: true });
  const errorsFile = `${ERRORS}.${prefix}`;
  console.log(`project ${place.project}, ${suites.join(', ')}; everything that is made begins with ${prefix}`);
  try {
    return await mocha(place, prefix, errorsFile, suites);
  } finally {
    const left = await removed(place, prefix, suites);
    if (left.length > 0) console.error(`not removed, please do it by hand (they begin with ${prefix}):\n${left.map((what) => `  ${what}`).join('\n')}`);
    if (!args.includes('--local')) console.log(`${keepErrors(errorsFile)} kinds of errors seen live: ${ERRORS}`);
    rmSync(errorsFile, { force: true });
    await place.stop();
  }
}

main(process.argv.slice(2)).then(
  (code) => { process.exitCode = code; },
  (error: unknown) => {
    if (!(error instanceof FailureError)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = exitCodeOfError(error);
  },
);
