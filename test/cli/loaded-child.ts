import { registerHooks } from 'node:module';

/** Runs a command line in this process, and prints which modules of Google's runtime it has loaded, as a JSON array. */
const loaded: string[] = [];
registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    if (/@google-cloud|google-auth|google-gax|shared\/google|functions\/runtime/.test(resolved.url)) loaded.push(resolved.url);
    return resolved;
  },
});
const { runCommandLine } = await import('../../scripts/cli.ts');
const silent = { write: () => undefined, isTTY: false, colour: false };
const io = { out: silent, err: silent, columns: 80, ask: null, readInput: null, program: 'smart-backfill', cwd: process.cwd(), user: 'test', environment: {} };
const code = await runCommandLine(process.argv.slice(2), io, new AbortController().signal);
process.stdout.write(JSON.stringify({ code, loaded }));
