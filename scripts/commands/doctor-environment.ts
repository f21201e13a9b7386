import { configProblems, configVariables, type Environment } from '../../functions/runtime/config.ts';
import type { Check } from './doctor-check.ts';

/** Variables of Google's own clients, where they make a difference. */
const OF_CLIENTS = ['PUBSUB_EMULATOR_HOST', 'FIRESTORE_EMULATOR_HOST', 'GOOGLE_APPLICATION_CREDENTIALS'] as const;

/** Each variable of `--runtime google`: what is set, and what is wrong. */
export function environmentChecks(environment: Environment): readonly Check[] {
  const problems = configProblems(environment);
  const wrong = problems.map((problem): Check => {
    const [name = '', ...rest] = problem.split(': ');
    return { name: `variable ${name}`, result: 'wrong', found: rest.join(': '), mend: `export ${name}=…, as terraform output or 'npm run cloud:local' print it (docs/deploy.md)` };
  });
  if (wrong.length > 0) return wrong;
  const set = [...configVariables, ...OF_CLIENTS].flatMap((name) => {
    const value = environment[name];
    return value === undefined || value === '' ? [] : [`${name}=${value}`];
  });
  return [{ name: 'variables', result: 'ok', found: `${set.join(', ')}; the others have their defaults`, mend: null }];
}
