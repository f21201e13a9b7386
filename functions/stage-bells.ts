import type { EndedCells } from '../shared/flows/ended-cells.ts';
import type { Engine } from '../shared/flows/engine.ts';
import type { MessageBus } from '../shared/ports/message-bus.ts';
import { ringForStages } from './stage-doorbell.ts';

/**
 * Rings the coordinator for each cell of a staged backfill that this process has ended, whichever flow ended it. It is rung
 * at once, beside the work; `settled` waits for what is on its way (P11). A ring that is lost, by a crash or because Pub/Sub
 * does not answer, is made up for: who has the backfill's lease looks at its open cells every few seconds by itself, and
 * the tick finds one that nobody has.
 */
export class StageBells {
  readonly #ringing = new Set<Promise<void>>();
  readonly #ring: (ended: EndedCells) => Promise<void>;
  readonly #onLost: (thrown: unknown) => void;

  constructor(engine: Engine, bus: MessageBus, topic: string, onLost: (thrown: unknown) => void) {
    this.#ring = ({ backfillId, cells: [first, ...more] }) => ringForStages(bus, topic, { trigger: 'cell_ended', backfillId, cell: more.length === 0 ? first ?? null : null });
    this.#onLost = onLost;
    engine.ended.add((ended) => this.#begin(ended));
  }

  #begin(ended: EndedCells): void {
    const ringing = this.#ring(ended).catch(this.#onLost).finally(() => void this.#ringing.delete(ringing));
    this.#ringing.add(ringing);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#ringing);
  }
}
