import { complete } from '../../shared/flows/complete.ts';
import type { Engine } from '../../shared/flows/engine.ts';
import { work, type WorkOptions } from '../../shared/flows/work.ts';
import type { DeliveredMessage, MessageBus, Verdict } from '../../shared/ports/message-bus.ts';
import { parsePhaseComplete } from '../../shared/requests/decode.ts';

export interface RouterDeps {
  readonly engine: Engine;
  readonly bus: MessageBus;
  readonly detectionTopic: string;
  readonly signal: AbortSignal;
  /** Told of each cell that is worked off. */
  readonly on?: Pick<WorkOptions, 'onStart' | 'onEnd'>;
}

/** A phase-complete message: records the completion, decides the cascade, and has the detector look where something is missing. */
export async function handlePhaseComplete({ engine, bus, detectionTopic, signal, on }: RouterDeps, message: DeliveredMessage): Promise<Verdict> {
  const parsed = parsePhaseComplete(message.body);
  if (parsed.kind === 'refused') return { kind: 'dead_letter', reason: parsed.reason };
  const completion = await complete(engine, parsed.value, message.messageId);
  if (completion.kind === 'refused') return { kind: 'dead_letter', reason: completion.reason };
  if (completion.detect) await bus.publish(detectionTopic, JSON.stringify({ trigger: 'phase_complete', game_date: parsed.value.game_date }));
  if (completion.cascade?.record.state === 'released') await work(engine, { signal, ...on });
  return { kind: 'ack' };
}
