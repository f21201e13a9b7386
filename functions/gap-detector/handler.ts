import { seasonAt } from '../../shared/calendar/season.ts';
import { detectGaps, type DetectOptions, type Detected } from '../../shared/flows/detect-gaps.ts';
import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';
import type { HandlerDeps } from '../deps.ts';
import { readDoorbell, ring } from '../doorbell.ts';

export interface DetectorDeps extends HandlerDeps {
  readonly on?: DetectOptions['on'];
  readonly onDetected?: (detected: Detected) => void;
}

/**
 * A tick, a failed completion, a parked cascade or repaired rows: looks for gaps of the season, and fills what is within
 * the bounds. What there was no time for goes on in a run of its own.
 */
export async function handleDetection({ engine, bus, detectionTopic, signal, time, on, onDetected }: DetectorDeps, message: DeliveredMessage): Promise<Verdict> {
  const { day, cause } = readDoorbell(message.body);
  const { today } = engine.moment();
  const current = engine.world.calendar.currentSeason(today);
  const season = (day === null ? undefined : seasonAt(engine.pipeline.seasons, day)) ?? current;
  const detected = await detectGaps(engine, { from: season.from, to: today < season.to ? today : season.to, signal, time, on, cause: cause ?? undefined });
  onDetected?.(detected);
  // One that got nothing done in all its time would not with more of the same: that is left to the tick, or it would ring for ever.
  const goesOn = time?.ranOut && (detected.recovered?.runs.length ?? 0) > 0 ? [day] : [];
  for (const about of new Set([...goesOn, ...(detected.left ?? []).map((range) => range.from)])) await ring(bus, detectionTopic, { trigger: 'goes_on', day: about, cause });
  return { kind: 'ack' };
}
