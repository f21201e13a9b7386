import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { FailureError } from '../shared/failures/errors.ts';
import { exitCodeOfError } from '../shared/failures/exit-codes.ts';
import { startEmulators, type Emulator } from './local-cloud/emulators.ts';

/**
 * The suites that need Google's emulators: starts them, runs mocha on what was named (by default all of test/google, and the
 * whole seasons of test/e2e, which need none but take minutes; three files at a time), stops them, and ends with mocha's exit
 * code. Nothing is skipped here for want of an emulator.
 */
/** The seasons first: they keep one core busy for as long as most of the others wait. Then what takes longest: none of it is left at the end, alone. */
const DEFAULT_PATTERNS = ['test/e2e/**/*.suite.ts', 'test/google/@(nba-season|staged|story|cli).test.ts', 'test/google/!(nba-season|staged|story|cli).test.ts'];
/** A test waits for real servers, and for Java to get warm, on a machine that may be busy: time is no test's subject here. */
const MOCHA_TIMEOUT_MS = 600_000;
/** Suites mostly wait, each on documents, topics or a project of its own. */
const SIDE_BY_SIDE = ['--parallel', '--jobs', '3'];

async function main(args: readonly string[]): Promise<number> {
  const emulators = await startEmulators(['pubsub', 'firestore'], { env: process.env });
  try {
    return await mocha(args, emulators);
  } finally {
    await Promise.all(emulators.map((emulator) => emulator.stop()));
  }
}

async function mocha(args: readonly string[], emulators: readonly Emulator[]): Promise<number> {
  const named = args.some((arg) => !arg.startsWith('-'));
  const program = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
  const child = spawn(process.execPath, [program, '--no-config', '--timeout', String(MOCHA_TIMEOUT_MS), ...args, ...(named ? [] : [...SIDE_BY_SIDE, ...DEFAULT_PATTERNS])], {
    stdio: 'inherit',
    env: {
      ...process.env,
      ...Object.assign({}, ...emulators.map(({ env }) => env)),
      GOOGLE_CLOUD_PROJECT: 'demo-smart-backfill',
      REQUIRE_EMULATORS: '1',
    },
  });
  // The terminal sends these to mocha as well; the emulators are stopped once it has ended.
  const wait = (): void => undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, wait);
  const [code, signal]: unknown[] = await once(child, 'exit');
  return typeof code === 'number' ? code : signal === 'SIGINT' ? 130 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof FailureError)) throw error;
  console.error(`error: ${error.message}${error.detail ? `\n${error.detail}` : ''}`);
  process.exitCode = exitCodeOfError(error);
}
