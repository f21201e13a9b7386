import { formatDay } from '../../shared/calendar/day.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { ProcessorRunner, RunAnswer, RunOrder } from '../../shared/ports/processor-runner.ts';
import type { Fuse } from './crash.ts';
import { miniProcessors } from './mini-processors.ts';
import { cellName } from './mini-pipeline.ts';
import type { Cluster } from './cluster.ts';

/** The pipeline with other targets: nothing else of it changes. */
export function withAsynchronous(pipeline: Pipeline, names: ReadonlySet<string>): Pipeline {
  const processors = pipeline.processors.map((processor) => (names.has(processor.name) ? { ...processor, target: { pubsub: 'mini-triggers' } } : processor));
  return { ...pipeline, processors, byName: new Map(processors.map((processor) => [processor.name, processor])) };
}

/** Starts what runs on by itself: it writes its table and says so later, or before the order is answered. */
export class AsynchronousRunner implements ProcessorRunner {
  readonly #cluster: Cluster;
  readonly #others: ProcessorRunner;
  readonly #fuse: Fuse;

  constructor(cluster: Cluster, others: ProcessorRunner, fuse: Fuse) {
    this.#cluster = cluster;
    this.#others = others;
    this.#fuse = fuse;
  }

  async run(order: RunOrder): Promise<RunAnswer> {
    const { asynchronous, random, outside, clock, longestRunMs = 5000 } = this.#cluster.options;
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
          this.#cluster.options.warehouse.outside(order.processor, order.day, result.rows);
        }
        await this.#cluster.publish(order.processor.phase.completionTopic, JSON.stringify({
          phase: order.processor.phase.name, processor_name: order.processor.name, game_date: formatDay(order.day), status: result.status, run_id: order.runId,
        }));
      };
      if (isEarly) await ends();
      else {
        this.#cluster.outside(async () => {
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
