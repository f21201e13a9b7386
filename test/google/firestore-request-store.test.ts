import type { Firestore } from '@google-cloud/firestore';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import { rankedProcessors, requestStoreContract, type StoreUnderTest } from '../contract/request-store.ts';
import { describeWithFirestore, emulatedFirestore, freshRoot } from './emulated.ts';
import { PendingHistory } from './firestore-history.ts';

export const rankOf = (processor: string): number => rankedProcessors.findIndex((name) => name === processor);

function opened(root: string, client: Firestore = emulatedFirestore()): StoreUnderTest {
  const store = new FirestoreRequestStore(client, { rankOf, root });
  return {
    store,
    history: new PendingHistory(store.history),
    async reopen() {
      await store.close();
      await client.terminate();
      return opened(root);
    },
    async crash() {
      // What a killed process leaves is in Firestore; nothing of its memory is.
      await client.terminate();
      return opened(root);
    },
    async dispose() {
      await store.close();
      await client.terminate();
    },
  };
}

describeWithFirestore('FirestoreRequestStore', () => {
  requestStoreContract('Firestore', async () => opened(freshRoot()));
});
