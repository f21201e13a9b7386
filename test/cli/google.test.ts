import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { mini, Sandbox, type Ended } from './harness.ts';

const nba = join(import.meta.dirname, '../../pipelines/nba');

/** A port of this machine that nobody listens on: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const address = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

describe('the command line with --runtime google, as far as it goes without Google', function () {
  this.timeout(60_000);
  const sandbox = new Sandbox();
  after(() => sandbox.remove());
  const none = { GOOGLE_CLOUD_PROJECT: '', PIPELINE_DIR: '', PUBSUB_EMULATOR_HOST: '', FIRESTORE_EMULATOR_HOST: '', BIGQUERY_API_ENDPOINT: '', LANDING: '', SERVICE_URLS: '', REGION: '', NOW: '' };
  const right = { ...none, GOOGLE_CLOUD_PROJECT: 'demo-nowhere', LANDING: 'landing', METADATA_SERVER_DETECTION: 'none' };
  const google = (env: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<Ended> => sandbox.call([...words, '--runtime', 'google'], { env: { ...none, ...env } });
  const ended = (result: Ended, code: number): Ended => {
    assert.equal(result.code, code, `${result.stdout}\n${result.stderr}`);
    assert.doesNotMatch(result.stderr, /\n {4}at /);
    return result;
  };

  it('names a variable that is missing, with what is allowed and where it is had from', async () => {
    const { stdout, stderr } = ended(await google({}, 'gaps', '--pipeline', nba), 2);
    assert.equal(stdout, '');
    assert.match(stderr, /GOOGLE_CLOUD_PROJECT: received nothing, allowed is the id of a project.*npm run cloud:local.*doctor/);
  });

  it('names every variable that is wrong at once', async () => {
    const { stderr } = ended(await google({ GOOGLE_CLOUD_PROJECT: 'X', REGION: 'moon', NOW: 'soon' }, 'recover', '--yes', '--pipeline', nba), 2);
    for (const name of ['GOOGLE_CLOUD_PROJECT', 'REGION', 'NOW']) assert.match(stderr, new RegExp(`${name}: received '`));
  });

  it('has doctor name each variable that is wrong as a check of its own, with exit code 3', async () => {
    const { stdout } = ended(await google({ REGION: 'moon' }, 'doctor', '--pipeline', nba), 3);
    assert.match(stdout, /wrong {2}variable GOOGLE_CLOUD_PROJECT: received nothing/);
    assert.match(stdout, /wrong {2}variable REGION: received 'moon'/);
  });

  it('says what a definition lacks on Google', async () => {
    const { stderr } = ended(await google(right, 'gaps', '--pipeline', mini), 2);
    assert.match(stderr, /Schedule, Scores, Form can be run in the embedded runtime only; give each a target for Google/);
    assert.match(ended(await google({}, 'pipeline', 'validate', '--pipeline', mini), 2).stderr, /embedded runtime only/);
    assert.match(ended(await google({}, 'pipeline', 'validate', '--pipeline', nba), 0).stdout, /^valid/);
  });

  it('takes the definition that the functions are told of, unless --pipeline names another', async () => {
    assert.match(ended(await google({ PIPELINE_DIR: join(nba, 'nowhere') }, 'gaps'), 2).stderr, /there is no pipeline\.yaml in .*nowhere/);
    assert.match(ended(await google({ PIPELINE_DIR: join(nba, 'nowhere') }, 'pipeline', 'validate', '--pipeline', nba), 0).stdout, /^valid/);
  });

  for (const variable of ['PUBSUB_EMULATOR_HOST', 'FIRESTORE_EMULATOR_HOST', 'BIGQUERY_API_ENDPOINT'] as const) {
    it(`ends with exit code 4, at once, where nobody answers at ${variable}`, async () => {
      const place = `${variable === 'BIGQUERY_API_ENDPOINT' ? 'http://' : ''}127.0.0.1:${await closedPort()}`;
      const { stderr } = ended(await google({ ...right, [variable]: place }, 'requests', 'list', '--pipeline', nba), 4);
      assert.match(stderr, new RegExp(`nobody answers at ${place}, where ${variable} says .*npm run cloud:local`));
    });
  }

  it('has doctor say which services do not answer, and go on with the other checks', async () => {
    const port = await closedPort();
    const away = { PUBSUB_EMULATOR_HOST: `127.0.0.1:${port}`, FIRESTORE_EMULATOR_HOST: `127.0.0.1:${port}`, BIGQUERY_API_ENDPOINT: `http://127.0.0.1:${port}` };
    const { stdout } = ended(await google({ ...right, ...away }, 'doctor', '--pipeline', nba), 3);
    for (const name of ['Firestore', 'BigQuery', 'Pub/Sub']) assert.match(stdout, new RegExp(`wrong {2}${name}: nobody answers`));
    assert.match(stdout, /ok {5}definition: nba[^]*note {3}services: SERVICE_URLS does not say where nba-sources is/);
  });

  it('loads nothing of Google for a command of the embedded runtime', async () => {
    const child = sandbox.start(['gaps', '--pipeline', mini, '--state', sandbox.state()], { script: join(import.meta.dirname, 'loaded-child.ts') });
    assert.deepEqual(JSON.parse(ended(await child.ended, 0).stdout), { code: 3, loaded: [] });
  });

  for (const [words, says] of [
    [['up', '--pipeline', nba], /received up with --runtime google; allowed is --runtime embedded; on Google the functions are up already/],
    [['demo'], /received demo with --runtime google; allowed is --runtime embedded; on Google .*cloud:local/],
    [['doctor', '--drop-dead-letters', '--pipeline', nba], /received --drop-dead-letters with --runtime google.*gcloud pubsub subscriptions pull/],
    [['why', 'PlayerGameSumaryProcessor', '2023-11-15', '--pipeline', nba], /did you mean PlayerGameSummaryProcessor\?/],
    [['publish', 'nba-phase3-analytics-complet', '{}', '--pipeline', nba], /did you mean nba-phase3-analytics-complete\?/],
  ] as const) {
    it(`refuses ${words.slice(0, 2).join(' ')}`, async () => {
      assert.match(ended(await google(right, ...words), 2).stderr, says);
    });
  }
});
