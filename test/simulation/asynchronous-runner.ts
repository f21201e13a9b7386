import { formatDay } from '../../shared/calendar/day.ts';
import type { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { MessageBus } from '../../shared/ports/message-bus.ts';
import type { ProcessorRunner, RunAnswer, RunOrder } from '../../shared/ports/processor-runner.ts';
import type { Fuse } from './crash.ts';
import { cellName } from './mini-pipeline.ts';
import { miniProcessors } from './mini-processors.ts';
import type { Random } from './random.ts';
import type { Outside } from './site.ts';

export interface AsynchronousOptions {
  /** Names of the processors that run on by themselves. */
  readonly asynchronous: ReadonlySet<string>;
  /** How long a run takes at most; 5 s unless given. */
  readonly longestRunMs?: number;
  readonly warehouse: MemoryWarehouse;
  readonly clock: Clock;
  readonly random: Random;
  readonly outside: Outside;
  readonly bus: MessageBus;
  /** Something that goes on when the order is answered. */
  readonly goesOn: (work: () => Promise<void>) => void;
}

/** The pipeline with other targets: nothing else of it changes. */
export function withAsynchronous(pipeline: Pipeline, names: ReadonlySet<string>): Pipeline {
  const processors = pipeline.processors.map((processor) => (names.has(processor.name) ? { ...processor, target: { pubsub: 'mini-triggers' } } : processor));
  return { ...pipeline, processors, byName: new Map(processors.map((processor) => [processor.name, processor])) };
}

/** Starts what runs on by itself: it writes its table and says so later, or before the order is answered. */
export class AsynchronousRunner implements ProcessorRunner {
  readonly #options: AsynchronousOptions;
  readonly #others: ProcessorRunner;
  readonly #fuse: Fuse;

  constructor(options: AsynchronousOptions, others: ProcessorRunner, fuse: Fuse) {
    this.#options = options;
    this.#others = others;
    this.#fuse = fuse;
  }

  async run(order: RunOrder): Promise<RunAnswer> {
    const { asynchronous, random, outside, clock, warehouse, bus, goesOn, longestRunMs = 5000 } = this.#options;
    // Not within a call that is counted as under way: nobody lets time pass during one.
    await clock.sleep(random.below(longestRunMs));
    if (!asynchronous.has(order.processor.name)) return this.#others.run(order);
    const isEarly = random.chance(0.3);
    await this.#fuse.change(async () => {
      const run = miniProcessors(outside.source).get(order.processor.name);
      if (!run) throw new RangeError(`received ${order.processor.name}`);
      const result = await run({
        processorName: order.processor.name, gameDate: formatDay(order.day), runId: order.runId, isBackfill: order.isBackfill, skipDownstreamTrigger: order.skipDownstreamTrigger,
        strictMode: order.strictMode, triggerReason: order.triggerReason, backfillId: order.backfillId, pipelineDirectory: '', sourceDirectory: '', read: (name) => order.read(name), signal: order.signal,
      });
      const ends = async (): Promise<void> => {
        if (result.status === 'success') {
          outside.runs.push(cellName({ processor: order.processor.name, day: order.day }));
          warehouse.outside(order.processor, order.day, result.rows);
        }
        await bus.publish(order.processor.phase.completionTopic, JSON.stringify({
          phase: order.processor.phase.name, processor_name: order.processor.name, game_date: formatDay(order.day), status: result.status, run_id: order.runId,
        }));
      };
      if (isEarly) await ends();
      else {
        goesOn(async () => {
          await clock.sleep(random.below(60_000));
          await ends();
        });
      }
    });
    if (isEarly) await clock.sleep(random.below(4000));
    return { kind: 'started', handle: `executions/${order.runId}` };
  }

  async cancel(): Promise<null> {
    return null;
  }

  async sourceHas(): Promise<'unknown'> {
    return 'unknown';
  }
}
