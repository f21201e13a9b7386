import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { buildFunctions } from '../build/build-functions.ts';
import { firstAnswer, serveFolder } from '../build/served-bundle.ts';
import { unpack } from '../build/unpack.ts';
import { Emulator, freePort } from '../local-cloud/emulators.ts';
import { percentile, type Figure } from './figures.ts';

const ROUNDS = 11;
const PROJECT = 'demo-cold-start';
/** The issue's promise: a function takes at most this many times what a bare one takes. */
const AT_MOST_TIMES = 1.5;

/**
 * From the start of a process to its first answered message, of each function beside a bare CloudEvent function on the same
 * Node, in turn, so that all of them meet the same machine. The message is one that is refused: state is read and written
 * on Google's emulator, and the dead letter is published. The detector's is a push that is not its own: its runtime is
 * opened, nothing is connected.
 */
export async function coldStart(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'cold-start-'));
  const emulators = await Promise.all([Emulator.start('firestore', { env: process.env }), Emulator.start('pubsub', { env: process.env })]);
  try {
    const env = { ...Object.assign({}, ...emulators.map((emulator) => emulator.env)), GOOGLE_CLOUD_PROJECT: PROJECT, LANDING: folder, BIGQUERY_API_ENDPOINT: 'http://127.0.0.1:1' };
    Object.assign(process.env, env);
    const client = new PubSub({ projectId: PROJECT });
    await client.createTopic('nba-backfill-dead-letters');
    await client.close();
    const { functions } = await buildFunctions('pipelines/nba');
    for (const built of functions) unpack(built, join(folder, built.name), { warmed: true });
    const [worker] = functions;
    if (worker) unpack(worker, join(folder, 'not-compiled'), { warmed: false });
    writeBare(join(folder, 'bare'));
    const refused = push({ processor_name: 'Nobody', start_date: '2024-01-05', end_date: '2024-01-05' }, 'backfill-worker-sub');
    const subjects = [
      { name: 'a bare CloudEvent function', folder: 'bare', target: 'bare', body: refused, status: 204 },
      { name: 'backfill-worker: a refused message, with state and dead letter', folder: 'backfill-worker', target: 'backfill-worker', body: refused, status: 204 },
      { name: 'the same without its compiled form', folder: 'not-compiled', target: 'backfill-worker', body: refused, status: 204 },
      { name: 'phase-router: a refused message, dead letter only', folder: 'phase-router', target: 'phase-router', body: push({ processor_name: 'Nobody' }, 'phase-router-sub-phase_2_raw'), status: 204 },
      { name: 'gap-detector: its runtime opened, nothing connected', folder: 'gap-detector', target: 'gap-detector', body: push({}, 'not-its-own'), status: 400 },
    ];
    const taken = subjects.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [place, subject] of subjects.entries()) {
        const port = await freePort();
        const started = performance.now();
        const served = serveFolder({ folder: join(folder, subject.folder), target: subject.target, port, env });
        const { status } = await firstAnswer(served, subject.body);
        taken[place]?.push(performance.now() - started);
        await served.stop();
        if (status !== subject.status) throw new Error(`${subject.name} answered ${status}: ${served.output()}`);
      }
    }
    const medians = taken.map((times) => percentile([...times].sort((a, b) => a - b), 0.5));
    const bare = medians[0] ?? 0;
    return subjects.map(({ name }, place): Figure => ({
      name: `cold start to the first answer, ${name}${place === 0 ? '' : ` (${((medians[place] ?? 0) / bare).toFixed(2)} × bare)`}`,
      value: medians[place] ?? 0, unit: 'ms', atMost: place === 0 || name.startsWith('the same') ? null : bare * AT_MOST_TIMES,
    }));
  } finally {
    await Promise.all(emulators.map((emulator) => emulator.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeBare(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"main":"index.js"}');
  writeFileSync(join(folder, 'index.js'), "require('@google-cloud/functions-framework').cloudEvent('bare', () => undefined);");
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
}

function push(body: object, subscription: string): string {
  return JSON.stringify({ message: { messageId: '1', publishTime: '2024-01-15T12:00:00Z', data: Buffer.from(JSON.stringify(body)).toString('base64') }, subscription: `projects/${PROJECT}/subscriptions/${subscription}` });
}

if (import.meta.main) console.log(await coldStart());
