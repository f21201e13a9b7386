import type { PushedFunction } from '../../shared/pipeline/topology.ts';

/** The functions that are deployed, and where each begins. */
export const functionEntries: Readonly<Record<PushedFunction, string>> = {
  'backfill-worker': 'functions/backfill-worker/index.ts',
  'phase-router': 'functions/phase-router/index.ts',
  'gap-detector': 'functions/gap-detector/index.ts',
  'stage-coordinator': 'functions/stage-coordinator/index.ts',
};
export const functionNames: readonly PushedFunction[] = ['backfill-worker', 'phase-router', 'gap-detector', 'stage-coordinator'];

/** By this name the framework knows a CommonJS module, and need not look for a package.json above it: 40 ms of a start. */
export const MAIN = 'index.cjs';

/** The bundle itself; `MAIN` starts it from its compiled form, where `warm.cjs` has been run. */
export const BUNDLE = 'bundle.cjs';

/**
 * What Google's builder reads: nothing that the bundle needs is installed, so that what was tested runs. functions-framework
 * is put beside it by the builder, as its own lock file pins it (3.5.1 at the time of writing; bundles of 5.0.5's tests start
 * under it too): https://github.com/GoogleCloudPlatform/buildpacks/blob/main/cmd/nodejs/functions_framework/lib/lib.go
 * `gcp-build` runs once when the container is built: https://cloud.google.com/docs/buildpacks/nodejs#executing_custom_build_steps_during_deployment
 */
export function packageJsonOf(name: string): string {
  return `${JSON.stringify({ name: `smart-backfill-${name}`, private: true, main: MAIN, engines: { node: '>=24 <25' }, scripts: { 'gcp-build': `node warm.cjs ${name}` } }, null, 2)}\n`;
}
