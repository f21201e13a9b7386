import { spawnSync } from 'node:child_process';

/** Whether the terraform program is on this machine; nothing that `npm test` needs of it is fetched. */
export const hasTerraform = spawnSync('terraform', ['version'], { stdio: 'ignore', env: { ...process.env, CHECKPOINT_DISABLE: '1' } }).status === 0;
