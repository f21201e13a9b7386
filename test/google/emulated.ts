import { Firestore } from '@google-cloud/firestore';

/** The project that tests name; `demo-` projects never reach Google. */
export const testProject = process.env['GOOGLE_CLOUD_PROJECT'] ?? 'demo-smart-backfill';

const howToGetThem = "'npm run test:integration' starts Google's emulators and runs these suites (it needs gcloud and java)";

/**
 * A suite that needs an emulator: skipped by name, with the reason, where the clients' variable does not say where it is;
 * failed there when REQUIRE_EMULATORS=1, so that CI cannot pass without it.
 */
function describeWith(variable: string, what: string, name: string, body: (host: string) => void): void {
  const host = process.env[variable];
  if (host) {
    describe(name, () => body(host));
  } else if (process.env['REQUIRE_EMULATORS'] === '1') {
    describe(name, () => {
      it(`has the ${what}`, () => {
        throw new Error(`${variable} is not set, and REQUIRE_EMULATORS=1 forbids to skip this suite; ${howToGetThem}`);
      });
    });
  } else {
    describe.skip(`${name} (skipped: ${variable} is not set; ${howToGetThem})`, () => body(`127.0.0.1:1`));
  }
}

export function describeWithFirestore(name: string, body: (host: string) => void): void {
  describeWith('FIRESTORE_EMULATOR_HOST', 'Firestore emulator', name, body);
}

export function describeWithPubSub(name: string, body: (host: string) => void): void {
  describeWith('PUBSUB_EMULATOR_HOST', 'Pub/Sub emulator', name, body);
}

/** Suites of the local cloud need both. */
export function describeWithEmulators(name: string, body: () => void): void {
  if (process.env['FIRESTORE_EMULATOR_HOST']) describeWith('PUBSUB_EMULATOR_HOST', 'Pub/Sub emulator', name, body);
  else describeWith('FIRESTORE_EMULATOR_HOST', 'Firestore emulator', name, body);
}

/** A client of the emulator; the caller terminates it. */
export function emulatedFirestore(): Firestore {
  return new Firestore({ projectId: testProject });
}

let roots = 0;

/** A document path of its own for each test, so that none sees another's records. */
export function freshRoot(): string {
  roots += 1;
  return `tests/${process.pid}-${Date.now()}-${roots}`;
}
