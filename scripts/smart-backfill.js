#!/usr/bin/env node
// The program's entry: runs on any Node of 20 or later, and hands over to the Node 24 that the project brings.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, 'cli.ts');
const major = Number(process.versions.node.split('.')[0]);

if (major >= 24) {
  const { start } = await import('./cli.ts');
  await start();
} else {
  const bundled = join(here, '..', 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(bundled)) launch(bundled);
  else {
    process.stderr.write(`error: this is Node ${process.versions.node}, and smart-backfill needs 24, which it brings along but which is not installed (${bundled}); run: npm ci\n`);
    process.exitCode = 2;
  }
}

function launch(node) {
  const env = { ...process.env, SMART_BACKFILL_LAUNCHER: String(process.pid) };
  // Where cli.ts would keep it as well; given here, the first modules start from it too.
  env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache');
  if (process.argv[1]?.endsWith('.js')) env.SMART_BACKFILL_PROGRAM ??= 'npx smart-backfill';
  else if (process.env.npm_command === undefined) env.SMART_BACKFILL_PROGRAM ??= 'smart-backfill';
  const child = spawn(node, [cli, ...process.argv.slice(2)], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`error: ${node} can't be started (${error.message}); run: npm ci\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}
