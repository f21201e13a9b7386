import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { z } from 'zod';
import { InputError } from '../../shared/failures/errors.ts';
import { runDemo } from '../demo/demo.ts';
import { openPipeline } from '../session.ts';
import type { CommandBuilder } from './command.ts';
import { newCommand, onRun } from './command.ts';
import { embeddedOnly } from './options.ts';
import packageJson from '../../package.json' with { type: 'json' };

const demoOptions = z.object({ runtime: z.string().default('embedded'),  seed: z.string().default('1'), state: z.string().optional(), quiet: z.boolean().optional() });

/** `smart-backfill demo`: the whole story on the real data that ships, in a folder of its own. */
export const demoCommand: CommandBuilder = (context) => {
  const command = newCommand('demo', 'the whole story on real data: damage, diagnosis, recovery, proof', []);
  command.option('--state <dir>', "folder for the demo's two states (default: .smart-backfill-demo)");
  command.option('--seed <n>', 'which dates are damaged (default: 1)');
  command.addOption(new Option('--runtime <name>', 'embedded only').hideHelp());
  return onRun(context, command, async (given) => {
    const options = demoOptions.parse(given);
    embeddedOnly(options, 'demo', 'the same story is told by npm run cloud:local');
    const seed = Number(options.seed);
    if (!Number.isSafeInteger(seed) || seed < 0) throw new InputError(`received --seed '${options.seed}'; a whole number from 0 is allowed, for example --seed 7`);
    const { io } = context;
    const here = dirname(fileURLToPath(import.meta.url));
    const pipelineFolder = join(here, '..', '..', 'pipelines', 'nba');
    return runDemo({
      pipeline: openPipeline({ pipeline: pipelineFolder }, io.cwd),
      root: resolve(io.cwd, options.state ?? '.smart-backfill-demo'),
      seed,
      version: packageJson.version,
      signal: context.signal,
      stage: { write: (text) => io.out.write(text), progress: (text) => io.err.write(text), isTty: io.err.isTTY && options.quiet !== true, colour: io.out.colour, program: io.program },
      program: join(here, '..', 'smart-backfill.js'),
    });
  });
};
