import type { DetectOptions, Detected } from '../../shared/flows/detect-gaps.ts';
import { detectGaps } from '../../shared/flows/detect-gaps.ts';
import type { Engine } from '../../shared/flows/engine.ts';
import type { DeliveredMessage, Verdict } from '../../shared/ports/message-bus.ts';

export interface DetectorDeps {
  readonly engine: Engine;
  readonly signal: AbortSignal;
  readonly on?: DetectOptions['on'];
  readonly onDetected?: (detected: Detected) => void;
}

/** A tick, a failed completion or a parked cascade: looks for gaps of the current season, and fills what is within the bounds. */
export async function handleDetection({ engine, signal, on, onDetected }: DetectorDeps, _message: DeliveredMessage): Promise<Verdict> {
  const { today } = engine.moment();
  const season = engine.world.calendar.currentSeason(today);
  const to = today < season.to ? today : season.to;
  const detected = await detectGaps(engine, { from: season.from, to, signal, on });
  onDetected?.(detected);
  return { kind: 'ack' };
}
