import assert from 'node:assert/strict';
import { readModules, type Block, type Body, type Module } from './hcl/module.ts';
import { blockProblems, readProviderSchema } from './provider-schema.ts';

describe('terraform/provider-schema', () => {
  const schema = readProviderSchema();
  let modules: readonly Module[] = [];
  before(async () => { modules = await readModules(); });
  const problems = (type: string, body: Body, mode: Block['mode'] = 'resource') => blockProblems(schema, { mode, type, name: 'x', body, address: 'x' });

  it('finds every block of terraform/ right by the schema of hashicorp/google', () => {
    const blocks = modules.flatMap((module) => module.blocks);
    assert.ok(blocks.length > 30, `only ${blocks.length} blocks were read`);
    assert.deepEqual(blocks.flatMap((block) => blockProblems(schema, block)), []);
  });

  it('keeps no type in the fixture that terraform/ does not use', () => {
    const used = (mode: Block['mode']) => [...new Set(modules.flatMap(({ blocks }) => blocks.filter((block) => block.mode === mode).map(({ type }) => type)))].sort();
    assert.deepEqual([Object.keys(schema.resources).sort(), Object.keys(schema.data_sources).sort()], [used('resource'), used('data')]);
  });

  it('asks for a provider that has what the schema has', () => {
    const [major, minor] = schema.version.split('.');
    const wanted = { google: { source: 'hashicorp/google', version: `>= ${major}.${minor}, < ${Number(major) + 1}.0` } };
    for (const { directory, versions } of modules) assert.deepEqual([directory, versions.providers, versions.terraform], [directory, wanted, '>= 1.9']);
  });

  it('refuses an attribute, a block and a type that there are not', () => {
    assert.deepEqual(problems('google_pubsub_topic', { name: 'a', nme: 'b' }), ['x: nme is neither an attribute nor a block']);
    assert.deepEqual(problems('google_pubsub_subscription', { name: 'a', topic: 't', retry_policy: [{ minimum: '1s' }] }), ['x.retry_policy: minimum is neither an attribute nor a block']);
    assert.match(problems('google_pubsub_tpic', { name: 'a' })[0] ?? '', /no resource google_pubsub_tpic/);
    assert.match(problems('google_pubsub_topic', { name: 'a', dynamic: { nothing: [{ for_each: [], content: [{}] }] } })[0] ?? '', /nothing is neither/);
  });

  it('refuses what is missing, doubled, only read, or of another type', () => {
    assert.deepEqual(problems('google_pubsub_topic', {}), ['x: name is missing']);
    assert.deepEqual(problems('google_pubsub_subscription', { name: 'a', topic: 't', push_config: [{}] }), ['x.push_config: push_endpoint is missing']);
    assert.deepEqual(problems('google_pubsub_subscription', { name: 'a', topic: 't', retry_policy: [{}, {}] }), ['x: 2 blocks retry_policy, at most 1 are allowed']);
    assert.deepEqual(problems('google_pubsub_subscription', { name: 'a', topic: 't', ack_deadline_seconds: 'soon' }), ['x: ack_deadline_seconds is "soon", allowed is "number"']);
    assert.deepEqual(problems('google_pubsub_subscription', { name: 'a', topic: 't', retry_policy: 'yes' }), ['x: retry_policy is a block, not an attribute']);
    assert.deepEqual(problems('google_monitoring_alert_policy', { display_name: 'a', combiner: 'OR' }), ['x: 0 blocks conditions, at least 1 are needed']);
    assert.deepEqual(problems('google_pubsub_topic', { name: 'a', effective_labels: {} }), ['x: effective_labels can only be read']);
  });
});
