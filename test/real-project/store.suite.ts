import { Firestore } from '@google-cloud/firestore';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import { rankedProcessors, requestStoreContract, type StoreUnderTest } from '../contract/request-store.ts';
import { PendingHistory } from '../google/firestore-history.ts';
import { note, realProject } from './real-project.ts';

const real = realProject();
const connect = (): Firestore => new Firestore({ projectId: real.project, databaseId: real.database });
let roots = 0;

function opened(root: string, client: Firestore = connect()): StoreUnderTest {
  const store = new FirestoreRequestStore(client, { rankOf: (processor) => rankedProcessors.findIndex((name) => name === processor), root });
  return {
    store,
    history: new PendingHistory(store.history),
    async reopen() {
      await store.close();
      await client.terminate();
      return opened(root);
    },
    async crash() {
      await client.terminate();
      return opened(root);
    },
    async dispose() {
      await store.close();
      await client.terminate();
    },
  };
}

describe(`Firestore database ${real.database} of ${real.project}`, () => {
  afterEach(function noted() {
    const { err } = this.currentTest ?? {};
    if (err) note(real, 'firestore', { code: 'code' in err ? err.code : null, reason: null, message: err.message });
  });
  requestStoreContract('Firestore', async () => {
    roots += 1;
    return opened(`smart-backfill-tests/${real.prefix}${roots}`);
  });
});
