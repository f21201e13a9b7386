import assert from 'node:assert/strict';
import { formatDay } from '../../shared/calendar/day.ts';
import { stopNow } from '../../shared/flows/operate.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { ProcessorRunner, RunAnswer, RunOrder } from '../../shared/ports/processor-runner.ts';
import { SimulatedRunner, Outside, TOPICS } from '../simulation/site.ts';
import { Fuse } from '../simulation/crash.ts';
import { WholeSeason } from '../simulation/season.ts';

const DATE = '2024-01-12';
const MINUTE_MS = 60_000;

/** Box scores are written by a service of the team's own; all else is run as ever. */
class OwnService implements ProcessorRunner {
  readonly orders: RunOrder[] = [];
  readonly cancelled: string[] = [];
  /** What the service does of an order, and answers. */
  answer: (order: RunOrder) => RunAnswer | Promise<RunAnswer> = () => ({ kind: 'started', handle: 'executions/1' });
  readonly #others = new SimulatedRunner(new Outside(), Fuse.never());

  run(order: RunOrder): Promise<RunAnswer> {
    if (order.processor.name !== 'Box') return this.#others.run(order);
    this.orders.push(order);
    return Promise.resolve(this.answer(order));
  }

  async cancel(processor: Processor, handle: string): Promise<string | null> {
    this.cancelled.push(handle);
    return `${handle} of ${processor.name}`;
  }

  async sourceHas(): Promise<'unknown'> {
    return 'unknown';
  }
}

describe('a target that writes its table itself', () => {
  let season: WholeSeason;
  let service: OwnService;
  beforeEach(async () => {
    service = new OwnService();
    season = await WholeSeason.open({}, { runner: service });
    season.write('Box', DATE, null);
  });
  afterEach(() => season.close());

  const phaseOfBox = (): string => season.site.processor('Box').phase.name;
  const says = async (more: Readonly<Record<string, unknown>> = {}): Promise<void> => {
    await season.site.bus.publish(season.site.processor('Box').phase.completionTopic, JSON.stringify({
      phase: phaseOfBox(), processor_name: 'Box', game_date: DATE, status: 'success', run_id: service.orders.at(-1)?.runId, ...more,
    }));
    await season.wait(season.site.deliver());
  };

  describe('and answers', () => {
    it('is verified by what is in its table, and its readers follow', async () => {
      service.answer = () => {
        season.write('Box', DATE);
        return { kind: 'wrote', rows: 2, codeVersion: null };
      };
      await season.ask('Box', DATE, { request_id: 'own' });
      assert.equal((await season.outcomes('own'))[0]?.outcome, 'ran');
      assert.deepEqual(await season.wrong(), []);
    });

    it('has failed when it reports success and its table is empty, and is held with its readers', async () => {
      service.answer = () => ({ kind: 'wrote', rows: 2, codeVersion: null });
      await season.ask('Box', DATE);
      const { failure, last } = await season.record('Box', DATE);
      assert.match(failure?.message ?? '', /^silent_failure: Box reported success, but no rows; its readers are held/);
      assert.equal(failure?.coolsUntil, null);
      assert.notEqual(last?.runId, service.orders[0]?.runId);
    });
  });

  describe('and runs on by itself', () => {
    it('keeps its slot and its lease until its deadline, and nobody takes it over', async () => {
      await season.ask('Box', DATE);
      assert.deepEqual(await season.open(), [`Box ${DATE} processing`]);
      const { request } = await season.record('Box', DATE);
      const timeoutMs = season.site.processor('Box').timeoutSeconds * 1000;
      assert.equal(request?.lease?.until, (request?.lease?.startedAt ?? 0) + timeoutMs);
      season.clock.advance(timeoutMs - MINUTE_MS);
      await season.tick();
      assert.equal(service.orders.length, 1);
      assert.deepEqual(await season.open(), [`Box ${DATE} processing`]);
    });

    it('ends by its completion message, and what had read its absence is redone', async () => {
      await season.ask('Box', DATE, { request_id: 'own' });
      season.write('Box', DATE);
      await says();
      assert.deepEqual(await season.open(), []);
      const { last } = await season.record('Box', DATE);
      assert.equal(last?.runId, service.orders[0]?.runId);
      assert.equal(last?.origin, 'ours');
      assert.ok(last?.trace);
      assert.equal((await season.outcomes('own'))[0]?.outcome, 'ran');
      assert.deepEqual(await season.wrong(), []);
    });

    it('is ended once by a message that comes twice', async () => {
      await season.ask('Box', DATE);
      season.write('Box', DATE);
      await says();
      const once = await season.record('Box', DATE);
      await says();
      assert.deepEqual(await season.record('Box', DATE), once);
      assert.equal(service.orders.length, 1);
    });

    it('is known to be a backfill although its service forgets to say so: no live cascade is sent', async () => {
      await season.ask('Box', DATE);
      season.write('Box', DATE);
      await says({ backfill_mode: false, skip_downstream_trigger: false });
      const released = (await season.site.store.cascades(season.site.pipeline.seasons[0]?.from ?? season.site.engine.moment().today, season.site.engine.moment().today)).filter((cascade) => cascade.state === 'released');
      assert.deepEqual(released, []);
    });

    it('is left alone by a message of another run', async () => {
      await season.ask('Box', DATE);
      season.write('Box', DATE);
      await says({ run_id: 'somebody-elses' });
      assert.deepEqual(await season.open(), [`Box ${DATE} processing`]);
    });

    it('has failed when its message says so, and is tried again as its category says', async () => {
      await season.ask('Box', DATE);
      await says({ status: 'failed', error_message: 'ValueError: invalid literal for int() with base 10' });
      const { failure, request } = await season.record('Box', DATE);
      assert.equal(failure?.category, 'processing');
      assert.equal(request, null);
    });

    it('has failed when it reports success and rows are missing', async () => {
      await season.ask('Box', DATE);
      await says();
      assert.match((await season.record('Box', DATE)).failure?.message ?? '', /^silent_failure/);
    });

    it('is finished at its deadline when its rows are there and its message was lost', async () => {
      await season.ask('Box', DATE, { request_id: 'own' });
      season.write('Box', DATE);
      season.clock.advance(season.site.processor('Box').timeoutSeconds * 1000);
      await season.tick();
      assert.equal((await season.outcomes('own'))[0]?.outcome, 'ran');
      assert.deepEqual(await season.wrong(), []);
    });

    it('is started again when its deadline passes without rows', async () => {
      await season.ask('Box', DATE);
      season.clock.advance(season.site.processor('Box').timeoutSeconds * 1000);
      await season.tick();
      season.clock.advance(10 * MINUTE_MS);
      await season.tick();
      assert.equal(service.orders.length, 2);
      assert.notEqual(service.orders[0]?.runId, service.orders[1]?.runId);
    });

    it('is cancelled where it runs, and the request with it', async () => {
      await season.ask('Box', DATE, { request_id: 'own' });
      const [cell] = await season.site.store.openCells();
      assert.ok(cell);
      const result = await season.wait(stopNow(season.site.engine, [cell], 'cancel', { by: 'kim', reason: 'wrong source' }));
      assert.deepEqual(result, { stopped: ['executions/1 of Box'], completed: [], stopping: [] });
      assert.deepEqual(service.cancelled, ['executions/1']);
      assert.equal((await season.outcomes('own'))[0]?.outcome, 'cancelled');
      assert.deepEqual((await season.site.store.slots()).flatMap((slots) => slots.holders), []);
      assert.match((await season.record('Box', DATE)).failure?.message ?? '', /^cancelled by kim: wrong source; stopped executions\/1 of Box$/);
    });

    it('goes back into the queue when the pipeline is paused at once', async () => {
      await season.ask('Box', DATE);
      const [cell] = await season.site.store.openCells();
      assert.ok(cell);
      await season.wait(stopNow(season.site.engine, [cell], 'pause', { by: 'kim', reason: 'release' }));
      const { request, failure } = await season.record('Box', DATE);
      assert.deepEqual([request?.state, request?.attempts, request?.stop, failure], ['queued', 0, undefined, null]);
    });

    it('is one order for one date, with the contract of its run', async () => {
      await season.ask('Box', DATE);
      const [order] = service.orders;
      assert.deepEqual([formatDay(order?.day ?? season.site.engine.moment().today), order?.isBackfill, order?.skipDownstreamTrigger], [DATE, true, true]);
    });
  });
});

describe('stopping what runs in this process', () => {
  it('aborts it, leaves its rows as they were, and says what was stopped', async () => {
    const service = new OwnService();
    const season = await WholeSeason.open({}, { runner: service });
    season.write('Box', DATE, null);
    const begun = Promise.withResolvers<null>();
    service.answer = (order) => {
      begun.resolve(null);
      return new Promise((_resolve, reject) => { order.signal.addEventListener('abort', () => reject(new Error('aborted'))); });
    };
    await season.site.bus.publish(TOPICS.requests, JSON.stringify({ processor_name: 'Box', start_date: DATE, end_date: DATE, request_id: 'own' }));
    const delivered = season.wait(season.site.deliver());
    await begun.promise;
    const [cell] = await season.site.store.openCells();
    assert.ok(cell);
    const result = await season.wait(stopNow(season.site.engine, [cell], 'cancel', { by: 'kim', reason: 'wrong' }));
    await delivered;
    assert.deepEqual(result.stopping, []);
    assert.match(result.stopped.join(), /^the run run-\S+ of Box 2024-01-12$/);
    assert.equal((await season.outcomes('own'))[0]?.outcome, 'cancelled');
    season.close();
  });
});
