import { planRecovery } from '../../shared/recovery/planner.ts';
import { syntheticWorld, type Size } from './synthetic.ts';

export interface PlanningFigures {
  readonly cells: number;
  readonly bad: number;
  readonly steps: number;
  readonly milliseconds: number;
  readonly megabytes: number;
}

/** The plan for a hundred thousand missing cells, every one of which is in it, with their readers. */
export function benchPlanning(size: Size = { processors: 275, dates: 3650 }, bad = 100_000): PlanningFigures {
  const cells = size.processors * size.dates;
  const every = Math.max(1, Math.floor(cells / bad));
  let missing = 0;
  const world = syntheticWorld(size, (rank, offset) => {
    const isMissing = (rank * size.dates + offset) % every === 0 && missing < bad;
    if (isMissing) missing += 1;
    return isMissing;
  });
  const started = performance.now();
  const plan = planRecovery(world, {
    scope: { from: world.calendar.first, to: world.calendar.last, processors: null },
    by: 'person', all: true, altered: 'policy', source: () => 'unknown', ownedBy: () => null, detectFrom: null,
  });
  const milliseconds = performance.now() - started;
  return { cells, bad: missing, steps: plan.steps.length, milliseconds, megabytes: process.memoryUsage.rss() / 2 ** 20 };
}

if (import.meta.main) console.log(benchPlanning());
