import type { Command } from 'commander';
import { Option } from 'commander';
import { z } from 'zod';
import { makePlan } from '../../shared/flows/recover.ts';
import { writeJson } from '../output/json.ts';
import { planJson, renderPlan } from '../output/plan-view.ts';
import { outStyle } from '../output/style.ts';
import { withState } from '../session.ts';
import { done, newCommand, onRun, type CliContext } from './command.ts';
import { checkScope, commonOptions, scopeWords } from './options.ts';

const planOptions = commonOptions.extend({ all: z.boolean().default(false), altered: z.enum(['report', 'reprocess']).optional() });

export function planCommand(context: CliContext): Command {
  const command = newCommand('plan', 'What recover would do, in order; what it leaves out, and why. Changes nothing.', ['state', 'scope', 'json', 'now'])
    .option('--all', 'over the bounds of automatic work too, and readers outside the range')
    .addOption(new Option('--altered <policy>', 'altered rows, instead of the policy').choices(['report', 'reprocess']));
  return onRun(context, command, (given) => {
    const options = planOptions.parse(given);
    return withState(context, options, async (session) => {
      const { io, runtime: { engine } } = session;
      const scope = session.scope();
      await engine.refresh(scope.from, scope.to);
      const plan = await makePlan(engine, { scope, by: 'person', all: options.all, altered: options.altered ?? 'policy' });
      if (options.json) writeJson(io, planJson(plan));
      else {
        io.out.write(renderPlan(plan, engine.world, outStyle(io), (words) => session.command(...words)));
        const flags = [...(options.all ? ['--all'] : []), ...(options.altered ? ['--altered', options.altered] : [])];
        if (plan.steps.length > 0) session.log('info', `do it:  ${session.command('recover', ...flags, ...scopeWords(options))}`);
      }
      return done;
    }, { looks: true, check: (pipeline) => checkScope(options, pipeline) });
  });
}
