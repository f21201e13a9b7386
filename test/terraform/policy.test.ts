import assert from 'node:assert/strict';
import { readModules, type Block, type Body, type Module } from './hcl/module.ts';
import { RULES, undescribed } from './policy.ts';

describe('terraform/policy', () => {
  let modules: readonly Module[] = [];
  before(async () => { modules = await readModules(); });

  for (const { name, broken } of RULES) it(name, () => { assert.deepEqual(broken(modules), []); });

  it('every variable has a type and a description, every output a description', () => { assert.deepEqual(undescribed(modules), []); });

  /** The module of terraform/ with something of its blocks changed. */
  const with_ = (type: string, name: string, change: (body: Body) => Body): readonly Module[] => {
    const found = modules.some(({ blocks }) => blocks.some((block) => block.type === type && block.name === name));
    assert.ok(found, `no ${type}.${name}`);
    return modules.map((module) => ({ ...module, blocks: module.blocks.map((block): Block => (block.type === type && block.name === name ? { ...block, body: change(block.body) } : block)) }));
  };
  const without = (...names: readonly string[]) => (body: Body): Body => Object.fromEntries(Object.entries(body).filter(([key]) => !names.includes(key)));
  const set = (values: Body) => (body: Body): Body => ({ ...body, ...values });
  const brokenRules = (changed: readonly Module[]) => RULES.filter(({ broken }) => broken(changed).length > 0).map(({ name }) => name);

  const CHANGES: readonly (readonly [string, string, string, (body: Body) => Body, RegExp])[] = [
    ['a push without a token', 'google_pubsub_subscription', 'pushed', set({ push_config: [{ push_endpoint: 'https://x' }] }), /OIDC/],
    ['a subscription without a backoff', 'google_pubsub_subscription', 'pushed', without('retry_policy'), /P13/],
    ['a push without a dead-letter topic', 'google_pubsub_subscription', 'pushed', without('dead_letter_policy'), /P5/],
    ['a subscription that expires', 'google_pubsub_subscription', 'kept', without('expiration_policy'), /expires/],
    ['a deadline of its own', 'google_pubsub_subscription', 'pushed', set({ ack_deadline_seconds: 60 }), /P2/],
    ['ordering', 'google_pubsub_subscription', 'pushed', set({ enable_message_ordering: true }), /P12/],
    ['an event trigger', 'google_cloudfunctions2_function', 'this', set({ event_trigger: [{ event_type: 'x' }] }), /P3, P5, P6/],
    ['a public invoker', 'google_cloud_run_v2_service_iam_member', 'push_invoker', set({ member: 'allUsers' }), /nobody but named/],
    ['a wide role on the project', 'google_project_iam_member', 'job_user', set({ role: 'roles/bigquery.dataEditor' }), /on the project only/],
    ['state of every database', 'google_project_iam_member', 'user', without('condition'), /on the project only/],
    ['an administrator', 'google_bigquery_dataset_iam_member', 'editor', set({ role: 'roles/bigquery.admin' }), /no basic role/],
    ['a table that is deleted', 'google_bigquery_table', 'this', without('deletion_policy'), /destroy/],
    ['a dataset that is emptied', 'google_bigquery_dataset', 'this', set({ delete_contents_on_destroy: true }), /destroy/],
    ['an open bucket', 'google_storage_bucket', 'landing', without('public_access_prevention'), /closed to the public/],
    ['a writer of landed files', 'google_storage_bucket_iam_member', 'landing_keeper', without('condition'), /what a staged backfill is to overwrite/],
    ['a zip of a fixed name', 'google_storage_bucket_object', 'source', set({ name: 'worker.zip' }), /named by their content/],
    ['a table without partitions', 'google_bigquery_table', 'this', without('time_partitioning'), /partitioned/],
    ['staging tables that stay', 'google_bigquery_dataset', 'this', without('default_table_expiration_ms'), /P26/],
    ['a tick that is tried again', 'google_cloud_scheduler_job', 'tick', set({ retry_config: [{ retry_count: 3 }] }), /P14/],
    ['an alert that watches nothing', 'google_monitoring_alert_policy', 'oldest_unacked', set({ conditions: [{ display_name: 'x' }] }), /P4/],
    ['an alert that tells nobody', 'google_monitoring_alert_policy', 'no_detection', without('notification_channels'), /P4/],
    ['another project', 'google_pubsub_topic', 'this', without('project'), /project that was asked for/],
  ];
  for (const [what, type, name, change, rule] of CHANGES) {
    it(`notices ${what}`, () => {
      const broken = brokenRules(with_(type, name, change));
      assert.ok(broken.some((each) => rule.test(each)), `broke ${broken.join('; ') || 'nothing'}`);
    });
  }

  it('notices a variable without a type', () => {
    const [first] = modules;
    assert.ok(first !== undefined);
    assert.deepEqual(undescribed([{ ...first, outputs: new Map(), variables: new Map([['x', { description: 'a description' }], ['y', { type: 'string' }]]) }]), [`${first.directory}: variable x`, `${first.directory}: variable y`]);
  });
});
