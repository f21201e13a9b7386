import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { configOf } from './config.ts';
import { openService } from './open.ts';
import { answer, type Log, type ServiceParts } from './routes.ts';

/** The function that Cloud Run serves: `npx functions-framework --target nba-sources`. */

/** What is used of the framework's request and response. */
interface HttpRequest {
  readonly method: string;
  readonly originalUrl: string;
  readonly rawBody?: Uint8Array;
}
interface HttpResponse {
  status(code: number): { json(body: unknown): unknown };
}

const log: Log = (line) => { process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`); };

/** In a bundle the pipeline's folder lies beside the module. */
function home(): string {
  const folder = import.meta.dirname;
  return existsSync(join(folder, 'pipeline.yaml')) ? folder : resolve(folder, '..');
}

let parts: ServiceParts | null = null;

/** Opened by the first request: a wrong environment is then answered in words, not with an instance that does not start. */
function opened(): ServiceParts {
  parts ??= openService(configOf(process.env, home()), log);
  return parts;
}

async function sources({ method, originalUrl, rawBody }: HttpRequest, response: HttpResponse): Promise<void> {
  let found: ServiceParts;
  try {
    found = opened();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    log({ severity: 'ERROR', message });
    response.status(500).json({ status: 'failed', rows_processed: 0, error: { type: 'not_configured', message } });
    return;
  }
  const { status, body } = await answer(found, { method, url: originalUrl, body: rawBody ?? new Uint8Array() });
  response.status(status).json(body);
}

// Under its name, not registered with the framework: a bundle's own copy of the framework would keep it from the one that serves.
export { sources as 'nba-sources' };
