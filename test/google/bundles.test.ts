import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { buildFunctions } from '../../scripts/build/build-functions.ts';
import { firstAnswer, serveFolder, type ServedBundle } from '../../scripts/build/served-bundle.ts';
import { unpack } from '../../scripts/build/unpack.ts';
import { freePort } from '../../scripts/local-cloud/emulators.ts';
import { base64, push } from '../functions/served.ts';
import { describeWithFirestore, describeWithPubSub, emulatedFirestore, testProject } from './emulated.ts';

/** The zips that are deployed, as they are: what is left out of Google's clients in them is not missed. */
describeWithFirestore('the bundled functions with state on Firestore', (firestoreHost) => {
  describeWithPubSub('and topics on Pub/Sub', (pubsubHost) => {
    const topic = 'nba-backfill-dead-letters';
    let folder: string;
    let served: ServedBundle | null = null;
    before(async function () {
      const { functions } = await buildFunctions('pipelines/nba');
      folder = mkdtempSync(join(tmpdir(), 'bundles-'));
      for (const built of functions) unpack(built, join(folder, built.name), { warmed: built.name === 'backfill-worker' });
    });
    afterEach(async () => {
      await served?.stop();
      served = null;
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    async function start(name: string): Promise<ServedBundle> {
      return (served = serveFolder({
        folder: join(folder, name), target: name, port: await freePort(),
        env: { GOOGLE_CLOUD_PROJECT: testProject, FIRESTORE_EMULATOR_HOST: firestoreHost, PUBSUB_EMULATOR_HOST: pubsubHost, BIGQUERY_API_ENDPOINT: 'http://127.0.0.1:1', LANDING: folder },
      }));
    }

    for (const [name, subscription] of [['backfill-worker', 'backfill-worker-sub'], ['phase-router', 'phase-router-sub-phase_2_raw']] as const) {
      it(`${name} dead-letters a message that can never be right, with its reason`, async () => {
        const pubsub = new PubSub({ projectId: testProject });
        const kept = `kept-${name}-${process.pid}-${Date.now()}`;
        await pubsub.createTopic(topic).catch((error: { code?: number }) => assert.equal(error.code, 6));
        await pubsub.topic(topic).createSubscription(kept);
        try {
          const body = { processor_name: 'Nobody', start_date: '2024-01-05', end_date: '2024-01-05' };
          const id = `message-${process.pid}-${Date.now()}`;
          const bundle = await start(name);
          assert.equal((await firstAnswer(bundle, JSON.stringify(push({ messageId: id, message_id: id, data: base64(body) }, `projects/${testProject}/subscriptions/${subscription}`)))).status, 204, bundle.output());
          const letter = await new Promise<{ readonly data: string; readonly attributes: Readonly<Record<string, string>> }>((resolve, reject) => {
            const listening = pubsub.subscription(kept).on('error', reject).on('message', (message) => {
              message.ack();
              if (message.attributes['dead_letter_source_message_id'] === id) void listening.close().then(() => resolve({ data: message.data.toString(), attributes: message.attributes }));
            });
          });
          assert.deepEqual(JSON.parse(letter.data), body);
          assert.ok(letter.attributes['dead_letter_reason']!.length > 20);
          assert.equal(letter.attributes['dead_letter_source_subscription'], subscription);
          if (name === 'backfill-worker') {
            const firestore = emulatedFirestore();
            const ask = await firestore.collection('asks').doc(id).get();
            await firestore.terminate();
            assert.ok(ask.exists, 'the refused ask is on record');
          }
        } finally {
          await pubsub.subscription(kept).delete();
          await pubsub.close();
        }
      });
    }
  });
});
