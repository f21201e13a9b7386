import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/**
 * Google's SQL analyzer and reference evaluator: a native server that @fivetrandevelopers/zetasql brings along, spoken to
 * over gRPC. Types are those of the package's protos; answers are parsed where they are read.
 */

/** What the analyzer or evaluator says is wrong, with line and column. */
export class SqlRefused extends Error {}

export interface Analyzer {
  call(method: 'analyze' | 'evaluateQuery' | 'getLanguageOptions', request: object): Promise<unknown>;
  stop(): void;
}

const REFUSALS: ReadonlySet<number> = new Set([3, 9, 11, 12]); // gRPC: invalid argument, failed precondition, out of range, not implemented
const UNAVAILABLE = 14;

const rpc = z.custom<(request: object, answer: (error: unknown, value: unknown) => void) => void>((value) => typeof value === 'function');
const clientSchema = z.object({
  ZetaSQLClient: z.custom<{ init(port: number): void; readonly API: object }>((value) => typeof value === 'function' && 'init' in value),
});

/** A statement's analysed tree is deeper than the 100 levels that protobufjs reads by itself. */
const DEEPEST = 10_000;
const protobufSchema = z.object({ Reader: z.custom<object>((value) => typeof value === 'function'), util: z.custom<object>((value) => typeof value === 'object' && value !== null) });

export async function startAnalyzer(): Promise<Analyzer> {
  const require = createRequire(import.meta.url);
  const lib = dirname(packageOf(require));
  const { ZetaSQLClient: client } = clientSchema.parse(require('@fivetrandevelopers/zetasql'));
  const protobuf = protobufSchema.parse(require('protobufjs'));
  for (const limited of [protobuf.Reader, protobuf.util]) Reflect.set(limited, 'recursionLimit', DEEPEST);
  const port = await freePort();
  const server = spawn(serverOf(lib), ['localhost', String(port)], { stdio: 'ignore' });
  const ended = endOf(server);
  client.init(port);
  const analyzer: Analyzer = {
    call: (method, request) => Promise.race([called(client.API, method, request), ended]),
    stop: () => { server.kill(); },
  };
  await whenReady(analyzer);
  return analyzer;
}

function packageOf(require: NodeJS.Require): string {
  try {
    return require.resolve('@fivetrandevelopers/zetasql');
  } catch (thrown) {
    throw new Error('the analyzer is not installed here; run: npm ci --prefix tools/zetasql', { cause: thrown });
  }
}

function serverOf(lib: string): string {
  const name = `remote_server${process.arch.startsWith('arm') ? '_arm' : ''}${process.platform === 'darwin' ? '' : '.so'}`;
  const path = join(lib, 'zetasql', name);
  if (!['linux', 'darwin'].includes(process.platform) || !existsSync(path)) throw new Error(`the analyzer has no server for ${process.platform} on ${process.arch}; run it on Linux or macOS`);
  return path;
}

function endOf(server: ChildProcess): Promise<never> {
  const ended = new Promise<never>((_resolve, reject) => {
    server.on('error', reject);
    server.on('exit', (code, signal) => { reject(new Error(`the analyzer's server ended with ${signal ?? `code ${code}`}`)); });
  });
  // Between calls nobody listens; the next call is told.
  ended.catch(() => undefined);
  return ended;
}

function called(api: object, method: string, request: object): Promise<unknown> {
  const call = rpc.parse(Reflect.get(api, method)).bind(api);
  return new Promise((resolve, reject) => {
    call(request, (error, value) => {
      if (error === null || error === undefined) resolve(value);
      else reject(errorOf(error));
    });
  });
}

function errorOf(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number' || !REFUSALS.has(error.code)) return error;
  return new SqlRefused('details' in error && typeof error.details === 'string' ? error.details : error.message);
}

const READY_WITHIN_MS = 30_000;

async function whenReady(analyzer: Analyzer): Promise<void> {
  const giveUp = Date.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await analyzer.call('getLanguageOptions', { maximumFeatures: true });
      return;
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === UNAVAILABLE) || Date.now() > giveUp) {
        analyzer.stop();
        throw thrown;
      }
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, 'localhost', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
