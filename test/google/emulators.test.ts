import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Emulator, freePort, startEmulators } from '../../scripts/local-cloud/emulators.ts';
import { InputError, RetrySoonError } from '../../shared/failures/errors.ts';

/** Programs in place of gcloud and java: what they do when they are not as they should be can't be had from the real ones. */
describe('the emulators', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let pidFile: string;
  const program = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const gcloudThat = (script: string): void => program('gcloud', `[ "$1" = --version ] && exit 0\n${script}`);
  /** Like gcloud: the server is a child of a child. */
  const serving = (): string => `node "${join(folder, 'server.js')}" "\${5##*:}"; true`;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sbf-emulators-'));
    env = { PATH: folder };
    for (const tool of ['sh', 'sleep']) symlinkSync(`/bin/${tool}`, join(folder, tool));
    symlinkSync(process.execPath, join(folder, 'node'));
    program('java', 'exit 0');
    pidFile = join(folder, 'pid');
    writeFileSync(join(folder, 'server.js'), `
      require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
      require('node:http').createServer((_, response) => response.end('Ok')).listen(process.argv[2], '127.0.0.1');`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('names a missing gcloud, and how to get it', async () => {
    await assert.rejects(Emulator.start('firestore', { env }), (error) => error instanceof InputError && /'gcloud' is not on the PATH; install it: https:.*cloud-firestore-emulator/.test(error.message));
  });
  it('names a missing java, and how to get it', async () => {
    gcloudThat('exit 0');
    rmSync(join(folder, 'java'));
    await assert.rejects(Emulator.start('pubsub', { env }), (error) => error instanceof InputError && /'java' is not on the PATH; install a Java/.test(error.message));
  });
  it('names a missing component, and how to get it', async () => {
    gcloudThat("echo 'You need the [cloud-firestore-emulator] component to use the Google Cloud Firestore emulator.' >&2; exit 1");
    await assert.rejects(Emulator.start('firestore', { env }), (error) => error instanceof InputError && /component 'cloud-firestore-emulator'.*gcloud components install cloud-firestore-emulator.*google-cloud-cli-firestore-emulator/.test(error.message));
  });
  it('names a Java that is too old', async () => {
    gcloudThat("echo 'Error: java.lang.UnsupportedClassVersionError: class file version 65.0' >&2; exit 1");
    await assert.rejects(Emulator.start('pubsub', { env }), (error) => error instanceof InputError && /version 21/.test(error.message) && /UnsupportedClassVersionError/.test(error.detail));
  });
  it('gives up on one that never answers, and leaves no process of it', async () => {
    gcloudThat(`sh -c 'echo $$ > ${pidFile}; echo still thinking; sleep 60; true'; true`);
    await assert.rejects(Emulator.start('firestore', { env, startWithinMs: 300 }), (error) => error instanceof RetrySoonError && /did not answer on 127\.0\.0\.1:\d+ \(it still runs/.test(error.message) && /still thinking/.test(error.detail));
    assert.equal(await gone(pidFile), true);
  });
  it('stops its whole process group, and comes back on the same port', async () => {
    gcloudThat(serving());
    const emulator = await Emulator.start('firestore', { env });
    assert.equal(await (await fetch(`http://${emulator.host}/`)).text(), 'Ok');
    assert.deepEqual(emulator.env, { FIRESTORE_EMULATOR_HOST: emulator.host, METADATA_SERVER_DETECTION: 'none' });
    const { host } = emulator;
    await emulator.stop();
    assert.equal(emulator.running, false);
    await assert.rejects(fetch(`http://${host}/`));
    assert.equal(await gone(pidFile), true);
    await emulator.start();
    assert.equal(emulator.host, host);
    assert.equal(await (await fetch(`http://${host}/`)).text(), 'Ok');
    await emulator.stop();
    await emulator.stop();
  });
  it('leaves none running when one of two does not start', async () => {
    gcloudThat(`[ "$3" = firestore ] && { echo 'No emulator directory found.'; exit 1; }\n${serving()}`);
    await assert.rejects(startEmulators(['pubsub', 'firestore'], { env }), InputError);
    assert.equal(await gone(pidFile), true);
  });
  it('does not take another program on its port for the emulator', async () => {
    const server = createServer((_, response) => response.end('Ok'));
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    try {
      gcloudThat('exit 1');
      await assert.rejects(Emulator.start('pubsub', { env, port }), (error) => error instanceof InputError && /another program answers/.test(error.message));
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

async function gone(pidFile: string): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    // Written before the server or the sleep begins, or never.
    const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0;
    if (pid === 0) return true;
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  return false;
}
