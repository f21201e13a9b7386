import { complete, type Completion } from '../../shared/flows/complete.ts';
import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { parseCompletion } from '../../shared/requests/parse-completion.ts';
import type { HandlerDeps } from '../deps.ts';
import { ring } from '../doorbell.ts';
import { ringForOthers } from '../ring-for-others.ts';

export interface RouterDeps extends HandlerDeps {
  readonly onCompleted?: (completion: Completion) => void;
}

/** A phase-complete message: records the completion, decides the cascade, and has the detector look where something is missing. */
export async function handlePhaseComplete(deps: RouterDeps, message: DeliveredMessage): Promise<Verdict> {
  const { engine, worker, bus, detectionTopic, signal, time } = deps;
  const parsed = parseCompletion(engine.pipeline, message.topic, message.body);
  if (parsed.kind === 'refused') return { kind: 'dead_letter', reason: parsed.reason };
  // Of a processor that the definition leaves out on purpose.
  if (parsed.kind === 'ignored') return { kind: 'ack' };
  const completion = await complete(engine, parsed.value, message.messageId);
  deps.onCompleted?.(completion);
  if (completion.kind === 'refused') return { kind: 'dead_letter', reason: completion.reason };
  // An earlier delivery may have got as far as its commit, and no further.
  if (completion.detect || message.deliveryAttempt > 1) await ring(bus, detectionTopic, { trigger: 'phase_complete', day: dayOf(parsed.value.game_date), cause: parsed.value.cause_id ?? null });
  if (completion.cascade?.record.state === 'released') await ringForOthers(deps, (await worker.ring(signal, time)).worked);
  return { kind: 'ack' };
}
