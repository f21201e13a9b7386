import assert from 'node:assert/strict';
import type { Firestore } from '@google-cloud/firestore';
import { addDays, dayOf, formatDay, type Day } from '../../shared/calendar/day.ts';
import { detectGaps } from '../../shared/flows/detect-gaps.ts';
import { makePlan, recover } from '../../shared/flows/recover.ts';
import { receiveRequest } from '../../shared/flows/request.ts';
import { work } from '../../shared/flows/work.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { detect } from '../../shared/gaps/detect.ts';
import { statusOf } from '../../shared/gaps/facts.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { RecoveryPlan } from '../../shared/recovery/plan.ts';
import { ManualClock } from '../manual-clock.ts';
import { Random } from '../simulation/random.ts';
import { describeWithFirestore, emulatedFirestore, freshRoot } from './emulated.ts';
import { embeddedSide, googleSide, twoRuntimesPipeline, type Side } from './two-runtimes.ts';

/**
 * Is it the same? One history, told to both runtimes with the same clock: after each event all that was decided is held
 * against each other. Fingerprints are compared within one runtime only, so they are left out.
 */
const FROM = dayOf('2024-01-01');
const DAYS = 6;
const NOW = Date.parse('2024-01-08T17:00:00Z');
const EVENTS = 5;
const scope = { from: FROM, to: addDays(FROM, DAYS - 1), processors: null };

type Event =
  | { readonly kind: 'lost' | 'thinned' | 'altered' | 'doubled'; readonly processor: string; readonly day: Day; readonly by: number }
  | { readonly kind: 'asked'; readonly processor: string; readonly day: Day; readonly reprocess: string; readonly force: boolean };
type Recovery = 'person' | 'detector' | 'altered too';

function eventOf(random: Random, pipeline: Pipeline): Event {
  const processor = random.pick(pipeline.processors).name;
  const day = addDays(FROM, random.below(DAYS));
  if (random.chance(0.2)) return { kind: 'asked', processor, day, reprocess: random.pick(['none', 'failed', 'completed']), force: random.chance(0.5) };
  return { kind: random.pick(['lost', 'lost', 'thinned', 'altered', 'doubled'] as const), processor, day, by: 1 + random.below(9) };
}

/** Does to one side what the event says, and tells everything that was decided of it. */
async function told(side: Side, event: Event, index: number): Promise<unknown> {
  const { engine, warehouse } = side;
  const processor = engine.world.processor(event.processor);
  if (event.kind === 'asked') {
    const date = formatDay(event.day);
    const body = JSON.stringify({ processor_name: event.processor, start_date: date, end_date: date, request_id: `ask-${index}`, reprocess: event.reprocess, force: event.force });
    const received = await receiveRequest(engine, { messageId: `m-${index}`, topic: '', subscription: '', attributes: {}, deliveryAttempt: 1, body });
    const runs: string[] = [];
    await work(engine, { signal: new AbortController().signal, onEnd: (worked) => runs.push(`${worked.processor} ${formatDay(worked.day)} ${worked.outcome}`) });
    const ask = await engine.parts.store.ask(`ask-${index}`);
    return { received: received.kind, runs, outcomes: ask?.cells.map(({ processor: name, day, outcome }) => `${name} ${formatDay(day)} ${outcome}`).toSorted(), refused: ask?.ask.refused };
  }
  const rows = await warehouse.rows(processor, { from: event.day, to: event.day }, null);
  const [first, ...rest] = rows;
  if (event.kind === 'lost') await side.outside(processor, event.day, []);
  else if (!first) return null;
  else if (event.kind === 'thinned') await side.outside(processor, event.day, rest);
  else if (event.kind === 'doubled') await side.outside(processor, event.day, [first, ...rows]);
  else await side.outside(processor, event.day, [{ ...first, [processor.columns.at(-1)?.name ?? '']: Number(first[processor.columns.at(-1)?.name ?? '']) + event.by }, ...rest]);
  return null;
}

async function decisionsOf({ engine }: Side, how: Recovery): Promise<unknown> {
  await engine.reread();
  const gaps = detect(engine.world, scope).gaps.map(({ processor, days }) => `${processor} ${days.map(formatDay).join()}`);
  const options = { scope, by: how === 'detector' ? 'detector' : 'person', all: how !== 'detector', altered: how === 'altered too' ? 'reprocess' : 'policy' } as const;
  const plan = planned(await makePlan(engine, options));
  const signal = new AbortController().signal;
  const recovered = how === 'detector'
    ? (await detectGaps(engine, { from: scope.from, to: scope.to, signal })).recovered
    : await recover(engine, { ...options, requestedBy: 'test', reason: 'same', signal, budget: null });
  const cells = engine.pipeline.processors.flatMap((processor) => Array.from({ length: DAYS }, (_, at) => {
    const day = addDays(FROM, at);
    const { generation, last } = engine.world.record(processor, day);
    return `${processor.name} ${formatDay(day)} ${statusOf(factsOf(engine.world, processor, day))} g${generation} ${last?.rows ?? '-'} ${last?.origin ?? '-'} ${last?.forced ?? '-'}`;
  }));
  const open = (await engine.parts.store.openCells()).map(({ processor, day, request }) => `${processor} ${formatDay(day)} ${request?.state ?? ''}`).toSorted();
  return {
    gaps, plan, cells, open, rounds: recovered?.rounds, leftOut: recovered?.leftOut.map(({ processor, day, code }) => `${processor} ${formatDay(day)} ${code}`),
    runs: recovered?.runs.map(({ processor, day, action, outcome, rows }) => `${action} ${processor} ${formatDay(day)} ${outcome} ${rows ?? ''}`),
  };
}

function planned({ steps, leftOut, overBounds }: RecoveryPlan): unknown {
  return {
    steps: steps.map(({ processor, day, action, isRootCause }) => `${action} ${processor} ${formatDay(day)}${isRootCause ? ' root' : ''}`),
    leftOut: leftOut.map(({ processor, day, code }) => `${processor} ${formatDay(day)} ${code}`), overBounds: overBounds.map(({ processor, days }) => `${processor} ${days.map(formatDay).join()}`),
  };
}

async function rows({ engine, warehouse }: Side): Promise<unknown> {
  return Promise.all(engine.pipeline.processors.map(async (processor) => (await warehouse.rows(processor, scope, null)).map((row) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))).toSorted()));
}

describeWithFirestore('is it the same: one history, both runtimes', () => {
  let firestore: Firestore;
  before(() => { firestore = emulatedFirestore(); });
  after(() => firestore.terminate());

  for (const seed of [1, 2, 3]) {
    it(`makes the same plans, runs and statuses of history ${seed}`, async () => {
      const random = new Random(seed);
      const clock = new ManualClock(NOW);
      const pipeline = twoRuntimesPipeline();
      const sides = await Promise.all([embeddedSide(pipeline, clock), googleSide(pipeline, clock, firestore, freshRoot())]);
      const history: string[] = [];
      const same = async (what: string, tell: (side: Side) => Promise<unknown>): Promise<void> => {
        history.push(what);
        const [embedded, google] = await Promise.all(sides.map(tell));
        assert.deepEqual(google, embedded, `google, against embedded, after:\n${history.join('\n')}`);
      };
      try {
        await same('filled from nothing', (side) => decisionsOf(side, 'person'));
        for (let index = 0; index < EVENTS; index += 1) {
          const event = eventOf(random, pipeline);
          await same(JSON.stringify({ ...event, day: formatDay(event.day) }), (side) => told(side, event, index));
          if (random.chance(0.3)) continue;
          const how = random.pick<Recovery>(['person', 'detector', 'altered too']);
          await same(`recovered by ${how}`, (side) => decisionsOf(side, how));
          clock.advance(60_000);
        }
        await same('recovered at last', (side) => decisionsOf(side, 'altered too'));
        await same('rows', rows);
      } finally {
        await Promise.all(sides.map((side) => side.close()));
      }
    });
  }
});
