import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BUNDLED_PIPELINE } from '../../functions/runtime/pipeline-source.ts';
import { archive, type Archive } from './archive.ts';
import { bundle } from './bundle.ts';
import { clientParts } from './client-parts.ts';
import { BUNDLE, functionEntries, functionNames, MAIN, packageJsonOf } from './functions.ts';
import { bundledPipeline } from './pipeline-files.ts';

export interface Built {
  readonly name: string;
  /** By its content: another zip has another name, so that Terraform deploys what has changed and nothing else. */
  readonly file: string;
  readonly archive: Archive;
  /** What the zip holds, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly bundleBytes: number;
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Bundles every function with the definition of a pipeline. Nothing is written. */
export async function buildFunctions(pipelineDirectory: string): Promise<{ readonly pipeline: string; readonly functions: readonly Built[] }> {
  const { name: pipeline, json } = bundledPipeline(pipelineDirectory);
  const text = new TextEncoder();
  const functions = await Promise.all(functionNames.map(async (name): Promise<Built> => {
    const { code, parts } = await bundle(root, functionEntries[name], [clientParts()]);
    const files = new Map<string, Uint8Array>([
      [MAIN, readFileSync(new URL('loader.cjs', import.meta.url))],
      [BUNDLE, code],
      ['warm.cjs', readFileSync(new URL('warm.cjs', import.meta.url))],
      ['package.json', text.encode(packageJsonOf(name))],
      [BUNDLED_PIPELINE, text.encode(json)],
    ]);
    const zipped = archive(files);
    return { name, file: `${name}-${zipped.sha256.slice(0, 16)}.zip`, archive: zipped, files, bundleBytes: code.byteLength, parts };
  }));
  return { pipeline, functions };
}
