import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pipelineJsonSchema, pipelineJsonSchemaText } from '../../shared/pipeline/json-schema.ts';

describe('pipeline/json-schema', () => {
  it('is what pipelines/pipeline.schema.json holds', () => {
    const written = readFileSync(new URL('../../pipelines/pipeline.schema.json', import.meta.url), 'utf8');
    assert.equal(written, pipelineJsonSchemaText(), 'pipelines/pipeline.schema.json is out of date; run: npx smart-backfill pipeline schema > pipelines/pipeline.schema.json');
  });

  it('asks for no field that has a default', () => {
    assert.deepEqual(pipelineJsonSchema().required, ['version', 'name', 'time_zone', 'topics', 'subscriptions', 'calendar', 'phases', 'processors']);
  });
});
