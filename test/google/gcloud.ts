import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const publishedSchema = z.object({ messageIds: z.tuple([z.string()]) });

/** Publishes with the program that a person uses, against the emulator, and hands back the message's id. */
export async function publishWithGcloud(environment: Readonly<Record<string, string>>, topic: string, message: object): Promise<string> {
  const { stdout } = await promisify(execFile)('gcloud', ['pubsub', 'topics', 'publish', topic, `--message=${JSON.stringify(message)}`, '--format=json'], {
    env: {
      ...process.env, CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: `http://${environment['PUBSUB_EMULATOR_HOST'] ?? ''}/`, CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
      CLOUDSDK_CORE_PROJECT: environment['GOOGLE_CLOUD_PROJECT'] ?? '',
    },
  });
  return publishedSchema.parse(JSON.parse(stdout)).messageIds[0];
}
