import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildFunctions, type Built } from './build/build-functions.ts';
import { overBudget } from './build/budget.ts';

/**
 * `npm run build`: a zip for each function with only what it uses, named by its hash, and manifest.json, which Terraform
 * reads. `--pipeline DIR` (pipelines/nba), `--out DIR` (dist).
 */
const { values } = parseArgs({ options: { pipeline: { type: 'string', default: 'pipelines/nba' }, out: { type: 'string', default: 'dist' } } });
const out = resolve(values.out);
const { pipeline, functions } = await buildFunctions(values.pipeline);

mkdirSync(out, { recursive: true });
const made = new Set(functions.map(({ file }) => file));
for (const file of readdirSync(out)) if (/^[\w-]+-[0-9a-f]{16}\.zip$/.test(file) && !made.has(file)) rmSync(join(out, file));
for (const { file, archive } of functions) writeFileSync(join(out, file), archive.bytes);
writeFileSync(join(out, 'manifest.json'), `${JSON.stringify({ schema_version: 1, pipeline, functions: Object.fromEntries(functions.map((built) => [built.name, entryOf(built)])) }, null, 2)}\n`);

for (const built of functions) {
  console.log(`${built.file}  ${kilobytes(built.archive.bytes.byteLength)} zipped, bundle ${kilobytes(built.bundleBytes)}`);
  console.log(`  ${built.parts.slice(0, 8).map(({ name, bytes }) => `${name} ${kilobytes(bytes)}`).join(', ')}`);
}
const over = overBudget(functions);
for (const line of over) console.error(`error: ${line}`);
if (over.length > 0) process.exitCode = 1;
else console.log(`written to ${values.out}, with manifest.json`);

function entryOf({ name, file, archive, bundleBytes }: Built): object {
  return { file, sha256: archive.sha256, entry_point: name, bytes: archive.bytes.byteLength, bundle_bytes: bundleBytes };
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1024)} kB`;
}
