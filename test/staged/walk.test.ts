import assert from 'node:assert/strict';
import { addDays, formatDay, type Day } from '../../shared/calendar/day.ts';
import { keyOf } from '../../shared/gaps/detect.ts';
import { traceOf } from '../../shared/gaps/trace.ts';
import type { World } from '../../shared/gaps/world.ts';
import { planStage, type StageCell } from '../../shared/staged/plan.ts';
import { StageWalk } from '../../shared/staged/walk.ts';
import { askIdOf, type BackfillRecord } from '../../shared/staged/record.ts';
import { CHAIN, change, complete, failureOf, lose, makePipeline, makeWorld, never, ran } from '../core-builders.ts';
import { Random, seeds } from '../simulation/random.ts';
import { recordOf } from './builders.ts';

const STRICT = { strict: true, windowCompleteness: 1 };
const ALL = [{ name: 'all', phases: ['raw', 'analytics', 'features'] }];

function fails(world: World, record: BackfillRecord, cell: StageCell): void {
  const processor = world.processor(cell.processor);
  change(world, cell.processor, formatDay(cell.day), {
    failure: failureOf({ inputsDigest: traceOf(world, processor, cell.day).digest, definitionHash: processor.definitionHash, runId: `run-${keyOf(cell)}` }), recentAsks: [askIdOf(record, record.stage, 0)],
  });
}

interface Walked {
  readonly ran: readonly string[];
  readonly failed: readonly string[];
  readonly blocked: ReadonlyMap<string, string>;
  readonly most: number;
}

/** Ends cells in a random order; `isBad` tells which fail. */
function walkAll(world: World, record: BackfillRecord, random: Random, options: { readonly byDate: boolean; readonly concurrency: number; readonly isBad: (cell: StageCell) => boolean; readonly after?: (running: readonly StageCell[]) => void }): Walked {
  const walk = new StageWalk(world, planStage(world, record, 0).cells, { byDate: options.byDate, strictness: STRICT });
  const [done, failed, blocked] = [[] as string[], [] as string[], new Map<string, string>()];
  let most = 0;
  while (!walk.finished) {
    for (let passed = true; passed;) {
      const advance = walk.advance(world, options.concurrency - walk.running);
      for (const over of advance.passed) if (over.outcome === 'blocked') blocked.set(keyOf(over.cell), over.note);
      passed = advance.passed.length > 0;
    }
    most = Math.max(most, walk.running);
    options.after?.(walk.runningCells);
    if (walk.finished) break;
    const cell = random.pick(walk.runningCells);
    if (options.isBad(cell)) {
      fails(world, record, cell);
      failed.push(keyOf(cell));
    } else {
      ran(world, cell.processor, cell.day);
      done.push(keyOf(cell));
    }
    walk.end(world, cell);
  }
  return { ran: done, failed, blocked, most };
}

describe('staged/walk', () => {
  const pipeline = makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-14' }] });

  for (const seed of seeds(60)) {
    it(`passes over exactly what reads a failed cell at any depth, with the reason, and runs all the rest once (seed ${seed})`, () => {
      const random = new Random(seed);
      const world = makeWorld(pipeline);
      const record = recordOf(ALL, {});
      const bad = new Set<string>();
      for (const { name } of pipeline.processors) for (const day of world.expectedDates(world.processor(name)).within(world.calendar.first, world.calendar.last)) if (random.chance(0.08)) bad.add(`${name}/${day}`);
      const concurrency = 1 + random.below(6);
      const walked = walkAll(world, record, random, { byDate: random.chance(0.5), concurrency, isBad: (cell) => bad.has(keyOf(cell)) });
      const reachable = reachableFrom(world, bad);
      assert.deepEqual([...walked.blocked.keys()].sort(), [...reachable].sort());
      assert.ok([...walked.blocked.values()].every((note) => /^reads \w+ 2024-01-\d\d, which is missing/.test(note)), [...walked.blocked.values()].join('\n'));
      assert.deepEqual(walked.failed.toSorted(), [...bad].filter((key) => !reachable.has(key)).sort());
      const all = pipeline.processors.length * 14;
      assert.equal(new Set(walked.ran).size, walked.ran.length);
      assert.equal(walked.ran.length + walked.failed.length + walked.blocked.size, all);
      assert.ok(walked.most <= concurrency);
    });
  }

  it('has no two dates under way where the order is by date', () => {
    const world = makeWorld(pipeline);
    walkAll(world, recordOf(ALL), new Random(3), {
      byDate: true, concurrency: 5, isBad: () => false, after: (running) => assert.ok(new Set(running.map((cell) => cell.day)).size <= 1),
    });
  });

  it('fills every free slot at once', () => {
    const world = makeWorld(pipeline);
    let looks = 0;
    walkAll(world, recordOf([{ name: 'raw', phases: ['raw'] }]), new Random(3), {
      byDate: false, concurrency: 5, isBad: () => false, after: (running) => { assert.equal(running.length, Math.min(5, 14 - looks)); looks += 1; },
    });
  });

  it('redoes no existing cell more than once, and none that has not changed, when several of its inputs are filled', () => {
    const world = complete(makeWorld(pipeline));
    lose(world, 'A', '2024-01-05', '2024-01-06');
    const walked = walkAll(world, recordOf(ALL), new Random(1), { byDate: false, concurrency: 4, isBad: () => false });
    // The same rows come back: whoever read them has nothing to do.
    assert.deepEqual(walked.ran.map((key) => key.split('/')[0]), ['A', 'A']);
    const other = complete(makeWorld(pipeline));
    never(other, 'A', '2024-01-05', '2024-01-06');
    const again = walkAll(other, recordOf(ALL), new Random(1), { byDate: false, concurrency: 4, isBad: () => false });
    assert.equal(new Set(again.ran).size, again.ran.length);
  });
});

/** By the definition alone: whose windows hold a bad cell, or one that reads one. */
function reachableFrom(world: World, bad: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  for (let day: Day = world.calendar.first; day <= world.calendar.last; day = addDays(day, 1)) {
    for (const processor of world.pipeline.processors) {
      const reads = processor.upstreams.some((edge) => {
        const range = world.range(edge, day);
        if (!range) return false;
        for (let at = range.from; at <= range.to; at = addDays(at, 1)) if (bad.has(`${edge.upstream}/${at}`) || found.has(`${edge.upstream}/${at}`)) return true;
        return false;
      });
      if (reads) found.add(`${processor.name}/${day}`);
    }
  }
  return found;
}
