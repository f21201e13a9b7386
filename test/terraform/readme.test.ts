import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { moduleDirectories, readModule, TERRAFORM } from './hcl/module.ts';

describe('terraform/README.md', () => {
  const readme = readFileSync(join(TERRAFORM, 'README.md'), 'utf8');

  it('names every variable of the root module, and none that it has not', async () => {
    const { variables } = await readModule('.');
    const table = readme.slice(readme.indexOf('## Variables'), readme.indexOf('## Beside'));
    const named = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell]) => [...(cell ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
    assert.deepEqual(named.sort(), [...variables.keys()].sort());
  });

  it('names every module, and only files that are there', () => {
    for (const directory of moduleDirectories().filter((each) => each.startsWith('modules/'))) assert.ok(readme.includes(`\`${directory}\``), directory);
    for (const [, path = ''] of readme.matchAll(/`((?:examples|modules|schemas)\/[\w./-]*)`/g)) assert.ok(existsSync(join(TERRAFORM, path)), path);
    for (const [, path = ''] of readme.matchAll(/(?:node |`)((?:scripts|shared|test)\/[\w./-]+\.ts)/g)) assert.ok(existsSync(join(TERRAFORM, '..', path)), path);
  });

  it('has an output with the command that publishes a request by hand', async () => {
    const { outputs } = await readModule('.');
    assert.match(String(outputs.get('publish_command')?.['value']), /^gcloud pubsub topics publish \$\{module\.messaging\.requests_topic\} --project \$\{var\.project_id\} --message /);
    assert.ok(readme.includes('terraform output -raw publish_command'));
  });
});
