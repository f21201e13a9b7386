import { detect } from '../../shared/gaps/detect.ts';
import { syntheticWorld, type Size } from './synthetic.ts';

export interface DetectionFigures {
  readonly cells: number;
  readonly findings: number;
  readonly gaps: number;
  readonly milliseconds: number;
  /** Resident memory of the whole process after it, the synthetic world included. */
  readonly megabytes: number;
}

export const MILLION_CELLS: Size = { processors: 275, dates: 3650 };

/** Detection over a world of which one cell in a thousand is missing: nothing of it has been judged before. */
export function benchDetection(size: Size = MILLION_CELLS): DetectionFigures {
  const world = syntheticWorld(size, (rank, offset) => (rank * 7919 + offset * 104_729) % 1000 === 0);
  const started = performance.now();
  const { judged, findings, gaps } = detect(world, { from: world.calendar.first, to: world.calendar.last, processors: null });
  const milliseconds = performance.now() - started;
  return { cells: judged, findings: findings.length, gaps: gaps.length, milliseconds, megabytes: process.memoryUsage.rss() / 2 ** 20 };
}

if (import.meta.main) console.log(benchDetection());
