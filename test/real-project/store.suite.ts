import { Firestore } from '@google-cloud/firestore';
import { requestStoreContract } from '../contract/request-store.ts';
import { storeUnder } from '../google/firestore-store-under-test.ts';
import { note, realProject } from './real-project.ts';

const real = realProject();
let roots = 0;

describe(`Firestore database ${real.database} of ${real.project}`, () => {
  afterEach(function noted() {
    const { err } = this.currentTest ?? {};
    if (err) note(real, 'firestore', { code: 'code' in err ? err.code : null, reason: null, message: err.message });
  });
  requestStoreContract('Firestore', async () => {
    roots += 1;
    return storeUnder(`smart-backfill-tests/${real.prefix}${roots}`, () => new Firestore({ projectId: real.project, databaseId: real.database }));
  });
});
