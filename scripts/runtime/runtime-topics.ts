import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { detectionTopicOf, keptSubscriptionOf } from '../../shared/pipeline/topology.ts';

/** The topics that commands name. */
export interface RuntimeTopics {
  readonly requests: string;
  readonly detection: string;
  readonly deadLetters: string;
  readonly deadLetterSubscription: string;
}

export function topicsOf(pipeline: Pipeline): RuntimeTopics {
  return {
    requests: pipeline.topics.backfill_requests,
    detection: detectionTopicOf(pipeline),
    deadLetters: pipeline.topics.dead_letters,
    deadLetterSubscription: keptSubscriptionOf(pipeline.topics.dead_letters),
  };
}
