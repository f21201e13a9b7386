import { z } from 'zod';
import { InputError } from '../../shared/failures/errors.ts';
import { isWebhook } from '../../shared/system/alert-webhook.ts';
import { severities } from '../log/events.ts';

/** Where things are and how much may be used, from a function's environment variables. docs/deploy.md explains each. */
export interface GoogleConfig {
  /** The folder of pipeline.yaml; null: the definition that the bundle carries. */
  readonly pipelineDirectory: string | null;
  readonly project: string;
  readonly region: string;
  readonly bigqueryLocation: string;
  /** Where attempts stage their dates; null: what pipeline.yaml says. */
  readonly stagingDataset: string | null;
  readonly firestoreDatabase: string;
  /** Where landing files are: `gs://bucket/prefix`, or a folder of this machine (local cloud). Null: the pipeline lands none. */
  readonly landing: string | null;
  /** Base URLs of the services behind `http` targets, by the service's name. */
  readonly serviceUrls: ReadonlyMap<string, string>;
  /** Most that one BigQuery job may read. */
  readonly maxBytesBilled: number;
  readonly functionTimeoutSeconds: number;
  readonly reserveSeconds: number;
  /** Another BigQuery than Google's: the local cloud's. */
  readonly bigqueryEndpoint: string | null;
  /** Epoch milliseconds that the clock shows at the start; null: the machine's time. */
  readonly startAt: number | null;
  readonly lanes: number;
  /** Where alerts are posted as well; a secret. */
  readonly webhook: URL | null;
  readonly logLevel: (typeof severities)[number];
}

export type Environment = Readonly<Record<string, string | undefined>>;

interface Variable<S extends z.ZodType> {
  readonly schema: S;
  /** Completes "is allowed": for people. */
  readonly allowed: string;
}

function variable<S extends z.ZodType>(allowed: string, schema: S): Variable<S> {
  return { schema, allowed };
}

function whole(least: number, most: number) {
  return z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(least).max(most));
}

const url = z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)).transform((text) => text.replace(/\/+$/, ''));
const landing = z.string().regex(/^(?:gs:\/\/[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:\/.*)?|(?!\w+:\/\/).+)$/);

const instantText = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const shownTime = z.string().transform((text) => text.split('@')).pipe(z.union([
  z.tuple([instantText]).transform(([shown]) => ({ shown, machine: null })), z.tuple([instantText, instantText]).transform(([shown, machine]) => ({ shown, machine })),
]));

const services = z.string().transform((text, context): ReadonlyMap<string, string> => {
  try {
    return new Map(Object.entries(z.record(z.string().min(1), url).parse(JSON.parse(text))));
  } catch {
    context.addIssue({ code: 'custom', message: 'not a map of URLs' });
    return z.NEVER;
  }
});

const variables = {
  PIPELINE_DIR: variable('the folder that holds pipeline.yaml', z.string().min(1).nullable().default(null)),
  // https://cloud.google.com/resource-manager/docs/creating-managing-projects
  GOOGLE_CLOUD_PROJECT: variable('the id of a project: 6 to 30 lower-case letters, digits and hyphens', z.string().regex(/^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/)),
  REGION: variable("a region of Cloud Run, such as 'us-central1'", z.string().regex(/^[a-z]+-[a-z]+\d+$/).default('us-central1')),
  BIGQUERY_LOCATION: variable("a location of BigQuery, such as 'US' or 'us-central1'", z.string().regex(/^[A-Za-z]+(?:-[a-z]+\d+)?$/).default('US')),
  // https://cloud.google.com/bigquery/docs/datasets#dataset-naming
  STAGING_DATASET: variable("a dataset's name: letters, digits and underscores", z.string().regex(/^\w{1,1024}$/).nullable().default(null)),
  FIRESTORE_DATABASE: variable("a Firestore database's id: '(default)', or 4 to 63 lower-case letters, digits and hyphens", z.string().regex(/^(?:\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$/).default('(default)')),
  LANDING: variable("'gs://bucket/prefix', or a folder", landing.nullable().default(null)),
  SERVICE_URLS: variable('a JSON object of service names and their base URLs: {"scrapers": "https://scrapers-abc.run.app"}', services.default(new Map())),
  MAX_BYTES_BILLED: variable('a number of bytes, at least 10485760, the least that BigQuery bills a query for', whole(10_485_760, Number.MAX_SAFE_INTEGER).default(100 * 2 ** 30)),
  // Pub/Sub waits 600 s for an answer to a push: https://cloud.google.com/pubsub/docs/push
  FUNCTION_TIMEOUT_SECONDS: variable('a number of seconds from 30 to 600', whole(30, 600).default(540)),
  RESERVE_SECONDS: variable('a number of seconds from 1 to 120, less than FUNCTION_TIMEOUT_SECONDS', whole(1, 120).default(20)),
  BIGQUERY_API_ENDPOINT: variable("an http or https URL: the local cloud's BigQuery; leave it out on Google", url.nullable().default(null)),
  // With what the machine's clock showed then, processes that start one after another show the same time.
  NOW: variable('an instant such as 2024-01-15T12:00:00Z, or two, 2024-01-15T12:00:00Z@2026-05-01T09:30:00Z: what the clock shows when the machine shows the second; leave it out on Google', shownTime.nullable().default(null)),
  LANES: variable('a number of runs at a time from 1 to 64', whole(1, 64).default(8)),
  SLACK_WEBHOOK_URL: variable('the address of an incoming webhook', z.string().refine(isWebhook).transform((text) => new URL(text)).nullable().default(null)),
  LOG_LEVEL: variable(severities.join(', '), z.enum(severities).default('INFO')),
} as const;

const schema = z.object({
  PIPELINE_DIR: variables.PIPELINE_DIR.schema,
  GOOGLE_CLOUD_PROJECT: variables.GOOGLE_CLOUD_PROJECT.schema,
  REGION: variables.REGION.schema,
  BIGQUERY_LOCATION: variables.BIGQUERY_LOCATION.schema,
  STAGING_DATASET: variables.STAGING_DATASET.schema,
  FIRESTORE_DATABASE: variables.FIRESTORE_DATABASE.schema,
  LANDING: variables.LANDING.schema,
  SERVICE_URLS: variables.SERVICE_URLS.schema,
  MAX_BYTES_BILLED: variables.MAX_BYTES_BILLED.schema,
  FUNCTION_TIMEOUT_SECONDS: variables.FUNCTION_TIMEOUT_SECONDS.schema,
  RESERVE_SECONDS: variables.RESERVE_SECONDS.schema,
  BIGQUERY_API_ENDPOINT: variables.BIGQUERY_API_ENDPOINT.schema,
  NOW: variables.NOW.schema,
  LANES: variables.LANES.schema,
  SLACK_WEBHOOK_URL: variables.SLACK_WEBHOOK_URL.schema,
  LOG_LEVEL: variables.LOG_LEVEL.schema,
});

/** Their values go into no message. */
const secrets: ReadonlySet<string> = new Set(['SLACK_WEBHOOK_URL']);

/** The variables that a function reads, for docs and Terraform's check. */
export const configVariables: readonly string[] = Object.keys(variables);

/** Reads the environment, or throws an InputError that names every variable that is wrong: what was received, what is allowed. */
export function readConfig(environment: Environment, machineNow = Date.now()): GoogleConfig {
  const { parsed, problems } = judged(environment);
  if (!parsed.success || problems.length > 0) throw new InputError(`${problems.join('; ')}; correct the environment variables of the function (terraform: variables of the module functions)`);
  const { data } = parsed;
  return {
    pipelineDirectory: data.PIPELINE_DIR, project: data.GOOGLE_CLOUD_PROJECT, region: data.REGION, bigqueryLocation: data.BIGQUERY_LOCATION,
    stagingDataset: data.STAGING_DATASET, firestoreDatabase: data.FIRESTORE_DATABASE, landing: data.LANDING, serviceUrls: data.SERVICE_URLS,
    maxBytesBilled: data.MAX_BYTES_BILLED, functionTimeoutSeconds: data.FUNCTION_TIMEOUT_SECONDS, reserveSeconds: data.RESERVE_SECONDS,
    bigqueryEndpoint: data.BIGQUERY_API_ENDPOINT, startAt: data.NOW && data.NOW.shown + (data.NOW.machine === null ? 0 : machineNow - data.NOW.machine), lanes: data.LANES, webhook: data.SLACK_WEBHOOK_URL, logLevel: data.LOG_LEVEL,
  };
}

/** What is wrong with an environment, by variable: `NAME: received …, allowed is …`. */
export function configProblems(environment: Environment): readonly string[] {
  return judged(environment).problems;
}

function judged(environment: Environment) {
  // An empty variable is what Terraform and shells make of one that is left out.
  const given: Environment = Object.fromEntries(Object.keys(variables).map((name) => [name, environment[name] === '' ? undefined : environment[name]]));
  const parsed = schema.safeParse(given);
  const problems = parsed.success ? [] : [...new Set(parsed.error.issues.map((issue) => String(issue.path[0])))].map((name) => problemWith(name, given[name]));
  if (parsed.success && parsed.data.RESERVE_SECONDS >= parsed.data.FUNCTION_TIMEOUT_SECONDS) problems.push(problemWith('RESERVE_SECONDS', given['RESERVE_SECONDS']));
  return { parsed, problems };
}

function problemWith(name: string, received: string | undefined): string {
  const allowed = Object.entries(variables).find(([known]) => known === name)?.[1].allowed ?? '';
  const shown = received === undefined ? 'nothing' : secrets.has(name) ? 'something else, which is not shown' : `'${received.slice(0, 200)}'`;
  return `${name}: received ${shown}, allowed is ${allowed}`;
}
