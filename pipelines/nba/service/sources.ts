import { existsSync, readFileSync } from 'node:fs';
import { InputError } from '../../../shared/failures/errors.ts';
import { loadPipeline } from '../../../shared/pipeline/load.ts';
import type { Pipeline, Processor } from '../../../shared/pipeline/pipeline.ts';
import { formatProblems } from '../../../shared/pipeline/problems.ts';
import type { ProcessorFunction } from '../../../shared/ports/processor.ts';
import { landPlayerBoxscore, landSchedule, landTeamBoxscore } from '../processors/land.ts';
import { loadPlayerBoxscore, loadSchedule, loadTeamBoxscore } from '../processors/raw.ts';

/** A processor that this service runs: where its rows go stands in pipeline.yaml, how they are made in ../processors. */
export interface Source {
  readonly processor: Processor;
  readonly run: ProcessorFunction;
}

const functions: Readonly<Record<string, ProcessorFunction>> = {
  NbacScheduleScraper: landSchedule,
  NbacPlayerBoxscoreScraper: landPlayerBoxscore,
  NbacTeamBoxscoreScraper: landTeamBoxscore,
  NbacScheduleProcessor: loadSchedule,
  NbacPlayerBoxscoreProcessor: loadPlayerBoxscore,
  NbacTeamBoxscoreProcessor: loadTeamBoxscore,
};

/** In the order in which they can be run. */
export function sourcesOf(pipeline: Pipeline): ReadonlyMap<string, Source> {
  const missing = Object.keys(functions).filter((name) => !pipeline.byName.has(name));
  if (missing.length > 0) throw new InputError(`${pipeline.directory}/pipeline.yaml has no ${missing.join(', ')}, which this service runs; it is made for the NBA pipeline`);
  return new Map(pipeline.processors.flatMap((processor) => {
    const run = functions[processor.name];
    return run ? [[processor.name, { processor, run }]] : [];
  }));
}

export function readPipeline(directory: string): Pipeline {
  const loaded = loadPipeline(directory, { readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) });
  if (loaded.kind === 'invalid') throw new InputError(formatProblems(loaded.problems));
  return loaded.pipeline;
}
