import { join, resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../../shared/failures/errors.ts';

/** What the service is told by its environment; README.md lists it. */
export interface ServiceConfig {
  /** Where files are landed: a folder's path, or gs://bucket/prefix. */
  readonly landing: string;
  readonly project: string;
  /** Null: Google's own. */
  readonly bigqueryEndpoint: string | null;
  /** Of the datasets: US, EU, europe-west1, … */
  readonly bigqueryLocation: string;
  /** The folder with pipeline.yaml and the archive in `data/`. */
  readonly pipelineDirectory: string;
  /** Where `outages.json` is looked for; it need not be there. */
  readonly sourceDirectory: string;
  /** Whether outages can be set over HTTP: for demos and tests, never beside a running pipeline. */
  readonly outagesAllowed: boolean;
}

const given = z.string().trim().min(1, { error: 'missing' });
const environmentSchema = z.object({
  LANDING: given,
  GOOGLE_CLOUD_PROJECT: given,
  BIGQUERY_API_ENDPOINT: z.url({ protocol: /^https?$/, error: 'an http or https address' }).optional(),
  BIGQUERY_LOCATION: given.default('US'),
  PIPELINE_DIR: given.optional(),
  SOURCE_DIR: given.optional(),
  OUTAGES: z.enum(['allowed', 'refused']).default('refused'),
});

/** `home` is the folder of pipeline.yaml where the environment names none. Throws InputError that names every wrong variable. */
export function configOf(environment: Readonly<Record<string, string | undefined>>, home: string): ServiceConfig {
  // A variable that is set to nothing is one that is not set.
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const parsed = environmentSchema.safeParse(present);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message === 'Invalid input: expected string, received undefined' ? 'missing' : message}`);
    throw new InputError(`the environment of the nba-sources service is not right: ${wrong.join('; ')}; see pipelines/nba/service/README.md`);
  }
  const { data } = parsed;
  const pipelineDirectory = resolve(data.PIPELINE_DIR ?? home);
  return {
    landing: data.LANDING, project: data.GOOGLE_CLOUD_PROJECT, bigqueryEndpoint: data.BIGQUERY_API_ENDPOINT ?? null, bigqueryLocation: data.BIGQUERY_LOCATION,
    pipelineDirectory, sourceDirectory: resolve(data.SOURCE_DIR ?? join(pipelineDirectory, 'source')), outagesAllowed: data.OUTAGES === 'allowed',
  };
}
