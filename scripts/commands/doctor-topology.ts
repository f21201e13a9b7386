import { z } from 'zod';
import { topologyOf, type TopologySubscription } from '../../shared/pipeline/topology.ts';
import { counted } from '../output/words.ts';
import { foundAndMend } from '../runtime/google-errors.ts';
import type { GoogleCliRuntime } from '../runtime/google.ts';
import type { Check } from './doctor-check.ts';

const TERRAFORM = 'apply the Terraform of this pipeline (docs/deploy.md)';
const ROLES = 'roles/pubsub.viewer on the project';
/** gRPC: https://grpc.io/docs/guides/status-codes/ */
const NOT_FOUND = 5;

const metadataSchema = z.looseObject({
  topic: z.string().nullish(),
  pushConfig: z.looseObject({ pushEndpoint: z.string().nullish() }).nullish(),
  deadLetterPolicy: z.looseObject({ deadLetterTopic: z.string().nullish() }).nullish(),
  retryPolicy: z.looseObject({}).nullish(),
});

/** Every topic and subscription of the pipeline: there, and delivering as it has to. */
export async function topologyChecks({ pipeline, clients, config: { project } }: GoogleCliRuntime): Promise<readonly Check[]> {
  const { topics, subscriptions } = topologyOf(pipeline);
  const pubsub = await clients.pubsub();
  const found = await Promise.all([
    ...topics.map(({ name }) => checkOf(`topic ${name}`, async () => void await pubsub.topic(name).getMetadata())),
    ...subscriptions.map((subscription) => checkOf(`subscription ${subscription.name}`, async () => {
      const [metadata]: readonly unknown[] = await pubsub.subscription(subscription.name).getMetadata();
      return wrongWith(subscription, metadata, project);
    })),
  ]);
  const wrong = found.filter((check) => check !== null);
  return wrong.length > 0 ? wrong : [{ name: 'Pub/Sub', result: 'ok', found: `${counted(topics.length, 'topic')} and ${counted(subscriptions.length, 'subscription')}, as the definition has them`, mend: null }];
}

function wrongWith({ name, topic, push, deadLetterTopic }: TopologySubscription, metadata: unknown, project: string): Check | null {
  const { topic: on, pushConfig, deadLetterPolicy, retryPolicy } = metadataSchema.parse(metadata);
  const wrong = (found: string): Check => ({ name: `subscription ${name}`, result: 'wrong', found, mend: TERRAFORM });
  // A topic that was deleted and made again has lost its subscriptions (`_deleted-topic_`).
  if (on !== `projects/${project}/topics/${topic}`) return wrong(`it reads ${on ?? 'nothing'}, and has to read ${topic}`);
  if (push && !pushConfig?.pushEndpoint) return wrong(`it pushes nowhere: ${push.function} gets no message of ${topic}`);
  if (deadLetterTopic !== null && !deadLetterPolicy?.deadLetterTopic) return wrong('it has no dead-letter topic: a message that can never be right is delivered for ever');
  if (push && !retryPolicy) return wrong('it has no retry policy: what fails is delivered again at once (P13)');
  return null;
}

async function checkOf(name: string, look: () => Promise<Check | null | void>): Promise<Check | null> {
  try {
    return (await look()) ?? null;
  } catch (thrown) {
    if (thrown instanceof Error && Reflect.get(thrown, 'code') === NOT_FOUND) return { name, result: 'wrong', found: 'it is not there', mend: TERRAFORM };
    return { name, result: 'wrong', ...foundAndMend(thrown, ROLES, 'run it again; where it goes on, look at https://status.cloud.google.com') };
  }
}
