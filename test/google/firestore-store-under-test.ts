import type { Firestore } from '@google-cloud/firestore';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import { rankedProcessors } from '../contract/request-records.ts';
import type { StoreUnderTest } from '../contract/request-store.ts';
import { PendingHistory } from './firestore-history.ts';

/** A store under a root of its own; opened again and after a crash with another client. */
export function storeUnder(root: string, connect: () => Firestore): StoreUnderTest {
  const client = connect();
  const store = new FirestoreRequestStore(client, { rankOf: (processor) => rankedProcessors.findIndex((name) => name === processor), root });
  return {
    store,
    history: new PendingHistory(store.history),
    async reopen() {
      await store.close();
      await client.terminate();
      return storeUnder(root, connect);
    },
    async crash() {
      // What a killed process leaves is in Firestore; nothing of its memory is.
      await client.terminate();
      return storeUnder(root, connect);
    },
    async dispose() {
      await store.close();
      await client.terminate();
    },
  };
}
