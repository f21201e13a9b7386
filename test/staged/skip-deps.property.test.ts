import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addDays, dayOf, formatDay, type Day } from '../../shared/calendar/day.ts';
import { keyOf } from '../../shared/gaps/detect.ts';
import { traceOf } from '../../shared/gaps/trace.ts';
import type { World } from '../../shared/gaps/world.ts';
import { planStage, type StageCell } from '../../shared/staged/plan.ts';
import { askIdOf, type BackfillRecord } from '../../shared/staged/record.ts';
import { StageWalk } from '../../shared/staged/walk.ts';
import { change, failureOf, makePipeline, makeWorld, ran, type ProcessorSketch } from '../core-builders.ts';
import { Random } from '../simulation/random.ts';
import { recordOf } from './builders.ts';

/**
 * `skip-deps` over random small pipelines and random failures: what is passed over is exactly what reads a failed cell, by
 * upstream and window, at any depth. The reference knows days, seasons and windows as the guide words them, and none of
 * the program's calendar, windows or order.
 */

const SEASONS = [{ name: 'winter', from: '2024-01-01', to: '2024-01-09' }, { name: 'spring', from: '2024-03-01', to: '2024-03-06' }];
const PHASES = ['raw', 'analytics', 'features'];
const STRICT = { strict: true, windowCompleteness: 1 };

interface Reads {
  readonly upstream: number;
  readonly kind: 'own_date' | 'days' | 'game_dates' | 'season_to_date';
  readonly size: number;
  readonly ownDate: boolean;
}

interface Sketch {
  /** By processor: its phase, what it reads, and how many days of its own it reads. */
  readonly processors: readonly { readonly phase: number; readonly reads: readonly Reads[]; readonly history: number }[];
  /** Days of the month on which nothing is expected. */
  readonly off: readonly number[];
}

const nameOf = (index: number): string => `P${index}`;
const cellOf = (index: number, day: Day): string => `${nameOf(index)} ${formatDay(day)}`;

const reads = fc.record({ upstream: fc.nat(4), kind: fc.constantFrom('own_date', 'days', 'game_dates', 'season_to_date'), size: fc.integer({ min: 1, max: 4 }), ownDate: fc.boolean() });
const sketches: fc.Arbitrary<Sketch> = fc.record({
  processors: fc.array(fc.record({ phase: fc.nat(2), reads: fc.array(reads, { maxLength: 3 }), history: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 })) }), { minLength: 2, maxLength: 5 }),
  off: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
}).map(({ processors, off }) => ({
  off,
  // Phases ascend, and each reads earlier ones only, each once.
  processors: processors.map((processor) => processor.phase).sort((a, b) => a - b).map((phase, index) => ({
    phase, history: processors[index]!.history,
    reads: [...new Map(processors[index]!.reads.filter(() => index > 0).map((edge) => [edge.upstream % index, { ...edge, upstream: edge.upstream % index }])).values()],
  })),
}));

function pipelineOf({ processors, off }: Sketch) {
  const written = processors.map(({ phase, reads: edges, history }, index): [string, ProcessorSketch] => [nameOf(index), {
    phase: PHASES[phase]!,
    upstream: edges.map(({ upstream, kind, size, ownDate }) => ({
      processor: nameOf(upstream),
      window: kind === 'own_date' ? kind : kind === 'season_to_date' ? { season_to_date: true, include_own_date: ownDate } : { [kind]: size, include_own_date: ownDate },
    })),
    ...(history > 0 ? { reads_own_history: { window: { game_dates: history } } } : {}),
  }]);
  const exclude = SEASONS.flatMap((season) => off.map((day) => `${season.from.slice(0, 8)}0${day}`).filter((date) => date <= season.to)).map((date) => ({ date, reason: 'a day off' }));
  return makePipeline({ processors: Object.fromEntries(written), seasons: SEASONS, exclude });
}

/** The reference's own idea of the seasons: expected days of each, ascending. */
function daysOf({ off }: Sketch): readonly (readonly Day[])[] {
  return SEASONS.map(({ from, to }) => {
    const days: Day[] = [];
    for (let day = dayOf(from); day <= dayOf(to); day = addDays(day, 1)) if (!off.includes(Number(formatDay(day).slice(8)))) days.push(day);
    return days;
  });
}

/** The cells that a cell reads, at one step. */
function inputsOf(sketch: Sketch, season: readonly Day[], index: number, day: Day): readonly string[] {
  const { reads: edges, history } = sketch.processors[index]!;
  const before = season.filter((other) => other < day);
  const window = ({ kind, size, ownDate }: Reads): readonly Day[] => {
    if (kind === 'own_date') return [day];
    const past = kind === 'days' ? before.filter((other) => day - other <= size) : kind === 'game_dates' ? before.slice(-size) : before;
    return ownDate ? [...past, day] : past;
  };
  return [
    ...edges.flatMap((edge) => window(edge).map((read) => cellOf(edge.upstream, read))),
    ...(history > 0 ? before.slice(-history).map((read) => cellOf(index, read)) : []),
  ];
}

/** Every cell that reads a bad one, by looking again until nothing is added. */
function readersOf(sketch: Sketch, bad: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const season of daysOf(sketch)) {
      for (const day of season) {
        sketch.processors.forEach((_, index) => {
          if (inputsOf(sketch, season, index, day).some((input) => bad.has(input) || found.has(input))) found.add(cellOf(index, day));
        });
      }
    }
  }
  return found;
}

const named = (cell: StageCell): string => `${cell.processor} ${formatDay(cell.day)}`;

function fails(world: World, record: BackfillRecord, cell: StageCell): void {
  const processor = world.processor(cell.processor);
  change(world, cell.processor, formatDay(cell.day), {
    failure: failureOf({ inputsDigest: traceOf(world, processor, cell.day).digest, definitionHash: processor.definitionHash, runId: `run-${keyOf(cell)}` }), recentAsks: [askIdOf(record, record.stage, 0)],
  });
}

describe('skip-deps', function () {
  this.timeout(60_000);

  it('skips exactly the cells that read a failed one, by upstream and window at any depth, each with an input that it waits for; all others run once', () => {
    fc.assert(fc.property(sketches, fc.array(fc.tuple(fc.nat(4), fc.nat(14)), { maxLength: 5 }), fc.nat(), fc.integer({ min: 1, max: 5 }), fc.boolean(), (sketch, picks, seed, concurrency, byDate) => {
      const seasons = daysOf(sketch);
      const days = seasons.flat();
      const bad = new Set(picks.map(([index, at]) => cellOf(index % sketch.processors.length, days[at % days.length]!)));
      const world = makeWorld(pipelineOf(sketch), { now: '2024-05-01' });
      const record = recordOf([{ name: 'all', phases: PHASES, error_policy: 'skip-deps' }], { from: dayOf('2024-01-01'), to: dayOf('2024-03-31') });
      const walk = new StageWalk(world, planStage(world, record, 0).cells, { byDate, strictness: STRICT });
      const random = new Random(seed);
      const [done, failed, skips] = [[] as string[], [] as string[], new Map<string, string>()];
      while (!walk.finished) {
        for (let more = true; more;) {
          const { passed } = walk.advance(world, concurrency - walk.running);
          for (const { cell, outcome, note } of passed) {
            assert.equal(outcome, 'blocked');
            skips.set(named(cell), note);
          }
          more = passed.length > 0;
        }
        assert.ok(walk.running <= concurrency);
        if (walk.finished) break;
        const cell = random.pick(walk.runningCells);
        if (bad.has(named(cell))) {
          fails(world, record, cell);
          failed.push(named(cell));
        } else {
          ran(world, cell.processor, cell.day);
          done.push(named(cell));
        }
        walk.end(world, cell);
      }
      const reachable = readersOf(sketch, bad);
      const all = days.flatMap((day) => sketch.processors.map((_, index) => cellOf(index, day)));
      assert.deepEqual([...skips.keys()].sort(), all.filter((cell) => reachable.has(cell)).sort(), 'what was skipped');
      assert.deepEqual(failed.toSorted(), all.filter((cell) => bad.has(cell) && !reachable.has(cell)).sort(), 'what was tried and failed');
      assert.deepEqual(done.toSorted(), all.filter((cell) => !bad.has(cell) && !reachable.has(cell)).sort(), 'what ran, once');
      for (const [cell, note] of skips) {
        const [name = '', date = ''] = cell.split(' ');
        const season = seasons.find((list) => list.includes(dayOf(date))) ?? [];
        const input = /^reads (P\d \d{4}-\d\d-\d\d), which is /.exec(note)?.[1] ?? note;
        assert.ok(inputsOf(sketch, season, Number(name.slice(1)), dayOf(date)).includes(input), `${cell}: ${note}`);
        assert.ok(bad.has(input) || reachable.has(input), `${cell}: ${note}`);
      }
    }), { numRuns: 300 });
  });
});
