import { requestStoreContract } from '../contract/request-store.ts';
import { describeWithFirestore, emulatedFirestore, freshRoot } from './emulated.ts';
import { storeUnder } from './firestore-store-under-test.ts';

describeWithFirestore('FirestoreRequestStore', () => {
  requestStoreContract('Firestore', async () => storeUnder(freshRoot(), () => emulatedFirestore()));
});
