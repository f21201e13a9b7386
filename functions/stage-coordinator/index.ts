import { stageLog } from '../log/work-log.ts';
import { googleFunction } from '../runtime/function.ts';
import { handleStages } from './handler.ts';

/** What functions-framework serves, by the name of the deployed function, as an HTTP function. */
const stageCoordinator = googleFunction({
  name: 'stage-coordinator', folder: import.meta.dirname, environment: process.env,
  handle: ({ deps, runtime: { advancing, coordinationTopic, pipeline }, log }, message) =>
    handleStages({ ...deps, advancing, coordinationTopic, requestsTopic: pipeline.topics.backfill_requests, on: stageLog(log) }, message),
});
export { stageCoordinator as 'stage-coordinator' };
export { warm } from '../runtime/warm.ts';
