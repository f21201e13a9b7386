import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Sandbox, type Ended } from './harness.ts';

/** A pipeline that ran before this project: its own names for processors, a topic of its own for what it starts. */
describe('the command line over an adopted pipeline', function () {
  this.timeout(60_000);
  const sandbox = new Sandbox();
  let pipeline: string;
  before(() => {
    const text = readFileSync(join(import.meta.dirname, '../fixtures/adoption/pipeline.yaml'), 'utf8');
    const listener = '{ name: models, completion_topic: models-done, mode: observe }';
    assert.ok(text.includes(listener));
    pipeline = join(sandbox.folder, 'adopted');
    mkdirSync(pipeline);
    writeFileSync(join(pipeline, 'pipeline.yaml'), text.replace(listener, '{ name: models, completion_topic: models-done, mode: observe, cascade_target: { topic: start-models } }'));
  });
  after(() => sandbox.remove());
  const run = (...words: readonly string[]): Promise<Ended> => sandbox.call([...words, '--pipeline', pipeline, '--state', sandbox.state()]);

  it('takes a processor by the name that its team has for it', async () => {
    const shown = await run('pipeline', 'show', '--processor', 'odds.espn', '--json');
    assert.equal(shown.code, 0, shown.stderr);
    assert.deepEqual(z.looseObject({ processors: z.array(z.looseObject({ name: z.string() })) }).parse(JSON.parse(shown.stdout)).processors.map(({ name }) => name), ['EspnOdds']);
    assert.match((await run('gaps', '--processor', 'odds.esp')).stderr, /received the processor 'odds\.esp'/);
  });

  it('publishes to a topic that starts a phase', async () => {
    const { code, stdout, stderr } = await run('publish', 'start-models', '{"game_date": "2023-11-13"}');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /published/);
    assert.match((await run('publish', 'start-model', '{}')).stderr, /allowed are .*start-models; did you mean start-models\?/);
  });
});
