import assert from 'node:assert/strict';
import { Firestore } from '@google-cloud/firestore';
import { Emulator } from '../../scripts/local-cloud/emulators.ts';
import { RetrySoonError } from '../../shared/failures/errors.ts';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import { cellWith, raw15 } from '../contract/request-records.ts';
import { describeWithFirestore, freshRoot, testProject } from './emulated.ts';

describeWithFirestore('an emulator that goes away and comes back', () => {
  let emulator: Emulator;
  let client: Firestore;
  const host = process.env['FIRESTORE_EMULATOR_HOST'];
  before(async () => {
    emulator = await Emulator.start('firestore', { env: process.env });
    // The client reads its variable when it is made, and only then.
    process.env['FIRESTORE_EMULATOR_HOST'] = emulator.host;
    client = new Firestore({ projectId: testProject });
    process.env['FIRESTORE_EMULATOR_HOST'] = host;
  });
  after(async () => {
    await client.terminate();
    await emulator.stop();
  });

  it('is a RetrySoonError while it is away, and served again by the same client afterwards', async () => {
    const root = freshRoot();
    const store = new FirestoreRequestStore(client, { rankOf: () => 0, root, patienceMs: 2000 });
    // A Java that has just started answers its first request late.
    const patient = new FirestoreRequestStore(client, { rankOf: () => 0, root });
    const write = (to = store): Promise<number> => to.transact({ cells: [raw15] }, () => ({ writes: { cells: [cellWith(raw15, {})] }, result: 1 }));
    assert.equal(await write(patient), 1);
    await emulator.stop();
    await Promise.all([() => write(), () => store.cell(raw15), () => store.queued(0, 1)].map(async (action) => assert.rejects(action(), RetrySoonError)));
    await emulator.start();
    const deadline = Date.now() + 40_000;
    for (;;) {
      try {
        assert.equal(await write(), 1);
        break;
      } catch (error) {
        assert.ok(error instanceof RetrySoonError && Date.now() < deadline, String(error));
      }
    }
    assert.equal((await patient.openCells()).length, 1);
  });
});
