/** Severities of Google's structured logs: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#LogSeverity */
export const severities = ['DEBUG', 'INFO', 'NOTICE', 'WARNING', 'ERROR', 'CRITICAL'] as const;
export type Severity = (typeof severities)[number];

export interface LogEvent {
  readonly severity: Severity;
  /** What has happened. */
  readonly means: string;
  /** What a person does about it. */
  readonly todo: string;
}

const NOTHING = 'nothing';

/**
 * Every event that the functions log, by the name that stands in the field `event`: filters, alert policies and
 * docs/operate.md's table go by these names.
 */
export const logEvents = {
  runtime_opened: { severity: 'INFO', means: 'an instance has read the pipeline definition and is ready; took so many milliseconds', todo: NOTHING },
  runtime_unavailable: { severity: 'ERROR', means: 'an instance could not be made ready; the message is delivered again', todo: 'read the message: it names the pipeline folder, the permission or the service' },
  message_received: { severity: 'DEBUG', means: 'a message has come in', todo: NOTHING },
  message_acknowledged: { severity: 'INFO', means: 'what the message asks is durable in state', todo: 'follow it by its field cause' },
  message_nacked: { severity: 'WARNING', means: 'state could not be reached, or a part failed; the message is delivered again after its backoff', todo: 'none for a few; where they go on, read the category and the message' },
  message_dead_lettered: { severity: 'WARNING', means: 'the message can never be right; it is kept on the dead-letter topic with its reason', todo: 'read the reason, publish a corrected message; pull the dead letter with gcloud pubsub subscriptions pull' },
  dead_letter_unpublished: { severity: 'ERROR', means: 'a message that can never be right could not be put on the dead-letter topic; it is delivered again', todo: "grant the function's service account roles/pubsub.publisher on the dead-letter topic, or read the category" },
  not_pubsub: { severity: 'WARNING', means: 'an HTTP request that is no Pub/Sub event; answered with 4xx and not kept', todo: 'find who sends it: the push subscription of this function, or somebody with its invoker role' },
  unknown_subscription: { severity: 'ERROR', means: 'a push from a subscription that the pipeline definition does not give to this function; its subscription keeps the message', todo: 'correct the push endpoint of that subscription, or name it in pipeline.yaml and deploy' },
  time_used_up: { severity: 'NOTICE', means: 'the time of one invocation is used up; what is queued stays in state for the next one', todo: 'nothing; where it is frequent, allow more instances' },
  cell_started: { severity: 'INFO', means: 'a worker has claimed a cell and runs it', todo: NOTHING },
  cell_ended: { severity: 'INFO', means: "a cell's run has ended; the outcome says how", todo: NOTHING },
  cell_failed: { severity: 'WARNING', means: "a cell's run has failed; the category says what is done about it", todo: 'smart-backfill why PROCESSOR DATE --runtime google' },
  detection_ended: { severity: 'INFO', means: 'a detection has looked through its dates; says how many cells are not complete', todo: NOTHING },
  detection_joined: { severity: 'INFO', means: 'another detection is under way; it goes round once more instead', todo: NOTHING },
  stage_planned: { severity: 'INFO', means: 'a round of a stage of a staged backfill has been planned; says how many cells', todo: NOTHING },
  backfill_changed: { severity: 'NOTICE', means: 'a staged backfill has come to another stage or state; the message says why', todo: 'smart-backfill backfill status ID --runtime google; a state that waits for a person is alerted as well' },
  ring_lost: { severity: 'WARNING', means: 'the coordinator of staged backfills could not be rung; it looks by itself within seconds, and at every tick', todo: "nothing for a few; where they go on, read the category: usually a missing roles/pubsub.publisher" },
  cascade_parked: { severity: 'NOTICE', means: 'the next phase of a date waits for gaps; it is released by itself once its reasons are gone', todo: 'smart-backfill cascades show PHASE DATE --runtime google' },
  cascade_released: { severity: 'INFO', means: 'the next phase of a date has been started', todo: NOTHING },
  outbox_left: { severity: 'WARNING', means: 'messages that are durable in state could not be published; the next invocation or the sweep publishes them', todo: 'nothing for a few; where they go on, read the category: usually a missing roles/pubsub.publisher' },
  rows_unwritten: { severity: 'WARNING', means: 'rows of the run history could not be appended; no decision reads them', todo: 'read the category: usually a missing permission on the history tables' },
  alert_raised: { severity: 'WARNING', means: 'a person is told of something that will not mend by itself; published to the alerts topic as well', todo: 'the command stands in the field command' },
  alert_undelivered: { severity: 'ERROR', means: 'an alert could not be delivered on one channel; it stands in the log', todo: "channel topic: grant the function's service account roles/pubsub.publisher on the alerts topic; channel webhook: read the message, correct the secret SLACK_WEBHOOK_URL" },
  function_fault: { severity: 'ERROR', means: 'an error that nobody foresaw; the message is delivered again', todo: 'report it with its stack' },
} as const satisfies Readonly<Record<string, LogEvent>>;

export type LogEventName = keyof typeof logEvents;
