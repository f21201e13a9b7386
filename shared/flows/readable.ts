import type { Day } from '../calendar/day.ts';
import { classify } from '../failures/classify.ts';
import type { Coverage } from '../gaps/coverage.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Clock } from '../ports/clock.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { Warehouse } from '../ports/warehouse.ts';

/** The same question would be answered the same way: it is the table, not the way to it. */
function isOfTheTable(error: unknown): error is Error {
  return error instanceof Error && classify(error).category === 'processing';
}

/**
 * Coverage, with a table that can't be read left out: one whose columns were renamed must not stop all the others. Nothing
 * counts as there of it, so nothing is computed on it; what is missing in it is more than is filled without a person, and
 * its own runs end at once by the same reason. A person is told once.
 */
export class ReadableCoverage {
  readonly #warehouse: Warehouse;
  readonly #notifier: Notifier;
  readonly #clock: Clock;
  readonly #told = new Map<string, string>();

  constructor({ warehouse, notifier, clock }: { readonly warehouse: Warehouse; readonly notifier: Notifier; readonly clock: Clock }) {
    this.#warehouse = warehouse;
    this.#notifier = notifier;
    this.#clock = clock;
  }

  async read(processors: readonly Processor[], from: Day, to: Day): Promise<ReadonlyMap<string, ReadonlyMap<Day, Coverage>>> {
    try {
      const all = await this.#warehouse.coverage(processors, from, to);
      for (const { name } of processors) this.#told.delete(name);
      return all;
    } catch (error) {
      if (!isOfTheTable(error)) throw error;
    }
    const found = await Promise.all(processors.map(async (processor) => [processor.name, await this.#one(processor, from, to)] as const));
    return new Map(found);
  }

  async #one(processor: Processor, from: Day, to: Day): Promise<ReadonlyMap<Day, Coverage>> {
    try {
      return (await this.#warehouse.coverage([processor], from, to)).get(processor.name) ?? new Map();
    } catch (error) {
      if (!isOfTheTable(error)) throw error;
      await this.#tell(processor, error.message);
      return new Map();
    }
  }

  async #tell({ name, output }: Processor, message: string): Promise<void> {
    if (this.#told.get(name) === message) return;
    this.#told.set(name, message);
    await this.#notifier.notify({
      severity: 'critical', event: 'table_unreadable', title: `${output.ref} can't be read: nothing counts as there of ${name}`, lines: [message], command: 'smart-backfill doctor', at: this.#clock.now(),
    });
  }
}
