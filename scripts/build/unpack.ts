import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Built } from './build-functions.ts';
import { packageJsonOf } from './functions.ts';

/** Puts a built function where it can be served from, as Google's builder does: unpacked, and its `gcp-build` run. */
export function unpack({ name, files }: Pick<Built, 'name' | 'files'>, directory: string, { warmed }: { readonly warmed: boolean }): void {
  for (const [path, content] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  if (!warmed) return;
  const { scripts: { 'gcp-build': command } } = JSON.parse(packageJsonOf(name));
  const [, ...args] = String(command).split(' ');
  const ended = spawnSync(process.execPath, args, { cwd: directory, env: { PATH: process.env['PATH'] }, encoding: 'utf8' });
  if (ended.status !== 0 || ended.stderr !== '') throw new Error(`${command} ended with ${ended.status}: ${ended.stderr}`);
}
