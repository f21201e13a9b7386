import { appendFileSync } from 'node:fs';
import type { BigQueryClient } from '../../shared/google/bigquery-api.ts';

/** What a suite against a real project is told by `scripts/test-real-project.ts`, which is the only one to start it. */
export interface RealProject {
  readonly project: string;
  readonly location: string;
  readonly database: string;
  /** What everything that the run makes begins with: `sbf_test_…_`. */
  readonly prefix: string;
  readonly bigqueryEndpoint: string | null;
  /** Where errors that Google answered with are noted, a JSON object a line. */
  readonly errorsFile: string;
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: these suites are started by 'npm run test:real-project' (docs/deploy.md), never by themselves`);
  return value;
}

export function realProject(): RealProject {
  return {
    project: variable('SBF_REAL_PROJECT'), location: variable('SBF_REAL_LOCATION'), database: variable('SBF_REAL_DATABASE'), prefix: variable('SBF_REAL_PREFIX'),
    bigqueryEndpoint: process.env['BIGQUERY_API_ENDPOINT'] ?? null, errorsFile: variable('SBF_REAL_ERRORS'),
  };
}

/** An error as Google answered it, without the names of this run. */
export function note({ errorsFile, project, prefix }: RealProject, service: string, seen: { readonly code: unknown; readonly reason: unknown; readonly message: unknown }): void {
  const message = String(seen.message).replaceAll(project, 'project').replaceAll(prefix, '').slice(0, 1000);
  appendFileSync(errorsFile, `${JSON.stringify({ service, code: seen.code ?? null, reason: seen.reason ?? null, message, day: new Date().toISOString().slice(0, 10) })}\n`);
}

interface Answer {
  readonly status?: { readonly errorResult?: { readonly reason?: string; readonly message?: string } };
}

function isAnswer(body: unknown): body is Answer {
  return typeof body === 'object' && body !== null;
}

/**
 * Google's client in front of datasets of its own: their names get a prefix wherever a request names them, so that suites
 * which know `raw` and `analytics` meet nobody else's. Notes every error, also those in a job's status.
 */
export function prefixed(client: BigQueryClient, real: RealProject, prefix: string, datasets: readonly string[]): BigQueryClient {
  const names = datasets.join('|');
  const inText = new RegExp(`(${real.project}\\.)(${names})(?=\\.)`, 'g');
  const inJson = new RegExp(`("datasetId":\\s*")(${names})(?=")`, 'g');
  const inPath = new RegExp(`(/datasets/)(${names})(?=/|$|\\?)`, 'g');
  const renamed = (text: string): string => text.replace(inText, `$1${prefix}$2`).replace(inJson, `$1${prefix}$2`);
  return {
    apiEndpoint: client.apiEndpoint,
    request: (options, callback) => {
      const { uri, json, body } = options;
      const changed = {
        ...options, uri: uri.replace(inPath, `$1${prefix}$2`),
        ...(json === undefined ? {} : { json: JSON.parse(renamed(JSON.stringify(json))) }), ...(body === undefined ? {} : { body: renamed(body) }),
      };
      client.request(changed, (error, answer) => {
        if (error) {
          const errors: unknown = 'errors' in error ? error.errors : null;
          const [first]: unknown[] = Array.isArray(errors) ? errors : [];
          const reason = typeof first === 'object' && first !== null && 'reason' in first ? first.reason : null;
          note(real, 'bigquery', { code: 'code' in error ? error.code : null, reason, message: error.message });
        }
        const failed = isAnswer(answer) ? answer.status?.errorResult : undefined;
        if (failed) note(real, 'bigquery job', { code: 200, reason: failed.reason, message: failed.message });
        callback(error, answer);
      });
    },
  };
}
