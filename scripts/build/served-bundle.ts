import { request } from 'node:http';
import { setTimeout as after } from 'node:timers/promises';
import { spawnFramework } from '../local-cloud/framework.ts';

/** A folder served by functions-framework in a process of its own, as Google's container does it. */
export interface ServedBundle {
  readonly url: string;
  /** What it has written so far. */
  output(): string;
  /** Resolves with the exit code when it has ended by itself. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

const ANSWER_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 2;

export function serveFolder({ folder, target, port, env }: { readonly folder: string; readonly target: string; readonly port: number; readonly env: Readonly<Record<string, string>> }): ServedBundle {
  const child = spawnFramework({ target, source: folder, port, env: { PATH: process.env['PATH'], NODE_ENV: 'production', METADATA_SERVER_DETECTION: 'none', ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text; });
  const ended = new Promise<number | null>((resolve) => { child.once('exit', resolve); });
  return {
    url: `http://127.0.0.1:${port}/`, output: () => output, ended,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Posts until the server listens, and resolves with its answer. Throws with what it wrote when it ends or never answers. */
export async function firstAnswer(served: ServedBundle, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const giveUpAt = performance.now() + ANSWER_WITHIN_MS;
  let gone = false;
  void served.ended.then(() => { gone = true; });
  for (;;) {
    const answer = await post(served.url, body, headers);
    if (answer !== null) return answer;
    if (gone || performance.now() > giveUpAt) throw new Error(`${served.url} did not answer: ${served.output()}`);
    await after(LOOK_EVERY_MS);
  }
}

/** Null where nobody listens yet. */
function post(url: string, body: string, headers: Readonly<Record<string, string>>): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent: false, headers: { 'content-type': 'application/json', ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => { text += part; }).on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', (error) => {
      if ('code' in error && error.code === 'ECONNREFUSED') resolve(null);
      else reject(error);
    });
    sent.end(body);
  });
}
