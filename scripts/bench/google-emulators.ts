import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { Firestore } from '@google-cloud/firestore';
import { PubSub } from '@google-cloud/pubsub';
import { Emulator } from '../local-cloud/emulators.ts';

/** Google's Pub/Sub and Firestore emulators with a client of each, for one bench. */
export interface BenchEmulators {
  readonly pubsub: PubSub;
  readonly firestore: Firestore;
  /** Answers whatever else is pushed. */
  readonly elsewhere: Server;
  close(served: readonly Server[]): Promise<void>;
}

export async function startBenchEmulators(projectId: string): Promise<BenchEmulators> {
  const emulators = await Promise.all([Emulator.start('firestore', { env: process.env }), Emulator.start('pubsub', { env: process.env })]);
  for (const emulator of emulators) Object.assign(process.env, emulator.env);
  process.env['METADATA_SERVER_DETECTION'] = 'none';
  const [pubsub, firestore] = [new PubSub({ projectId }), new Firestore({ projectId })];
  const elsewhere = await listening(createServer((_request, response) => { response.writeHead(204).end(); }));
  return {
    pubsub, firestore, elsewhere,
    close: async (served) => {
      // What is still being answered reads state: its client stays until then.
      await Promise.all([...served, elsewhere].map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
      await pubsub.close();
      await firestore.terminate();
      for (const emulator of emulators) await emulator.stop();
    },
  };
}

export async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}
