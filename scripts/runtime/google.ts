import { ring } from '../../functions/doorbell.ts';
import { ringForStages } from '../../functions/stage-doorbell.ts';
import type { Logger } from '../../functions/log/logger.ts';
import { configProblems, readConfig, type Environment, type GoogleConfig } from '../../functions/runtime/config.ts';
import type { GoogleClients } from '../../functions/runtime/clients.ts';
import { openGoogle } from '../../functions/runtime/google.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { withHistoryView } from '../../shared/flows/history-view.ts';
import { sendOutbox } from '../../shared/flows/outbox.ts';
import { BigQueryApi } from '../../shared/google/bigquery-api.ts';
import { BigQueryJobs } from '../../shared/google/bigquery-jobs.ts';
import { arrayParameter, parameter } from '../../shared/google/bigquery-parameters.ts';
import { pubsubListeners } from '../../shared/google/pubsub-listeners.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { Alert } from '../../shared/ports/notifier.ts';
import type { RunHistory } from '../../shared/ports/run-history.ts';
import { RandomIds } from '../../shared/system/ids.ts';
import { topicsOf } from './runtime-topics.ts';
import type { CommonRuntime } from './runtime.ts';

export interface GoogleCliOptions {
  /** The folder of pipeline.yaml. */
  readonly pipelineDirectory: string;
  readonly environment: Environment;
  /** Epoch milliseconds that this command's clock shows at the start (`--now`); null is what the variable NOW says. */
  readonly startAt: number | null;
  /** Told of alerts, before they are published. */
  readonly onAlert: (alert: Alert) => void;
  /** Told of what goes wrong beside the work: nothing of it fails the command. */
  readonly onTrouble: (text: string) => void;
}

/** A pipeline on Google as the command line works with it. Nothing has been connected when it is opened. */
export interface GoogleCliRuntime extends CommonRuntime {
  readonly kind: 'google';
  readonly config: GoogleConfig;
  readonly clients: GoogleClients;
  readonly bigquery: BigQueryApi;
  readonly jobs: BigQueryJobs;
}

/** Throws an InputError that names every variable that is wrong or missing. */
export function readCliConfig(environment: Environment, pipelineDirectory: string): GoogleConfig {
  const problems = configProblems(environment);
  if (problems.length > 0) throw new InputError(`--runtime google is told by environment variables where everything is: ${problems.join('; ')}; set them as terraform output or 'npm run cloud:local' print them, then see: smart-backfill doctor`);
  return { ...readConfig(environment), pipelineDirectory };
}

export async function openGoogleRuntime({ pipelineDirectory, environment, startAt, onAlert, onTrouble }: GoogleCliOptions): Promise<GoogleCliRuntime> {
  const read = readCliConfig(environment, pipelineDirectory);
  const config = { ...read, startAt: startAt ?? read.startAt };
  const log = troubleLog(onTrouble);
  const runtime = await openGoogle({ config, log, bundleFolder: pipelineDirectory, onAlert });
  const { pipeline, engine, bus, store, warehouse, clients } = runtime;
  const topics = topicsOf(pipeline);
  const ids = new RandomIds();
  const bigquery = new BigQueryApi({ client: clients.bigquery, project: config.project, location: config.bigqueryLocation });
  const jobs = new BigQueryJobs({ api: bigquery, pipeline: pipeline.name, maximumBytesBilled: config.maxBytesBilled, newId: () => ids.next('cli') });
  return {
    kind: 'google', pipeline, engine, store, warehouse, bus, topics, config, clients, bigquery, jobs,
    history: withTeamsHistory(runtime.history, pipeline, jobs, onTrouble),
    listeners: async (topic) => pubsubListeners(await clients.pubsub())(topic),
    deadLetters: null,
    backlog: () => null,
    deliver: async () => 0,
    workOff: () => ring(bus, topics.detection, { trigger: 'goes_on', day: null, cause: null }),
    ringStages: (backfillId) => ringForStages(bus, runtime.coordinationTopic, { trigger: 'ordered', backfillId, cell: null }),
    settle: async () => {
      await sendOutbox(engine, bus);
      await runtime.history.flush();
    },
    close: () => runtime.close(),
  };
}

/** Ours with the team's own table beside it, where the definition names one. What can't be read of it is left out. */
function withTeamsHistory(own: RunHistory, pipeline: Pipeline, jobs: BigQueryJobs, onTrouble: (text: string) => void): RunHistory {
  const view = pipeline.tables.history_view;
  if (view === null) return own;
  return withHistoryView(own, pipeline, view, async ({ sql, params: { names, from, to, rows } }) => {
    try {
      const result = await jobs.query({
        purpose: 'history', sql, parameters: [arrayParameter('names', 'STRING', names), parameter('from', 'DATE', from), parameter('to', 'DATE', to), parameter('rows', 'INT64', String(rows))],
      });
      return result.rows.map((values) => Object.fromEntries(result.fields.map(({ name }, index) => [name, values[index] ?? null])));
    } catch (thrown) {
      onTrouble(`the team's own history (tables.history_view, ${view.table}) can't be read, and is left out: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      return [];
    }
  });
}

/** Alerts are told by the notifier; the rest of what a command logs is trouble. */
function troubleLog(onTrouble: (text: string) => void): Logger {
  return {
    log: (event, message) => {
      if (event !== 'alert_raised') onTrouble(message);
    },
  };
}
