import type { BigQuery } from '@google-cloud/bigquery';
import type { Firestore } from '@google-cloud/firestore';
import type { PubSub } from '@google-cloud/pubsub';
import type { GoogleAuth } from 'google-auth-library';
import type { GoogleConfig } from './config.ts';

/** Google's clients, each loaded and made when it is first used, once: together they take most of a cold start. */
export interface GoogleClients {
  readonly firestore: () => Promise<Firestore>;
  readonly bigquery: () => Promise<BigQuery>;
  readonly pubsub: () => Promise<PubSub>;
  readonly auth: () => Promise<GoogleAuth>;
}

export function googleClients({ project: projectId, firestoreDatabase, bigqueryLocation, bigqueryEndpoint }: GoogleConfig): GoogleClients {
  return {
    firestore: once(async () => {
      const { Firestore } = await import('@google-cloud/firestore');
      return new Firestore({ projectId, databaseId: firestoreDatabase });
    }),
    bigquery: once(async () => {
      const { BigQuery } = await import('@google-cloud/bigquery');
      if (bigqueryEndpoint === null) return new BigQuery({ projectId, location: bigqueryLocation });
      // Whatever answers there is not Google's, and is sent no credentials.
      const { PassThroughClient } = await import('google-auth-library');
      return new BigQuery({ projectId, location: bigqueryLocation, apiEndpoint: bigqueryEndpoint, authClient: new PassThroughClient() });
    }),
    pubsub: once(async () => {
      const { PubSub } = await import('@google-cloud/pubsub');
      return new PubSub({ projectId });
    }),
    auth: once(async () => {
      const { GoogleAuth } = await import('google-auth-library');
      return new GoogleAuth({ projectId, scopes: ['https://www.googleapis.com/auth/cloud-platform'] });
    }),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}
