import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { z } from 'zod';
import { topologyOf } from '../shared/pipeline/topology.ts';
import { Emulator } from './local-cloud/emulators.ts';
import { pipelineAt } from './terraform-schemas.ts';

/**
 * `npm run test:terraform`: what needs the terraform program, and the provider, which is 100 MB and comes from a registry.
 * Each check that can't run here is skipped by name, with how to get what it needs; with `--require` that is a failure.
 *
 *   --plugin-dir DIR   a folder with the provider (terraform providers mirror DIR), instead of the registry
 */

const ROOT = dirname(import.meta.dirname);
const PIPELINE = 'pipelines/nba';
const INIT_WITHIN_MS = 180_000;
const RUN_WITHIN_MS = 300_000;

type Outcome = { readonly kind: 'ok' } | { readonly kind: 'skipped'; readonly why: string } | { readonly kind: 'failed'; readonly what: string };
const ok: Outcome = { kind: 'ok' };
const failed = (what: string): Outcome => ({ kind: 'failed', what });

interface Ran {
  readonly status: number | null;
  readonly output: string;
}

function terraform(folder: string, args: readonly string[], withinMs = RUN_WITHIN_MS): Ran {
  const { status, stdout, stderr, error } = spawnSync('terraform', [...args], {
    cwd: folder, encoding: 'utf8', timeout: withinMs, env: { ...process.env, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', NO_COLOR: '1' },
  });
  return { status, output: `${stdout ?? ''}${stderr ?? ''}${error === undefined ? '' : error.message}` };
}

function outcomeOf({ status, output }: Ran): Outcome {
  return status === 0 ? ok : failed(output);
}

/** Modules and files that terraform/ reads, elsewhere: Terraform writes beside them. */
function copied(to: string): string {
  for (const part of ['terraform', `${PIPELINE}/pipeline.yaml`, 'shared/google/sql']) {
    cpSync(join(ROOT, part), join(to, part), { recursive: true, filter: (path) => !/[\\/](?:\.terraform|terraform\.tfstate)/.test(path) });
  }
  // The examples name the folder of npm run build; what is in the zips doesn't matter here.
  cpSync(join(ROOT, 'terraform/tests/build'), join(to, 'dist'), { recursive: true });
  return join(to, 'terraform');
}

/** Sets a folder up; the outcome says when the provider is not to be had. */
function initialised(folder: string, pluginDirectory: string | null): Outcome {
  const { status, output } = terraform(folder, ['init', '-backend=false', '-input=false', ...(pluginDirectory === null ? [] : [`-plugin-dir=${pluginDirectory}`])], INIT_WITHIN_MS);
  if (status === 0) return ok;
  if (/Failed to (?:query available|install) provider|could not connect|ETIMEDOUT|provider registry/.test(output)) {
    return { kind: 'skipped', why: 'the provider hashicorp/google is not to be had here; on a machine with the registry: terraform -chdir=terraform providers mirror DIR, then --plugin-dir DIR here' };
  }
  return failed(output);
}

const subscriptionSchema = z.object({
  name: z.string(), topic: z.string(), ackDeadlineSeconds: z.number(),
  expirationPolicy: z.object({ ttl: z.string().optional() }).optional(),
  retryPolicy: z.object({ minimumBackoff: z.string(), maximumBackoff: z.string() }),
  deadLetterPolicy: z.object({ deadLetterTopic: z.string(), maxDeliveryAttempts: z.number() }).optional(),
  pushConfig: z.object({ pushEndpoint: z.string().optional() }).optional(),
});

const PROJECT = 'demo-terraform';

async function listed<T>(url: string, key: string, item: z.ZodType<T>): Promise<readonly T[]> {
  const response = await fetch(`${url}/v1/projects/${PROJECT}/${key}?pageSize=1000`);
  if (!response.ok) throw new Error(`the emulator answered ${response.status} to a list of ${key}: ${await response.text()}`);
  return z.object({ [key]: z.array(item).default([]) }).parse(await response.json())[key] ?? [];
}

/** Topics and subscriptions that the emulator has, in the words of topologyOf, by name. */
async function found(url: string): Promise<{ readonly topics: readonly string[]; readonly subscriptions: readonly object[] }> {
  const short = (name: string) => name.split('/').at(-1) ?? '';
  const seconds = (text: string) => Number(text.replace(/s$/, ''));
  const topics = await listed(url, 'topics', z.object({ name: z.string() }));
  const subscriptions = await listed(url, 'subscriptions', subscriptionSchema);
  return {
    topics: topics.map(({ name }) => short(name)).sort(),
    subscriptions: subscriptions.map((subscription) => ({
      name: short(subscription.name), topic: short(subscription.topic), pushed: subscription.pushConfig?.pushEndpoint ?? null,
      ackDeadlineSeconds: subscription.ackDeadlineSeconds,
      minBackoffSeconds: seconds(subscription.retryPolicy.minimumBackoff), maxBackoffSeconds: seconds(subscription.retryPolicy.maximumBackoff),
      deadLetterTopic: subscription.deadLetterPolicy === undefined ? null : short(subscription.deadLetterPolicy.deadLetterTopic),
    })).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function wanted(): Awaited<ReturnType<typeof found>> {
  const { topics, subscriptions } = topologyOf(pipelineAt(join(ROOT, PIPELINE)));
  return {
    topics: topics.map(({ name }) => name).sort(),
    subscriptions: subscriptions.map(({ name, topic, push, ackDeadlineSeconds, minBackoffSeconds, maxBackoffSeconds, deadLetterTopic }) => ({
      name, topic, pushed: push === null ? null : endpointOf(push.function), ackDeadlineSeconds, minBackoffSeconds, maxBackoffSeconds, deadLetterTopic,
    })).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function endpointOf(name: string): string {
  return `http://127.0.0.1:9/${name}`;
}

function callingMessaging(module: string, url: string): string {
  return `
terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}
provider "google" {
  project                = "${PROJECT}"
  access_token           = "local"
  pubsub_custom_endpoint = "${url}/v1/"
}
module "messaging" {
  source     = ${JSON.stringify(module)}
  project_id = "${PROJECT}"
  pipeline   = yamldecode(file(${JSON.stringify(join(ROOT, PIPELINE, 'pipeline.yaml'))}))
  push = {
    service_account_email = "push@${PROJECT}.iam.gserviceaccount.com"
    endpoints = {
${['backfill-worker', 'phase-router', 'gap-detector', 'stage-coordinator'].map((name) => `      ${name} = "${endpointOf(name)}"`).join('\n')}
    }
  }
}
`;
}

/** Applies messaging to the emulator for real, plans again without changes, and destroys: topics stay, pushes are gone. */
async function onEmulator(work: string, url: string, pluginDirectory: string | null): Promise<Outcome> {
  const folder = join(work, 'on-emulator');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'main.tf'), callingMessaging('../terraform/modules/messaging', url));
  const ready = initialised(folder, pluginDirectory);
  if (ready.kind !== 'ok') return ready;
  const applied = terraform(folder, ['apply', '-auto-approve', '-input=false']);
  if (applied.status !== 0) return failed(applied.output);
  const [made, expected] = [await found(url), wanted()];
  if (!isDeepStrictEqual(made, expected)) return failed(`the emulator has\n${JSON.stringify(made, null, 1)}\nand topologyOf says\n${JSON.stringify(expected, null, 1)}`);
  const again = terraform(folder, ['plan', '-detailed-exitcode', '-input=false']);
  if (again.status !== 0) return failed(`a second plan has changes:\n${again.output}`);
  const destroyed = terraform(folder, ['destroy', '-auto-approve', '-input=false']);
  if (destroyed.status !== 0) return failed(destroyed.output);
  const left = await found(url);
  const kept = expected.subscriptions.filter((subscription) => 'pushed' in subscription && subscription.pushed === null);
  return isDeepStrictEqual(left, { topics: expected.topics, subscriptions: kept }) ? ok : failed(`destroying left\n${JSON.stringify(left, null, 1)}`);
}

async function withEmulator(check: (url: string) => Promise<Outcome>): Promise<Outcome> {
  let emulator: Emulator;
  try {
    emulator = await Emulator.start('pubsub', { env: process.env });
  } catch (error) {
    return { kind: 'skipped', why: error instanceof Error ? error.message : String(error) };
  }
  try {
    return await check(`http://127.0.0.1:${emulator.port}`);
  } finally {
    await emulator.stop();
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { 'plugin-dir': { type: 'string' }, require: { type: 'boolean', default: false } } });
  const plugins = values['plugin-dir'] === undefined ? null : resolve(values['plugin-dir']);
  let bad = 0;
  const report = (name: string, outcome: Outcome): void => {
    if (outcome.kind === 'ok') console.log(`ok       ${name}`);
    else if (outcome.kind === 'skipped') console.log(`skipped  ${name}: ${outcome.why}`);
    else console.log(`failed   ${name}\n${outcome.what}`);
    if (outcome.kind === 'failed' || (outcome.kind === 'skipped' && values.require)) bad += 1;
  };
  if (terraform(ROOT, ['version']).status !== 0) {
    report('terraform', { kind: 'skipped', why: 'there is no terraform program: https://developer.hashicorp.com/terraform/install' });
    return bad === 0 ? 0 : 1;
  }
  const work = mkdtempSync(join(tmpdir(), 'smart-backfill-terraform-'));
  try {
    const folder = copied(work);
    report('terraform fmt -check', outcomeOf(terraform(folder, ['fmt', '-check', '-recursive', '-diff'])));
    for (const each of ['.', 'examples/minimal', 'examples/production']) {
      const ready = initialised(join(folder, each), plugins);
      report(`terraform validate (${each})`, ready.kind === 'ok' ? outcomeOf(terraform(join(folder, each), ['validate'])) : ready);
      if (each === '.') report('terraform test', ready.kind === 'ok' ? outcomeOf(terraform(folder, ['test'])) : ready);
    }
    report('messaging applied to the Pub/Sub emulator, planned again, destroyed', await withEmulator((url) => onEmulator(work, url, plugins)));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return bad === 0 ? 0 : 1;
}

process.exitCode = await main();
