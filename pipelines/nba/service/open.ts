import { randomUUID } from 'node:crypto';
import type { BigQuery } from '@google-cloud/bigquery';
import { openObjects } from '../../../shared/google/objects.ts';
import { PubSubMessageBus } from '../../../shared/google/pubsub-message-bus.ts';
import type { MessageBus } from '../../../shared/ports/message-bus.ts';
import type { ServiceConfig } from './config.ts';
import { LoadedTables } from './loaded-tables.ts';
import { Outages } from './outages.ts';
import type { Log, ServiceParts } from './routes.ts';
import { readPipeline, sourcesOf } from './sources.ts';

/** The service's parts from its configuration. Each of Google's clients is loaded when it is needed first. */
export function openService(config: ServiceConfig, log: Log): ServiceParts {
  const pipeline = readPipeline(config.pipelineDirectory);
  const { landing, bigqueryLocation, sourceDirectory, outagesAllowed } = config;
  return {
    places: { pipeline, landing: openObjects(landing), tables: new LoadedTables(once(() => bigqueryClient(config)), bigqueryLocation), sourceDirectory },
    sources: sourcesOf(pipeline),
    bus: lazyBus(once(() => pubsubBus(config, pipeline.phases.map(({ completionTopic }) => completionTopic)))),
    now: Date.now,
    newRunId: randomUUID,
    outages: outagesAllowed ? new Outages(sourceDirectory) : null,
    log,
  };
}

async function bigqueryClient({ project, bigqueryEndpoint, bigqueryLocation }: ServiceConfig): Promise<BigQuery> {
  const { BigQuery } = await import('@google-cloud/bigquery');
  if (bigqueryEndpoint === null) return new BigQuery({ projectId: project, location: bigqueryLocation });
  // A stand-in: the client would look for credentials all the same, and its uploads fail without.
  const { PassThroughClient } = await import('google-auth-library');
  return new BigQuery({ projectId: project, location: bigqueryLocation, apiEndpoint: bigqueryEndpoint, authClient: new PassThroughClient() });
}

async function pubsubBus({ project }: ServiceConfig, topics: readonly string[]): Promise<MessageBus> {
  const { PubSub } = await import('@google-cloud/pubsub');
  return new PubSubMessageBus(new PubSub({ projectId: project }), { topics });
}

function lazyBus(open: () => Promise<MessageBus>): MessageBus {
  return { publish: async (topic, body, attributes) => (await open()).publish(topic, body, attributes) };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
