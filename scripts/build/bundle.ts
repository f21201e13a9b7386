import { build, type Plugin } from 'esbuild';

export interface Bundle {
  /** One CommonJS file: functions-framework loads it synchronously, without looking for the module's kind. */
  readonly code: Uint8Array;
  /** Bytes of each package and of our own code in it, largest first. */
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
}

/** Which parts of Google's clients a function uses is said in `client-parts.ts`. */
export async function bundle(root: string, entry: string, plugins: readonly Plugin[]): Promise<Bundle> {
  const result = await build({
    absWorkingDir: root, entryPoints: [entry], bundle: true, write: false, metafile: true, outfile: 'index.cjs',
    platform: 'node', target: 'node24', format: 'cjs',
    // Names stay: errors are told apart, and logged, by the names of their classes.
    minifyWhitespace: true, minifySyntax: true, minifyIdentifiers: false,
    legalComments: 'none', charset: 'utf8', logLevel: 'silent', treeShaking: true,
    define: { 'import.meta.dirname': '__dirname', 'process.env.NODE_ENV': '"production"' },
    plugins: [...plugins],
  });
  const [file] = result.outputFiles;
  if (!file) throw new Error(`${entry} made no bundle`);
  const [output] = Object.values(result.metafile.outputs);
  const sizes = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    const name = packageOf(path);
    sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
  }
  const parts = [...sizes].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  return { code: file.contents, parts };
}

function packageOf(path: string): string {
  const [, inside] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  return inside ?? 'smart-backfill';
}
