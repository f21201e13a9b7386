import { randomUUID } from 'node:crypto';
import { NO_MARKERS, withIntent, withPromoted, type Intent, type MarkerKey, type MarkerState, type PromotionMarkers } from '../../shared/google/promotion-markers.ts';
import type { Promotion } from '../../shared/ports/warehouse.ts';

/** Markers of one process. */
export class MemoryPromotionMarkers implements PromotionMarkers {
  readonly #states = new Map<string, MarkerState>();
  readonly #epoch = randomUUID();

  async epoch(): Promise<string> {
    return this.#epoch;
  }

  async intend(key: MarkerKey, marker: Promotion): Promise<Intent> {
    const { intent, state } = withIntent(this.#stateOf(key), marker);
    this.#states.set(nameOf(key), state);
    return intent;
  }

  async read(key: MarkerKey): Promise<MarkerState> {
    return this.#stateOf(key);
  }

  async settle(key: MarkerKey, marker: Promotion): Promise<void> {
    this.#states.set(nameOf(key), withPromoted(this.#stateOf(key), marker));
  }

  #stateOf(key: MarkerKey): MarkerState {
    return this.#states.get(nameOf(key)) ?? NO_MARKERS;
  }
}

function nameOf({ processor, day }: MarkerKey): string {
  return `${processor} ${day}`;
}
