import { connect } from 'node:net';
import type { Environment } from '../../functions/runtime/config.ts';

/** The places of a local cloud that an environment names: where one does not answer, Google's clients try again for long. */

const LOCAL = {
  PUBSUB_EMULATOR_HOST: 'the Pub/Sub emulator', FIRESTORE_EMULATOR_HOST: 'the Firestore emulator', BIGQUERY_API_ENDPOINT: "the local cloud's BigQuery",
} as const;
export type LocalVariable = keyof typeof LOCAL;

const ANSWERS_WITHIN_MS = 2000;

export interface Unreachable {
  readonly variable: LocalVariable;
  readonly text: string;
}

/** Those that nobody answers at. */
export async function unreachablePlaces(environment: Environment): Promise<readonly Unreachable[]> {
  const variables = ['PUBSUB_EMULATOR_HOST', 'FIRESTORE_EMULATOR_HOST', 'BIGQUERY_API_ENDPOINT'] as const;
  const found = await Promise.all(variables.map(async (variable) => {
    const place = environment[variable];
    if (place === undefined || place === '') return [];
    const url = place.includes('://') ? place : `http://${place}`;
    if (!URL.canParse(url)) return [{ variable, text: `${variable} is '${place}', which names no host and port` }];
    const { hostname, port, protocol } = new URL(url);
    return (await answers(hostname, Number(port) || (protocol === 'https:' ? 443 : 80))) ? [] : [{ variable, text: `nobody answers at ${place}, where ${variable} says that ${LOCAL[variable]} is` }];
  }));
  return found.flat();
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: ANSWERS_WITHIN_MS });
    const end = (answered: boolean) => (): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
    socket.once('timeout', end(false));
  });
}
