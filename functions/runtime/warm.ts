import { googleClients } from './clients.ts';
import { readConfig } from './config.ts';

/** Loads and makes every client, connecting none: for the build, which keeps what has been compiled by then. */
export async function warm(): Promise<void> {
  const clients = googleClients(readConfig({ GOOGLE_CLOUD_PROJECT: 'warm-project' }));
  const [firestore, , pubsub] = await Promise.all([clients.firestore(), clients.bigquery(), clients.pubsub(), clients.auth(), import('../../shared/google/pubsub-message-bus.ts')]);
  await pubsub.close();
  await firestore.terminate();
}
