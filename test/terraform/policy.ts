import { z } from 'zod';
import { KEPT } from '../../shared/google/object-landing-files.ts';
import { nestedBlocks, type Block, type Body, type Module } from './hcl/module.ts';

/** Rules that every block of terraform/ keeps, over the parsed HCL. Each gives the addresses that break it, with what is wrong. */

/** Roles that Google has on no smaller resource than the project, with the reason. */
const PROJECT_ROLES: ReadonlyMap<string, string> = new Map([
  ['roles/bigquery.jobUser', 'jobs belong to a project'],
  ['roles/bigquery.resourceViewer', 'jobs belong to a project, and are read by whoever attaches to one that another account began (P21)'],
  ['roles/datastore.user', 'a Firestore database has no policy of its own; a condition cuts the role to one'],
]);

export interface Rule {
  readonly name: string;
  readonly broken: (modules: readonly Module[]) => readonly string[];
}

const blocksOf = (modules: readonly Module[], ...types: readonly string[]): readonly Block[] => modules.flatMap(({ blocks }) => blocks).filter(({ mode, type }) => mode === 'resource' && types.includes(type));
const attribute = (of: Readonly<Record<string, unknown>> | undefined, name: string): unknown => of?.[name];
const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));
const complaints = (blocks: readonly Block[], check: (block: Block) => readonly string[]): readonly string[] => blocks.flatMap((block) => check(block).map((what) => `${block.address} ${what}`));

const subscriptions = (modules: readonly Module[]) => blocksOf(modules, 'google_pubsub_subscription');
const isPushed = ({ body }: Block) => nestedBlocks(body, 'push_config').length > 0;

export const RULES: readonly Rule[] = [
  {
    name: 'every push carries an OIDC token for the address that it is sent to',
    broken: (modules) => complaints(subscriptions(modules).filter(isPushed), ({ body }) => nestedBlocks(body, 'push_config').flatMap((push) => {
      const [token] = nestedBlocks(push, 'oidc_token');
      if (token === undefined) return ['pushes without an OIDC token'];
      return attribute(token, 'audience') === attribute(push, 'push_endpoint') ? [] : ['has a token for another address than it pushes to'];
    })),
  },
  {
    name: 'every subscription waits 10 to 600 s between deliveries (P13)',
    broken: (modules) => complaints(subscriptions(modules), ({ body }) => {
      const [retry] = nestedBlocks(body, 'retry_policy');
      return attribute(retry, 'minimum_backoff') === '10s' && attribute(retry, 'maximum_backoff') === '600s' ? [] : ['has no backoff of 10 to 600 s'];
    }),
  },
  {
    name: 'every push subscription has a dead-letter topic (P5)',
    broken: (modules) => complaints(subscriptions(modules).filter(isPushed), ({ body }) => {
      const [policy] = nestedBlocks(body, 'dead_letter_policy');
      return typeof attribute(policy, 'dead_letter_topic') === 'string' && attribute(policy, 'max_delivery_attempts') !== undefined ? [] : ['has no dead-letter topic, or no number of attempts'];
    }),
  },
  {
    name: 'no subscription expires',
    broken: (modules) => complaints(subscriptions(modules), ({ body }) => (attribute(nestedBlocks(body, 'expiration_policy')[0], 'ttl') === '' ? [] : ['expires after 31 days without traffic; write expiration_policy { ttl = "" }'])),
  },
  {
    name: 'every subscription says its ack deadline; that of a push comes from pipeline.yaml (P2)',
    broken: (modules) => complaints(subscriptions(modules), (block) => {
      const deadline = attribute(block.body, 'ack_deadline_seconds');
      if (isPushed(block)) return deadline === '${var.pipeline.subscriptions.ack_deadline_seconds}' ? [] : [`has the ack deadline ${text(deadline)}`];
      return typeof deadline === 'number' ? [] : ['has the default ack deadline of 10 s'];
    }),
  },
  {
    name: 'no subscription orders messages or promises exactly-once: pushes have neither (P1, P12)',
    broken: (modules) => complaints(subscriptions(modules), ({ body }) => ['enable_message_ordering', 'enable_exactly_once_delivery'].filter((name) => body[name] !== undefined && body[name] !== false).map((name) => `sets ${name}`)),
  },
  {
    name: 'functions are triggered by HTTP, never by Eventarc (P3, P5, P6)',
    broken: (modules) => [
      ...complaints(blocksOf(modules, 'google_cloudfunctions2_function'), ({ body }) => (nestedBlocks(body, 'event_trigger').length > 0 ? ['has an event trigger'] : [])),
      ...complaints(blocksOf(modules, 'google_eventarc_trigger'), () => ['is an Eventarc trigger']),
    ],
  },
  {
    name: 'every function runs Node 24 as an account of its own, with its bounds said',
    broken: (modules) => complaints(blocksOf(modules, 'google_cloudfunctions2_function'), ({ body }) => {
      const [build] = nestedBlocks(body, 'build_config');
      const [service] = nestedBlocks(body, 'service_config');
      const needed = ['max_instance_request_concurrency', 'min_instance_count', 'max_instance_count', 'timeout_seconds', 'ingress_settings', 'available_memory', 'service_account_email'];
      return [
        ...(attribute(build, 'runtime') === 'nodejs24' ? [] : ['does not run nodejs24']),
        ...needed.filter((name) => attribute(service, name) === undefined).map((name) => `does not say ${name}`),
        ...(text(attribute(service, 'service_account_email')).includes('[each.key]') ? [] : ['shares its service account with other functions']),
      ];
    }),
  },
  {
    name: 'nobody but named identities invokes anything',
    broken: (modules) => modules.flatMap(({ directory, blocks, locals, variables }) => {
      const all = JSON.stringify([blocks.map(({ body }) => body), [...locals], [...variables]]);
      return ['allUsers', 'allAuthenticatedUsers', 'projectEditor:', 'projectViewer:', 'projectOwner:', 'domain:'].filter((member) => all.includes(member)).map((member) => `${directory} names ${member}`);
    }),
  },
  {
    name: 'a role stands on the project only where Google has it on nothing smaller',
    broken: (modules) => complaints(blocksOf(modules, 'google_project_iam_member', 'google_project_iam_binding', 'google_project_iam_policy'), ({ type, body }) => {
      const role = text(attribute(body, 'role'));
      if (type !== 'google_project_iam_member') return [`is a ${type}: it would take roles from others`];
      if (!PROJECT_ROLES.has(role)) return [`gives ${role} on the whole project`];
      return role === 'roles/datastore.user' && !text(attribute(nestedBlocks(body, 'condition')[0], 'expression')).includes('/databases/${var.database}') ? [`gives ${role} on every database`] : [];
    }),
  },
  {
    name: 'roles are added, never set: what others have stays (adoption)',
    broken: (modules) => modules.flatMap(({ blocks }) => blocks).filter(({ mode, type }) => mode === 'resource' && /_iam_(?:binding|policy)$/.test(type)).map(({ address }) => `${address} takes roles from others; use an _iam_member`),
  },
  {
    name: 'no basic role, and none that may give roles',
    broken: (modules) => complaints(modules.flatMap(({ blocks }) => blocks).filter(({ type }) => type.endsWith('_iam_member')), ({ body }) => {
      const role = text(attribute(body, 'role'));
      return /^roles\/(?:owner|editor|viewer)$|[Aa]dmin$/.test(role) || !role.startsWith('roles/') ? [`gives ${role}`] : [];
    }),
  },
  {
    name: 'what holds data is left alone by terraform destroy unless destroy_data is set',
    broken: (modules) => complaints(blocksOf(modules, 'google_pubsub_topic', 'google_firestore_database', 'google_bigquery_dataset', 'google_bigquery_table', 'google_storage_bucket').filter(({ name }) => !['source', 'requests_latest'].includes(name)), ({ type, body }) => [
      ...(body['deletion_policy'] === '${var.destroy_data ? "DELETE" : "ABANDON"}' ? [] : ['does not abandon']),
      ...(type !== 'google_bigquery_table' || body['deletion_protection'] === '${!var.destroy_data}' ? [] : ['is not protected']),
      ...(type !== 'google_bigquery_dataset' || body['delete_contents_on_destroy'] === '${var.destroy_data}' ? [] : ['deletes its contents']),
      ...(type !== 'google_firestore_database' || text(body['delete_protection_state']).startsWith('${var.destroy_data ? "DELETE_PROTECTION_DISABLED"') ? [] : ['is not protected']),
      ...(type !== 'google_storage_bucket' || body['force_destroy'] === '${var.destroy_data}' ? [] : ['is emptied']),
    ]),
  },
  {
    name: 'buckets are closed to the public',
    broken: (modules) => complaints(blocksOf(modules, 'google_storage_bucket'), ({ body }) => (body['public_access_prevention'] === 'enforced' && body['uniform_bucket_level_access'] === true ? [] : ['may be opened to the public'])),
  },
  {
    name: 'of landed files functions write what a staged backfill is to overwrite, and nothing else',
    broken: (modules) => {
      const writers = blocksOf(modules, 'google_storage_bucket_iam_member').filter(({ body }) => body['role'] !== 'roles/storage.objectViewer');
      const isCut = (body: Body): boolean => text(attribute(nestedBlocks(body, 'condition')[0], 'expression')).includes(`/objects/${KEPT}/`);
      return writers.length === 0 ? ['nobody may keep what is overwritten'] : complaints(writers, ({ body }) => (body['role'] === 'roles/storage.objectUser' && isCut(body) ? [] : ['may write landed files']));
    },
  },
  {
    name: 'zips are named by their content',
    broken: (modules) => complaints(blocksOf(modules, 'google_storage_bucket_object'), ({ body }) => (text(body['name']).includes('sha256') ? [] : ['has a name that does not change with its content'])),
  },
  {
    name: 'tables are partitioned by day and clustered (P24)',
    broken: (modules) => complaints(blocksOf(modules, 'google_bigquery_table').filter(({ body }) => nestedBlocks(body, 'view').length === 0), ({ body }) => {
      const [partition] = nestedBlocks(body, 'time_partitioning');
      return [...(attribute(partition, 'type') === 'DAY' && attribute(partition, 'field') !== undefined ? [] : ['is not partitioned by day']), ...(body['clustering'] === undefined ? ['is not clustered'] : [])];
    }),
  },
  {
    name: 'staging tables go by themselves; what a staged backfill overwrites has an expiry of its own (P26)',
    broken: (modules) => complaints(blocksOf(modules, 'google_bigquery_dataset'), ({ body }) => (
      body['default_table_expiration_ms'] === '${each.key == var.staging_dataset ? var.staging_expiration_hours * 3600000 : null}' ? [] : ['keeps staging tables for ever, or lets others expire']
    )).concat(modules.flatMap(({ directory, variables }) => (Number(variables.get('staging_expiration_hours')?.['default'] ?? 168) <= 168 ? [] : [`${directory} keeps staging tables for longer than a week`]))),
  },
  {
    name: 'the tick goes to a topic and is not tried again: the next one comes anyway, and duplicates are normal (P14)',
    broken: (modules) => complaints(blocksOf(modules, 'google_cloud_scheduler_job'), ({ body }) => [
      ...(nestedBlocks(body, 'pubsub_target').length === 1 ? [] : ['does not publish to a topic']),
      ...(attribute(nestedBlocks(body, 'retry_config')[0], 'retry_count') === 0 ? [] : ['is tried again']),
    ]),
  },
  {
    name: 'a person is told of messages that wait, dead letters, failures, parked cascades, missing detections and staged backfills that stand still (P4)',
    broken: (modules) => {
      const policies = new Map(blocksOf(modules, 'google_monitoring_alert_policy').map(({ name, body }) => [name, body]));
      const watched: Readonly<Record<string, string>> = {
        oldest_unacked: 'oldest_unacked_message_age', dead_letters: 'num_undelivered_messages', failed_cells: 'cell_failed', parked_cascades: 'cascade_parked', no_detection: 'condition_absent', no_coordination: 'condition_absent',
      };
      return Object.entries(watched).filter(([name, by]) => !text(policies.get(name)?.['conditions']).includes(by)).map(([name, by]) => `${name} does not watch ${by}`)
        .concat([...policies].filter(([, body]) => body['notification_channels'] !== '${local.channels}' || nestedBlocks(body, 'documentation').length === 0).map(([name]) => `${name} tells nobody, or not what to do`));
    },
  },
  {
    name: 'everything is in the project that was asked for',
    broken: (modules) => complaints(modules.flatMap(({ blocks }) => blocks).filter(({ type }) => !['google_storage_bucket_object', 'google_storage_bucket_iam_member', 'google_service_account_iam_member', 'google_project'].includes(type)), ({ body }) => (body['project'] === '${var.project_id}' ? [] : ['does not say its project'])),
  },
];

/** A variable or output that is not described, or a variable without a type. */
export function undescribed(modules: readonly Module[]): readonly string[] {
  const described = z.object({ description: z.string().min(10) });
  return modules.flatMap(({ directory, variables, outputs }) => [
    ...[...variables].filter(([, declared]) => !described.extend({ type: z.string().startsWith('${').or(z.enum(['string', 'number', 'bool'])) }).safeParse(declared).success || text(declared['type']).includes('any')).map(([name]) => `${directory}: variable ${name}`),
    ...[...outputs].filter(([, declared]) => !described.safeParse(declared).success).map(([name]) => `${directory}: output ${name}`),
  ]);
}
