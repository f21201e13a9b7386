import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { InputError } from '../../shared/failures/errors.ts';
import { suggestion } from '../../shared/pipeline/nearest.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { topologyOf } from '../../shared/pipeline/topology.ts';
import type { Io } from '../output/io.ts';
import { withState } from '../session.ts';
import { newCommand, onRun, type CliContext } from './command.ts';
import { publishAndFollow, showFollowed } from './follow.ts';
import { commonOptions } from './options.ts';

const operands = z.tuple([z.string(), z.string()]);

export function publishCommand(context: CliContext): Command {
  const command = newCommand('publish', 'Publishes any message by hand, as `gcloud pubsub topics publish` does, and shows what became of it.', ['state', 'json', 'now'])
    .argument('<topic>', 'a topic of pipeline.yaml')
    .argument('<json>', 'the message, as it is: what is wrong with it is found by who receives it; @FILE reads it from a file, - from standard input');
  return onRun(context, command, async (given, words) => {
    const options = commonOptions.parse(given);
    const [topic, word] = operands.parse(words);
    const body = context.owner ? word : await readBody(word, context.io);
    const { argv } = context;
    const at = argv.indexOf(word, argv.indexOf(topic) + 1);
    // The process that owns the state folder is given the message itself: this one's files and input are not its own.
    const inWords = body === word ? argv : [...argv.slice(0, at), ...argv.slice(at + 1), ...(argv.includes('--') ? [] : ['--']), body];
    return withState({ ...context, argv: inWords }, options, async (session) => {
      const { topics } = session.runtime;
      if (Buffer.byteLength(body) > 1024 * 1024) throw new InputError(`received a message of ${Buffer.byteLength(body)} bytes; allowed are 1,048,576; send fewer fields`);
      const followed = await publishAndFollow(session, topic, [body]);
      const backlog = session.runtime.backlog();
      if (backlog) session.log('debug', `backlog: ${backlog.map(({ subscription, messages }) => `${subscription} ${messages}`).join(', ')}; requests go to ${topics.requests}`);
      return showFollowed(session, followed, options.json);
    }, { check: (pipeline) => checkTopic(topic, pipeline) });
  });
}

/** `-`: standard input; `@FILE`: a file; else the word itself. */
async function readBody(word: string, io: Io): Promise<string> {
  if (word !== '-' && !word.startsWith('@')) return word;
  const file = word.slice(1);
  let bytes: Uint8Array | undefined;
  try {
    bytes = word === '-' ? await io.readInput?.() : await readFile(resolve(io.cwd, file));
  } catch (error) {
    throw new InputError(`received ${word}, which can't be read (${error instanceof Error ? error.message : String(error)}); allowed are @FILE, - for standard input, or the message itself; correct the path`, { cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new InputError(`received ${word}, which holds bytes that are not UTF-8; allowed is JSON text in UTF-8; write it so`, { cause: error });
  }
}

function checkTopic(topic: string, pipeline: Pipeline): void {
  const names = topologyOf(pipeline).topics.map(({ name }) => name);
  if (names.includes(topic)) return;
  throw new InputError(`received the topic '${topic}', which the pipeline ${pipeline.name} does not have; allowed are ${names.join(', ')}; ${suggestion(topic, names, 'give one of them')}`);
}
