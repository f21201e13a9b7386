import type { CreateSubscriptionOptions, PubSub } from '@google-cloud/pubsub';
import { InputError } from '../../shared/failures/errors.ts';
import type { PushedFunction, Topology, TopologySubscription } from '../../shared/pipeline/topology.ts';

/** gRPC's code for what is there already. */
const ALREADY_EXISTS = 6;

/** What `makeTopics` did, by name. */
export interface TopicsMade {
  readonly created: readonly string[];
  /** Subscriptions that were there with other settings, now set. */
  readonly changed: readonly string[];
}

/**
 * Makes a topology's topics and subscriptions on an emulator, as terraform/modules/messaging does on Google; what is
 * there already is left, or set right. `endpointOf` gives the address that a function is served at. Without OIDC: the
 * emulator signs nothing, and the functions trust no header anyhow.
 */
export async function makeTopics(client: PubSub, { topics, subscriptions }: Topology, endpointOf: (name: PushedFunction) => string): Promise<TopicsMade> {
  const madeTopics = await Promise.all(topics.map(async ({ name }) => (await made(() => client.createTopic(name))) ? [name] : []));
  // After the topics: a subscription names its own and the one of its dead letters.
  const results = await Promise.all(subscriptions.map(async (subscription) => {
    const settings = settingsOf(client, subscription, endpointOf);
    if (await made(() => client.topic(subscription.topic).createSubscription(subscription.name, settings))) return { name: subscription.name, did: 'created' } as const;
    return { name: subscription.name, did: await setRight(client, subscription, settings) } as const;
  }));
  const names = (did: 'created' | 'changed'): string[] => results.filter((result) => result.did === did).map(({ name }) => name);
  return { created: [...madeTopics.flat(), ...names('created')], changed: names('changed') };
}

/** A subscription's settings as Pub/Sub takes them. */
function settingsOf(client: PubSub, subscription: TopologySubscription, endpointOf: (name: PushedFunction) => string): CreateSubscriptionOptions {
  const { push, deadLetterTopic } = subscription;
  return {
    ackDeadlineSeconds: subscription.ackDeadlineSeconds,
    // P13: without it Pub/Sub delivers again at once.
    retryPolicy: { minimumBackoff: { seconds: subscription.minBackoffSeconds }, maximumBackoff: { seconds: subscription.maxBackoffSeconds } },
    // Never: a subscription that nothing is sent to for a month would be deleted, with all that comes after.
    expirationPolicy: {},
    ...(push ? { pushConfig: { pushEndpoint: endpointOf(push.function) } } : {}),
    ...(deadLetterTopic === null ? {} : { deadLetterPolicy: { deadLetterTopic: fullName(client, deadLetterTopic), maxDeliveryAttempts: subscription.maxDeliveryAttempts } }),
  };
}

async function setRight(client: PubSub, subscription: TopologySubscription, settings: CreateSubscriptionOptions): Promise<'changed' | 'unchanged'> {
  const there = client.subscription(subscription.name);
  const [now] = await there.getMetadata();
  if (now.topic !== fullName(client, subscription.topic)) {
    throw new InputError(`subscription '${subscription.name}' reads ${String(now.topic)}, and should read '${subscription.topic}', which cannot be changed; delete it (gcloud pubsub subscriptions delete ${subscription.name}) or start the emulator anew`);
  }
  if (comparable(now) === comparable(settings)) return 'unchanged';
  const { pushConfig, ackDeadlineSeconds, retryPolicy, deadLetterPolicy } = settings;
  await there.setMetadata({ ackDeadlineSeconds, retryPolicy, pushConfig: pushConfig ?? {}, deadLetterPolicy: deadLetterPolicy ?? {} });
  return 'changed';
}

interface Duration {
  readonly seconds?: unknown;
}
interface Compared {
  readonly ackDeadlineSeconds?: number | null;
  readonly retryPolicy?: { readonly minimumBackoff?: Duration | null; readonly maximumBackoff?: Duration | null } | null;
  readonly pushConfig?: { readonly pushEndpoint?: string | null } | null;
  readonly deadLetterPolicy?: { readonly deadLetterTopic?: string | null; readonly maxDeliveryAttempts?: number | null } | null;
}

/** What of a subscription can differ, as text: numbers come back as texts, and what is left out as null. */
function comparable({ ackDeadlineSeconds, retryPolicy, pushConfig, deadLetterPolicy }: Compared): string {
  return JSON.stringify([
    ackDeadlineSeconds ?? 0, Number(retryPolicy?.minimumBackoff?.seconds ?? 0), Number(retryPolicy?.maximumBackoff?.seconds ?? 0),
    pushConfig?.pushEndpoint || null, deadLetterPolicy?.deadLetterTopic || null, deadLetterPolicy?.maxDeliveryAttempts ?? 0,
  ]);
}

function fullName(client: PubSub, topic: string): string {
  return `projects/${client.projectId}/topics/${topic}`;
}

/** False: it was there already. */
async function made(make: () => Promise<unknown>): Promise<boolean> {
  try {
    await make();
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && Reflect.get(thrown, 'code') === ALREADY_EXISTS) return false;
    throw thrown;
  }
}
