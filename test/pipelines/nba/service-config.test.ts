import assert from 'node:assert/strict';
import { join } from 'node:path';
import { configOf } from '../../../pipelines/nba/service/config.ts';
import { InputError } from '../../../shared/failures/errors.ts';

const least = { LANDING: 'gs://nba-landing', GOOGLE_CLOUD_PROJECT: 'nba-project' };

describe('The configuration of the nba-sources service', () => {
  it('needs where to land and which project, and has defaults for the rest', () => {
    assert.deepEqual(configOf(least, '/srv/nba'), {
      landing: 'gs://nba-landing', project: 'nba-project', bigqueryEndpoint: null, bigqueryLocation: 'US', pipelineDirectory: '/srv/nba', sourceDirectory: join('/srv/nba', 'source'), outagesAllowed: false,
    });
  });

  it('takes what it is told, and a variable set to nothing as not set', () => {
    const config = configOf({ ...least, BIGQUERY_API_ENDPOINT: 'http://127.0.0.1:9050', BIGQUERY_LOCATION: ' ', PIPELINE_DIR: '/p', SOURCE_DIR: '/s', OUTAGES: 'allowed' }, '/srv/nba');
    assert.deepEqual([config.bigqueryEndpoint, config.bigqueryLocation, config.pipelineDirectory, config.sourceDirectory, config.outagesAllowed], ['http://127.0.0.1:9050', 'US', '/p', '/s', true]);
  });

  it('names every variable that is missing or wrong', () => {
    assert.throws(() => configOf({ OUTAGES: 'yes', BIGQUERY_API_ENDPOINT: 'localhost' }, '/'), (thrown) => {
      assert.ok(thrown instanceof InputError);
      for (const name of ['LANDING: missing', 'GOOGLE_CLOUD_PROJECT: missing', 'OUTAGES:', 'BIGQUERY_API_ENDPOINT: an http']) assert.ok(thrown.message.includes(name), `${name} in ${thrown.message}`);
      return true;
    });
  });
});
