import { googleFunction } from '../runtime/function.ts';
import { handleBackfillRequest } from './handler.ts';

/** What functions-framework serves, by the name of the deployed function, as an HTTP function. */
const backfillWorker = googleFunction({
  name: 'backfill-worker', folder: import.meta.dirname, environment: process.env,
  handle: ({ deps }, message) => handleBackfillRequest(deps, message),
});
export { backfillWorker as 'backfill-worker' };
export { warm } from '../runtime/warm.ts';
