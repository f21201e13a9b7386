import type { Alert } from '../alerts/alert.ts';

export type { Alert } from '../alerts/alert.ts';

/**
 * Tells people. An alert is taken over at once and delivered beside the work: a channel that hangs or fails holds nothing
 * up. It is tried a few times, and what can't be delivered is said in the log; it is not kept.
 */
export interface Notifier {
  /** Never throws: an alert that can't be delivered must not fail the work it tells of. */
  notify(alert: Alert): Promise<void>;
  /** Waits until what was taken over is delivered or given up, but no longer than this: for an instance that gets no time of its own afterwards. Never throws. */
  flush?(withinMs: number): Promise<void>;
  /** Flushes, and gives up what is left. Never throws. */
  close?(withinMs: number): Promise<void>;
}
