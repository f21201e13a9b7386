import assert from 'node:assert/strict';
import { readConfig } from '../../../functions/runtime/config.ts';
import { InputError } from '../../../shared/failures/errors.ts';

const least = { GOOGLE_CLOUD_PROJECT: 'small-project' };

describe("a function's configuration", () => {
  it('needs no more than the project', () => {
    assert.deepEqual(readConfig(least), {
      pipelineDirectory: null, project: 'small-project', region: 'us-central1', bigqueryLocation: 'US', stagingDataset: null, firestoreDatabase: '(default)',
      landing: null, serviceUrls: new Map(), maxBytesBilled: 107_374_182_400, functionTimeoutSeconds: 540, reserveSeconds: 20, bigqueryEndpoint: null, startAt: null, lanes: 8, webhook: null, logLevel: 'INFO',
    });
  });
  it('reads every variable', () => {
    assert.deepEqual(readConfig({
      PIPELINE_DIR: '/etc/pipeline', GOOGLE_CLOUD_PROJECT: 'example.com:small-project', REGION: 'europe-west1', BIGQUERY_LOCATION: 'europe-west1', STAGING_DATASET: 'staging', FIRESTORE_DATABASE: 'backfill',
      LANDING: 'gs://small-landing/files', SERVICE_URLS: '{"scrapers":"https://scrapers.run.app/"}', MAX_BYTES_BILLED: '10485760', FUNCTION_TIMEOUT_SECONDS: '60', RESERVE_SECONDS: '5',
      BIGQUERY_API_ENDPOINT: 'http://127.0.0.1:9050/', NOW: '2024-01-15T12:00:00-05:00', LANES: '2', SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T0/B0/x', LOG_LEVEL: 'DEBUG',
    }), {
      pipelineDirectory: '/etc/pipeline', project: 'example.com:small-project', region: 'europe-west1', bigqueryLocation: 'europe-west1', stagingDataset: 'staging', firestoreDatabase: 'backfill',
      landing: 'gs://small-landing/files', serviceUrls: new Map([['scrapers', 'https://scrapers.run.app']]), maxBytesBilled: 10_485_760, functionTimeoutSeconds: 60, reserveSeconds: 5,
      bigqueryEndpoint: 'http://127.0.0.1:9050', startAt: Date.UTC(2024, 0, 15, 17), lanes: 2, webhook: new URL('https://hooks.slack.com/services/T0/B0/x'), logLevel: 'DEBUG',
    });
  });
  it('takes an empty variable for one that is left out, and a folder for landing', () => {
    const config = readConfig({ ...least, LANDING: './landing', NOW: '', SERVICE_URLS: '' });
    assert.deepEqual([config.landing, config.startAt, config.serviceUrls.size], ['./landing', null, 0]);
  });

  it('does not repeat a secret that is wrong', () => {
    assert.throws(() => readConfig({ ...least, SLACK_WEBHOOK_URL: 'hooks.slack.com/services/T0/B0/secret' }), (error: unknown) =>
      error instanceof InputError && /SLACK_WEBHOOK_URL: received something else, which is not shown, allowed is the address of an incoming webhook/.test(error.message) && !error.message.includes('secret'));
  });

  const wrong: Readonly<Record<string, readonly string[]>> = {
    GOOGLE_CLOUD_PROJECT: ['Small', 'x', 'small_project'],
    REGION: ['here', 'us-central1-a'],
    BIGQUERY_LOCATION: ['US; DROP'],
    STAGING_DATASET: ['a-b', 'a.b'],
    FIRESTORE_DATABASE: ['default', '(other)', 'Ab'].slice(1),
    LANDING: ['gs://', 'gs://Bucket', 's3://bucket'],
    SERVICE_URLS: ['x', '[]', '{"a":"scrapers"}', '{"a":"file:///etc/passwd"}', '{"a":7}'],
    MAX_BYTES_BILLED: ['1', '-1', '1e9', 'much'],
    FUNCTION_TIMEOUT_SECONDS: ['0', '601', '9.5'],
    RESERVE_SECONDS: ['0', 'x'],
    BIGQUERY_API_ENDPOINT: ['localhost', 'ftp://x'],
    NOW: ['yesterday', '2024-01-15', '2024-13-01T00:00:00Z'],
    LANES: ['0', '65', 'many'],
    LOG_LEVEL: ['info', 'LOUD'],
  };
  for (const [name, values] of Object.entries(wrong)) {
    it(`refuses a wrong ${name}: names it, what was received, what is allowed`, () => {
      for (const value of values) {
        assert.throws(() => readConfig({ ...least, [name]: value }), (error) => {
          assert.ok(error instanceof InputError, value);
          assert.ok(error.message.startsWith(`${name}: received '${value}', allowed is `), error.message);
          return true;
        }, `${name}=${value}`);
      }
    });
  }
  it('names all that is wrong at once, and what is missing', () => {
    assert.throws(() => readConfig({ LANES: '0' }), /GOOGLE_CLOUD_PROJECT: received nothing, allowed is .*; LANES: received '0', allowed is .*; correct the environment variables/);
  });
  it('refuses a reserve that leaves no time', () => {
    assert.throws(() => readConfig({ ...least, FUNCTION_TIMEOUT_SECONDS: '30', RESERVE_SECONDS: '30' }), /RESERVE_SECONDS: received '30', allowed is .* less than FUNCTION_TIMEOUT_SECONDS/);
  });
});
