import { detectionLog, recoveryLog } from '../log/work-log.ts';
import { googleFunction } from '../runtime/function.ts';
import { handleDetection } from './handler.ts';

/** What functions-framework serves, by the name of the deployed function, as an HTTP function. */
const gapDetector = googleFunction({
  name: 'gap-detector', folder: import.meta.dirname, environment: process.env,
  handle: ({ deps, log }, message) => handleDetection({ ...deps, on: recoveryLog(log), onDetected: detectionLog(log) }, message),
});
export { gapDetector as 'gap-detector' };
export { warm } from '../runtime/warm.ts';
