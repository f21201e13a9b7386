import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hasTerraform } from './has-terraform.ts';
import { TERRAFORM } from './hcl/module.ts';

describe('terraform/format', () => {
  (hasTerraform ? it : it.skip)('is formatted by terraform fmt (needs the terraform program: https://developer.hashicorp.com/terraform/install)', () => {
    const { status, stdout } = spawnSync('terraform', ['fmt', '-check', '-recursive', '-diff', TERRAFORM], { encoding: 'utf8', env: { ...process.env, CHECKPOINT_DISABLE: '1' } });
    assert.equal(status, 0, `run terraform fmt -recursive terraform:\n${stdout}`);
  }).timeout(60_000);
});
