import assert from 'node:assert/strict';
import { pipelineAt } from '../../scripts/terraform-schemas.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { processorNamed } from '../../shared/pipeline/adoption.ts';
import { forGoogle } from '../../shared/pipeline/for-google.ts';

describe("a pipeline for Google's runtime", () => {
  const adopted = pipelineAt('test/fixtures/adoption');

  it('has the targets for Google, under names and aliases alike, and is otherwise the same', () => {
    const nba = pipelineAt('pipelines/nba');
    const google = forGoogle(nba);
    assert.deepEqual(google.byName.get('NbacScheduleScraper')?.target, { http: { service: 'nba-sources', path: '/process' } });
    assert.deepEqual(google.processors.map(({ name, definitionHash }) => [name, definitionHash]), nba.processors.map(({ name, definitionHash }) => [name, definitionHash]));
    const pipeline = forGoogle(adopted);
    assert.ok(pipeline.byAlias.size > 0);
    for (const alias of pipeline.byAlias.keys()) assert.equal(pipeline.processors.includes(processorNamed(pipeline, alias) ?? adopted.processors[0]!), true);
  });

  it('names the processors that can only be run embedded', () => {
    const [first] = adopted.processors;
    assert.ok(first);
    assert.throws(() => forGoogle({ ...adopted, processors: [{ ...first, googleTarget: null }] }), (error) => error instanceof InputError && error.message.startsWith(`${first.name} can be run in the embedded runtime only`));
  });
});
