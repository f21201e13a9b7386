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

/**
 * The same cells, one season's world after the other: windows never cross a season's start, so that the findings are the
 * same, and no more than one season has to be in memory.
 */
function benchDetectionBySeason({ processors, dates }: Size = MILLION_CELLS, seasonDays = 365): DetectionFigures {
  let [cells, findings, gaps, milliseconds] = [0, 0, 0, 0];
  for (let start = 0; start < dates; start += seasonDays) {
    const season = benchDetection({ processors, dates: Math.min(seasonDays, dates - start) });
    cells += season.cells;
    findings += season.findings;
    gaps += season.gaps;
    milliseconds += season.milliseconds;
  }
  return { cells, findings, gaps, milliseconds, megabytes: process.memoryUsage.rss() / 2 ** 20 };
}

if (import.meta.main) console.log(process.argv[2] === 'by-season' ? benchDetectionBySeason() : benchDetection());
