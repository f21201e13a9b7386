import { completionLog } from '../log/work-log.ts';
import { googleFunction } from '../runtime/function.ts';
import { handlePhaseComplete } from './handler.ts';

/** What functions-framework serves, by the name of the deployed function, as an HTTP function. */
const phaseRouter = googleFunction({
  name: 'phase-router', folder: import.meta.dirname, environment: process.env,
  handle: ({ deps, log }, message) => handlePhaseComplete({ ...deps, onCompleted: completionLog(log) }, message),
});
export { phaseRouter as 'phase-router' };
export { warm } from '../runtime/warm.ts';
