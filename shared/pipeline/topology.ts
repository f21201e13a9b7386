import type { Pipeline } from './pipeline.ts';

/**
 * The topics and subscriptions of a pipeline, with their delivery settings: what the embedded bus, the local cloud and
 * terraform/modules/messaging all make, so that a message meets the same rules everywhere. Limits of the settings:
 * https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
 */

export type TopicKind = 'requests' | 'completion' | 'detection' | 'coordination' | 'dead_letters' | 'alerts' | 'trigger';

/** The functions that push subscriptions deliver to. */
export type PushedFunction = 'backfill-worker' | 'phase-router' | 'gap-detector' | 'stage-coordinator';

export interface TopologyTopic {
  readonly name: string;
  readonly kind: TopicKind;
  /** Of a completion topic: whose runs it tells of. Of a trigger topic: the phase that is started by it. */
  readonly phase?: string;
}

export interface TopologySubscription {
  readonly name: string;
  readonly topic: string;
  /** null: messages are kept until a person pulls them. */
  readonly push: { readonly function: PushedFunction } | null;
  readonly ackDeadlineSeconds: number;
  /** Pause after the first failed delivery; without a retry policy Pub/Sub delivers again at once (P13). */
  readonly minBackoffSeconds: number;
  readonly maxBackoffSeconds: number;
  /** null: messages never leave the subscription but by an acknowledgement. */
  readonly deadLetterTopic: string | null;
  readonly maxDeliveryAttempts: number;
}

export interface Topology {
  readonly topics: readonly TopologyTopic[];
  readonly subscriptions: readonly TopologySubscription[];
}

/** The time a person has to read what was pulled by hand. Pub/Sub's default of 10 s would show it again meanwhile. */
const KEPT_ACK_DEADLINE_SECONDS = 60;
/**
 * The shortest and longest backoff that Pub/Sub knows. A nack means only that state could not be reached, so the attempts
 * have to last through an outage: with this backoff 20 take two and a half hours, where the least that is allowed, 5, take
 * two and a half minutes (P7: Pub/Sub counts approximately; state counts too).
 */
const delivery = { minBackoffSeconds: 10, maxBackoffSeconds: 600, maxDeliveryAttempts: 20 } as const;

/** The topic whose messages start a detection. */
export function detectionTopicOf(pipeline: Pipeline): string {
  return pipeline.topics.gap_detection ?? `${pipeline.name}-gap-detection`;
}

/** The topic whose messages have staged backfills advanced. */
export function coordinationTopicOf(pipeline: Pipeline): string {
  return pipeline.topics.stage_coordination ?? `${pipeline.name}-stage-coordination`;
}

/** The subscription that keeps the messages of a topic for a person (P5: without one they are lost). */
export function keptSubscriptionOf(topic: string): string {
  return `${topic}-sub`;
}

export function topologyOf(pipeline: Pipeline): Topology {
  const { topics, subscriptions } = pipeline;
  const detection = detectionTopicOf(pipeline);
  const coordination = coordinationTopicOf(pipeline);
  const pushed = { ...delivery, ackDeadlineSeconds: subscriptions.ack_deadline_seconds, deadLetterTopic: topics.dead_letters };
  const kept = { ...delivery, push: null, ackDeadlineSeconds: KEPT_ACK_DEADLINE_SECONDS, deadLetterTopic: null };
  return {
    topics: [
      { name: topics.backfill_requests, kind: 'requests' },
      { name: detection, kind: 'detection' },
      { name: coordination, kind: 'coordination' },
      { name: topics.dead_letters, kind: 'dead_letters' },
      { name: topics.alerts, kind: 'alerts' },
      ...pipeline.phases.map(({ name, completionTopic }) => ({ name: completionTopic, kind: 'completion', phase: name }) as const),
      ...triggersOf(pipeline),
    ],
    subscriptions: [
      { ...pushed, name: subscriptions.backfill_worker, topic: topics.backfill_requests, push: { function: 'backfill-worker' } },
      { ...pushed, name: subscriptions.gap_detector ?? 'gap-detector-sub', topic: detection, push: { function: 'gap-detector' } },
      { ...pushed, name: subscriptions.stage_coordinator ?? 'stage-coordinator-sub', topic: coordination, push: { function: 'stage-coordinator' } },
      ...pipeline.phases.map(({ name, completionTopic }) => ({
        ...pushed, name: `${subscriptions.phase_router}-${name}`, topic: completionTopic, push: { function: 'phase-router' },
      }) as const),
      { ...kept, name: keptSubscriptionOf(topics.dead_letters), topic: topics.dead_letters },
      { ...kept, name: keptSubscriptionOf(topics.alerts), topic: topics.alerts },
    ],
  };
}

/** Topics that start something outside: a phase's cascade, a processor's run. Who listens there makes the subscription. */
function triggersOf({ phases, processors }: Pipeline): readonly TopologyTopic[] {
  const cascades = phases.flatMap(({ name, cascadeTopic }) => (cascadeTopic === null ? [] : [[cascadeTopic, name] as const]));
  const runs = processors.flatMap(({ googleTarget, phase }) => (googleTarget !== null && 'pubsub' in googleTarget ? [[googleTarget.pubsub, phase.name] as const] : []));
  // The first phase that uses a topic names it.
  return [...new Map([...runs.toReversed(), ...cascades.toReversed()])].map(([name, phase]) => ({ name, kind: 'trigger', phase }) as const);
}
