import type { PubSub } from '@google-cloud/pubsub';
import { z } from 'zod';
import type { Listener, ListListeners } from '../pipeline/listeners.ts';

/** gRPC's NOT_FOUND: https://grpc.io/docs/guides/status-codes/ */
const NOT_FOUND = 5;
const shortName = /^projects\/[^/]+\/subscriptions\/(.+)$/;

const metadataSchema = z.looseObject({
  pushConfig: z.looseObject({ pushEndpoint: z.string().nullish() }).nullish(),
  bigqueryConfig: z.looseObject({ table: z.string().nullish() }).nullish(),
  cloudStorageConfig: z.looseObject({ bucket: z.string().nullish() }).nullish(),
});

/**
 * The subscriptions on a topic of the client's project, by their short names (those of other projects by their full ones),
 * and where each delivers to. Needs roles/pubsub.viewer.
 */
export function pubsubListeners(pubsub: PubSub): ListListeners {
  return async (topic) => {
    const found = await unlessGone(() => pubsub.topic(topic).getSubscriptions());
    if (found === null) return null;
    // The emulator answers an unknown topic with an empty list.
    if (found[0].length === 0 && !(await pubsub.topic(topic).exists())[0]) return null;
    const listeners = await Promise.all(found[0].map(async (subscription): Promise<Listener | null> => {
      // It may have been deleted since it was listed.
      const answer = await unlessGone(() => subscription.getMetadata());
      return answer && { subscription: nameIn(pubsub.projectId, subscription.name), deliversTo: receiverOf(answer[0]) };
    }));
    return listeners.filter((listener) => listener !== null);
  };
}

function nameIn(projectId: string, name: string): string {
  const [, short] = shortName.exec(name) ?? [];
  return short !== undefined && name.startsWith(`projects/${projectId}/`) ? short : name;
}

function receiverOf(metadata: unknown): string | null {
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) return null;
  const { pushConfig, bigqueryConfig, cloudStorageConfig } = parsed.data;
  if (bigqueryConfig?.table) return `BigQuery table ${bigqueryConfig.table}`;
  if (cloudStorageConfig?.bucket) return `bucket ${cloudStorageConfig.bucket}`;
  return pushConfig?.pushEndpoint || null;
}

async function unlessGone<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (thrown) {
    if (thrown instanceof Error && Reflect.get(thrown, 'code') === NOT_FOUND) return null;
    throw thrown;
  }
}
