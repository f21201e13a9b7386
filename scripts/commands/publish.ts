import type { Command } from 'commander';
import { z } from 'zod';
import { InputError } from '../../shared/failures/errors.ts';
import { suggestion } from '../../shared/pipeline/nearest.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { withState } from '../session.ts';
import { newCommand, onRun, type CliContext } from './command.ts';
import { publishAndFollow, showFollowed } from './follow.ts';
import { commonOptions } from './options.ts';

const operands = z.tuple([z.string(), z.string()]);

export function publishCommand(context: CliContext): Command {
  const command = newCommand('publish', 'Publishes any message by hand, as `gcloud pubsub topics publish` does, and shows what became of it.', ['state', 'json', 'now'])
    .argument('<topic>', 'a topic of pipeline.yaml')
    .argument('<json>', 'the message, as it is: what is wrong with it is found by who receives it');
  return onRun(context, command, (given, words) => {
    const options = commonOptions.parse(given);
    const [topic, body] = operands.parse(words);
    return withState(context, options, async (session) => {
      const { bus, topics } = session.runtime;
      if (Buffer.byteLength(body) > 1024 * 1024) throw new InputError(`received a message of ${Buffer.byteLength(body)} bytes; allowed are 1,048,576; send fewer fields`);
      const followed = await publishAndFollow(session, topic, [body]);
      session.log('debug', `backlog: ${bus.backlog().map(({ subscription, messages }) => `${subscription} ${messages}`).join(', ')}; requests go to ${topics.requests}`);
      return showFollowed(session, followed, options.json);
    }, { check: (pipeline) => checkTopic(topic, pipeline) });
  });
}

function checkTopic(topic: string, pipeline: Pipeline): void {
  const names = [pipeline.topics.backfill_requests, pipeline.topics.gap_detection ?? `${pipeline.name}-gap-detection`, pipeline.topics.alerts, pipeline.topics.dead_letters, ...pipeline.phases.map((phase) => phase.completionTopic)];
  if (names.includes(topic)) return;
  throw new InputError(`received the topic '${topic}', which the pipeline ${pipeline.name} does not have; allowed are ${names.join(', ')}; ${suggestion(topic, names, 'give one of them')}`);
}
