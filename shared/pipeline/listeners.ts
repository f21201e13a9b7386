import type { Phase, Pipeline } from './pipeline.ts';
import { topologyOf } from './topology.ts';

/** Who listens to a completion topic besides the phase router: what enforce cannot hold back. */

/** A subscription as the message service tells of it. */
export interface Listener {
  /** Its short name. */
  readonly subscription: string;
  /** Where it pushes to, or another kind of receiver in words; null where somebody pulls. */
  readonly deliversTo: string | null;
}

/** The subscriptions on a topic, ours among them; null where there is no such topic. */
export type ListListeners = (topic: string) => Promise<readonly Listener[] | null>;

export interface TopicListeners {
  readonly phase: Phase;
  readonly topic: string;
  /** False where there is no such topic yet. */
  readonly exists: boolean;
  /** The router's own subscription is among them. */
  readonly hasRouter: boolean;
  /** Not ours, by name. */
  readonly others: readonly Listener[];
}

/** One entry a phase, in order. Throws what `list` throws. */
export async function completionListeners(pipeline: Pipeline, list: ListListeners): Promise<readonly TopicListeners[]> {
  const { subscriptions } = topologyOf(pipeline);
  return Promise.all(pipeline.phases.map(async (phase): Promise<TopicListeners> => {
    const topic = phase.completionTopic;
    const found = await list(topic);
    const ours = new Set(subscriptions.filter((subscription) => subscription.topic === topic).map(({ name }) => name));
    const others = (found ?? []).filter(({ subscription }) => !ours.has(subscription));
    return { phase, topic, exists: found !== null, hasRouter: (found ?? []).some(({ subscription }) => ours.has(subscription)), others };
  }));
}
