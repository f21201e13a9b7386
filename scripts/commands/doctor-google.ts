import { classify } from '../../shared/failures/classify.ts';
import { anyAnswer, httpStatusOf } from '../../shared/google/bigquery-api.ts';
import { describeTable, tableOf } from '../../shared/google/bigquery-tables.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import { counted } from '../output/words.ts';
import { foundAndMend } from '../runtime/google-errors.ts';
import type { GoogleCliRuntime } from '../runtime/google.ts';
import { unreachablePlaces, type LocalVariable } from '../runtime/local-places.ts';
import type { Session } from '../session.ts';
import type { Check } from './doctor-check.ts';
import { topologyChecks } from './doctor-topology.ts';

/** What of Google's services a pipeline needs, and whether it is there: each with its mend. */

const TERRAFORM = 'apply the Terraform of this pipeline (docs/deploy.md)';
const LOOK_ROLES = 'roles/bigquery.jobUser on the project and roles/bigquery.dataViewer on the datasets';

export interface GoogleFound {
  readonly checks: readonly Check[];
  readonly hasFirestore: boolean;
  readonly hasPubSub: boolean;
}

export async function googleChecks(session: Session, runtime: GoogleCliRuntime): Promise<GoogleFound> {
  const away = new Map((await unreachablePlaces(session.io.environment)).map(({ variable, text }) => [variable, text]));
  const unless = async (variable: LocalVariable, name: string, checks: () => Promise<readonly Check[]>): Promise<readonly Check[]> => {
    const found = away.get(variable);
    return found === undefined ? checks() : [{ name, result: 'wrong', found, mend: 'start it (npm run cloud:local), correct the variable, or unset it for Google\'s own service' }];
  };
  const [firestore, tables, topics] = await Promise.all([
    unless('FIRESTORE_EMULATOR_HOST', 'Firestore', async () => [await firestoreCheck(runtime)]),
    unless('BIGQUERY_API_ENDPOINT', 'BigQuery', () => bigQueryChecks(runtime)),
    unless('PUBSUB_EMULATOR_HOST', 'Pub/Sub', () => topologyChecks(runtime)),
  ]);
  return { checks: [...firestore, ...tables, ...serviceChecks(runtime), ...topics], hasFirestore: firestore.every(({ result }) => result !== 'wrong'), hasPubSub: !away.has('PUBSUB_EMULATOR_HOST') };
}

/** How many wait is told by metrics only: a pull would take them from whoever looks after them. */
export function googleDeadLetters({ topics: { deadLetterSubscription }, config: { project } }: GoogleCliRuntime): Check {
  return {
    name: 'dead letters', result: 'note', found: `kept by ${deadLetterSubscription}; how many there are is its metric subscription/num_undelivered_messages`,
    mend: `look:  gcloud pubsub subscriptions pull ${deadLetterSubscription} --project ${project} --limit 10`,
  };
}

async function firestoreCheck({ store, config: { project, firestoreDatabase } }: GoogleCliRuntime): Promise<Check> {
  try {
    // A write that changes nothing.
    await store.transact({ controls: true }, (snapshot) => ({ writes: { controls: snapshot.controls() }, result: null }));
    return { name: 'Firestore', result: 'ok', found: `database ${firestoreDatabase} of ${project}, writable`, mend: null };
  } catch (thrown) {
    return { name: 'Firestore', result: 'wrong', ...foundAndMend(thrown, 'roles/datastore.user on the database', `make the database, in native mode, where it is missing: ${TERRAFORM}; else run it again`) };
  }
}

async function bigQueryChecks(runtime: GoogleCliRuntime): Promise<readonly Check[]> {
  const { pipeline, jobs, bigquery: api, config } = runtime;
  const processors = pipeline.processors.filter(({ output }) => output.kind === 'table');
  const query = await checkOf('BigQuery', LOOK_ROLES, async () => void await jobs.dryRun({ purpose: 'doctor', sql: 'SELECT 1' }));
  if (query) return [query];
  const staging = config.stagingDataset ?? pipeline.tables.staging_dataset;
  const others = [pipeline.tables.run_history, pipeline.tables.backfill_requests];
  const found = await Promise.all([
    ...processors.map((processor) => checkOf(`table ${processor.output.ref}`, LOOK_ROLES, () => tableCheck(runtime, processor))),
    ...others.map((ref) => checkOf(`table ${ref}`, LOOK_ROLES, async () => {
      const [dataset = '', table = ''] = ref.split('.');
      await api.call(anyAnswer, { method: 'GET', path: `/datasets/${dataset}/tables/${table}` });
    })),
    checkOf(`dataset ${staging}`, LOOK_ROLES, async () => void await api.call(anyAnswer, { method: 'GET', path: `/datasets/${staging}` })),
  ]);
  const wrong = found.filter((check) => check !== null);
  const datasets = new Set([...processors.map((processor) => tableOf(processor).dataset), ...others.map((ref) => ref.split('.')[0]), staging]);
  return wrong.length > 0 ? wrong : [{ name: 'BigQuery', result: 'ok', found: `answers in ${config.bigqueryLocation}; ${counted(processors.length + others.length, 'table')} in ${counted(datasets.size, 'dataset')}, with their columns and partitions as declared`, mend: null }];
}

async function tableCheck({ bigquery }: GoogleCliRuntime, processor: Processor): Promise<Check | void> {
  const { daily } = await describeTable(bigquery, processor);
  if (daily) return;
  return { name: `table ${processor.output.ref}`, result: 'wrong', found: `it is not partitioned by day on ${processor.dateColumn}: no date of it can be replaced`, mend: `make it anew with PARTITION BY ${processor.dateColumn}, and copy its rows` };
}

/** Null: nothing is wrong. */
async function checkOf(name: string, roles: string, look: () => Promise<Check | void>): Promise<Check | null> {
  try {
    return (await look()) ?? null;
  } catch (thrown) {
    if (httpStatusOf(thrown) === 404) return { name, result: 'wrong', found: 'it is not there', mend: TERRAFORM };
    const { retry } = classify(thrown);
    return { name, result: 'wrong', ...foundAndMend(thrown, roles, retry ? 'run it again; where it goes on, look at https://status.cloud.google.com' : TERRAFORM) };
  }
}

/** A recovery in this process calls the services behind `http` targets itself. */
function serviceChecks({ pipeline, config: { serviceUrls } }: GoogleCliRuntime): readonly Check[] {
  const named = new Set(pipeline.processors.flatMap(({ target }) => ('http' in target && typeof target.http !== 'string' ? [target.http.service] : [])));
  const missing = [...named].filter((service) => !serviceUrls.has(service));
  if (named.size === 0) return [];
  if (missing.length === 0) return [{ name: 'services', result: 'ok', found: [...serviceUrls].map(([name, url]) => `${name} at ${url}`).join(', '), mend: null }];
  return [{ name: 'services', result: 'note', found: `SERVICE_URLS does not say where ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'}: recover can't call ${missing.length === 1 ? 'it' : 'them'} from here; request has the functions do it`, mend: `add it: SERVICE_URLS='{"${missing[0] ?? ''}": "https://…"}'` }];
}
