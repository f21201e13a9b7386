import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipelineAt } from '../../scripts/terraform-schemas.ts';
import { topologyOf, type Topology } from '../../shared/pipeline/topology.ts';
import { changed, pipelineOf } from '../pipeline/fixture.ts';
import { Evaluation, evaluateText, type Attributes } from './hcl/evaluation.ts';
import { readModule, type Block } from './hcl/module.ts';
import { textOf, type Value } from './hcl/value.ts';

const ENDPOINTS = { 'backfill-worker': 'https://worker.run.app', 'phase-router': 'https://router.run.app', 'gap-detector': 'https://detector.run.app', 'stage-coordinator': 'https://coordinator.run.app' } as const;
const AGENT = 'serviceAccount:service-1234@gcp-sa-pubsub.iam.gserviceaccount.com';

const computed = (block: Block, attributes: Attributes): Attributes => (
  block.type === 'google_pubsub_topic' ? { id: `projects/p/topics/${textOf(attributes['name'] ?? null)}` } : {}
);

/** The messaging module as the root module calls it, for the text of a pipeline.yaml. */
async function messaging(yaml: string, inputs: Attributes = {}): Promise<Evaluation> {
  const root = await readModule('.');
  const pipeline = evaluateText('yamldecode(text)', { text: yaml });
  const local = (name: string): Value => {
    const declared = root.locals.get(name);
    assert.ok(typeof declared === 'string', `the root module has no local ${name}`);
    return evaluateText(declared.slice(2, -1), { local: locals });
  };
  const locals: Record<string, Value> = { pipeline };
  locals['processors'] = local('processors');
  for (const name of ['targets', 'started', 'begun']) locals[name] = local(name);
  return new Evaluation(await readModule('modules/messaging'), {
    project_id: 'p', pipeline, trigger_topics: local('trigger_topics'), service_agent: AGENT,
    push: { endpoints: ENDPOINTS, service_account_email: 'push@p.iam.gserviceaccount.com' }, ...inputs,
  }, computed);
}

/** The topics and subscriptions that Terraform makes, in the words of topologyOf. */
function topologyIn(module: Evaluation): unknown {
  const nameOf = (id: unknown) => String(id).replace('projects/p/topics/', '');
  const seconds = (text: unknown) => Number(String(text).replace(/s$/, ''));
  const kinds = module.local('topics');
  const topics = [...module.instances('resource', 'google_pubsub_topic', 'this')].map(([key, { name }]) => {
    assert.equal(key, name);
    const { kind, phase } = Object(kinds)[key];
    return { name, kind, ...(phase === null ? {} : { phase }) };
  });
  const subscriptions = [...module.instances('resource', 'google_pubsub_subscription', 'pushed').values(), ...module.instances('resource', 'google_pubsub_subscription', 'kept').values()].map((subscription) => {
    const [retry] = Object(subscription['retry_policy']);
    const [push] = Object(subscription['push_config'] ?? []);
    const [dead] = Object(subscription['dead_letter_policy'] ?? []);
    return {
      name: subscription['name'], topic: nameOf(subscription['topic']),
      push: push === undefined ? null : { function: Object.entries(ENDPOINTS).find(([, url]) => url === push.push_endpoint)?.[0] },
      ackDeadlineSeconds: subscription['ack_deadline_seconds'], minBackoffSeconds: seconds(retry.minimum_backoff), maxBackoffSeconds: seconds(retry.maximum_backoff),
      deadLetterTopic: dead === undefined ? null : nameOf(dead.dead_letter_topic), maxDeliveryAttempts: dead === undefined ? 20 : dead.max_delivery_attempts,
    };
  });
  return sorted({ topics, subscriptions });
}

function sorted({ topics, subscriptions }: { readonly topics: readonly object[]; readonly subscriptions: readonly object[] } | Topology): object {
  const byText = (list: readonly object[]) => list.map((each) => JSON.stringify(each, Object.keys(each).sort().concat('function'))).sort();
  return { topics: byText(topics), subscriptions: byText(subscriptions) };
}

describe('terraform/topology', () => {
  const nba = join(import.meta.dirname, '../../pipelines/nba');
  const nbaYaml = readFileSync(join(nba, 'pipeline.yaml'), 'utf8');

  it("makes NBA's topics and subscriptions with the settings of the local cloud and the embedded bus", async () => {
    assert.deepEqual(topologyIn(await messaging(nbaYaml)), sorted(topologyOf(pipelineAt(nba))));
  });

  it('fills what a definition leaves out as the rest of the project does, and makes trigger topics', async () => {
    for (const yaml of [changed(), changed(['phase_router: router-sub}', 'phase_router: router-sub, ack_deadline_seconds: 60}']), changed(
      ['completion_topic: analytics-complete}', 'completion_topic: analytics-complete, cascade_target: {topic: start-analytics}}'],
      ["target: {in_process: './land.ts#schedule'}", "target: {embedded: {in_process: './land.ts#schedule'}, google: {pubsub: start-raw}}"],
      ["target: {in_process: './land.ts#boxscore'}", "target: {embedded: {in_process: './land.ts#boxscore'}, google: {pubsub: start-raw}}"],
    )]) assert.deepEqual(topologyIn(await messaging(yaml)), sorted(topologyOf(pipelineOf(yaml))));
  });

  it('reads adopted topics and makes the others', async () => {
    const module = await messaging(nbaYaml, { adopted_topics: ['scraper-complete', 'nba-phase2-raw-complete'] });
    assert.deepEqual([...module.instances('data', 'google_pubsub_topic', 'adopted').keys()].sort(), ['nba-phase2-raw-complete', 'scraper-complete']);
    const made = [...module.instances('resource', 'google_pubsub_topic', 'this').keys()];
    assert.equal(made.length, 8);
    assert.ok(!made.includes('scraper-complete'));
    const router = module.instances('resource', 'google_pubsub_subscription', 'pushed').get('phase-router-sub-phase_1_scrapers');
    assert.equal(router?.['topic'], 'projects/p/topics/scraper-complete');
  });

  it('keeps what goes to a dead-letter topic in a subscription that nothing is pushed from (P5)', async () => {
    const module = await messaging(nbaYaml);
    const pushed = [...module.instances('resource', 'google_pubsub_subscription', 'pushed').values()];
    const kept = [...module.instances('resource', 'google_pubsub_subscription', 'kept').values()];
    assert.equal(pushed.length, 8);
    for (const subscription of pushed) {
      const [policy] = Object(subscription['dead_letter_policy']);
      assert.ok(kept.some(({ topic }) => topic === policy.dead_letter_topic), String(policy.dead_letter_topic));
    }
    assert.ok(kept.every((subscription) => subscription['push_config'] === undefined));
  });

  it('lets the service agent dead-letter from every pushed subscription (P5)', async () => {
    const module = await messaging(nbaYaml);
    const subscribers = module.instances('resource', 'google_pubsub_subscription_iam_member', 'dead_letter_subscriber');
    assert.deepEqual([...subscribers.keys()].sort(), [...module.instances('resource', 'google_pubsub_subscription', 'pushed').keys()].sort());
    for (const { role, member } of subscribers.values()) assert.deepEqual([role, member], ['roles/pubsub.subscriber', AGENT]);
    const [publisher] = module.instances('resource', 'google_pubsub_topic_iam_member', 'dead_letter_publisher').values();
    assert.deepEqual([publisher?.['topic'], publisher?.['role'], publisher?.['member']], ['projects/p/topics/nba-backfill-dead-letters', 'roles/pubsub.publisher', AGENT]);
  });

  it('lets functions publish to every topic: the completion of what a cascade ran starts the phase after it', async () => {
    const module = await messaging(nbaYaml, { publishers: { worker: 'serviceAccount:worker@p.iam.gserviceaccount.com' } });
    const topics = [...module.instances('resource', 'google_pubsub_topic_iam_member', 'publisher').values()].map(({ topic }) => textOf(topic ?? null));
    assert.deepEqual(topics.sort(), topologyOf(pipelineAt('pipelines/nba')).topics.map(({ name }) => `projects/p/topics/${name}`).sort());
  });

  it('grants nothing where there is no service agent: the emulator knows no IAM', async () => {
    const module = await messaging(nbaYaml, { service_agent: null });
    assert.equal(module.instances('resource', 'google_pubsub_subscription_iam_member', 'dead_letter_subscriber').size, 0);
    assert.equal(module.instances('resource', 'google_pubsub_topic_iam_member', 'dead_letter_publisher').size, 0);
  });

  it('refuses an ack deadline that Pub/Sub does not have, and a function without an address', async () => {
    const far = await messaging(nbaYaml.replace('ack_deadline_seconds: 540', 'ack_deadline_seconds: 601'));
    assert.deepEqual(far.invalid(), ['subscriptions.ack_deadline_seconds is 601; Pub/Sub allows 10 to 600 seconds. Correct pipeline.yaml.']);
    const nowhere = await messaging(nbaYaml, { push: { endpoints: { 'backfill-worker': 'https://worker.run.app' }, service_account_email: 'x' } });
    assert.deepEqual(nowhere.invalid(), ['push.endpoints has backfill-worker; it needs backfill-worker, phase-router, gap-detector and stage-coordinator.']);
  });
});
