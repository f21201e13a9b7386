import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { existsSync, readFileSync } from 'node:fs';
import { openDemo, type OpenedDemo } from '../../../scripts/demo/story.ts';
import { dayOf, startOfDay } from '../../../shared/calendar/day.ts';
import { recover, type Recovered, type RecoverOptions } from '../../../shared/flows/recover.ts';
import { loadPipeline } from '../../../shared/pipeline/load.ts';
import type { Pipeline } from '../../../shared/pipeline/pipeline.ts';
import { formatProblems } from '../../../shared/pipeline/problems.ts';
import { pipelineDirectory } from './support.ts';

/** The first weeks of the real season 2023-24, built from nothing by the engine once, and copied for each test. */

export const FROM = '2023-10-24';

let loaded: Pipeline | null = null;
export function nbaPipeline(): Pipeline {
  if (loaded) return loaded;
  const result = loadPipeline(pipelineDirectory, { readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) });
  if (result.kind === 'invalid') throw new Error(formatProblems(result.problems));
  loaded = result.pipeline;
  return loaded;
}

/** Opens a state folder at nine in the morning of a date, with one lane: the order in which cells run is part of what is told. */
export function openAt(folder: string, date: string, hour = 9): Promise<OpenedDemo> {
  const pipeline = nbaPipeline();
  return openDemo(pipeline, folder, startOfDay(dayOf(date), pipeline.timeZone) + hour * 3_600_000, 'test', 1);
}

export function recoverOptions(from: string, to: string, changes: Partial<RecoverOptions> = {}): RecoverOptions {
  return {
    scope: { from: dayOf(from), to: dayOf(to), processors: null }, by: 'person', all: true, altered: 'policy', requestedBy: 'ann', reason: 'test', signal: new AbortController().signal, budget: null, ...changes,
  };
}

const built = new Map<string, Promise<string>>();

/** A folder in which everything through a date is complete; the morning after, nothing of the next date has been run. */
export function builtThrough(through: string): Promise<string> {
  let folder = built.get(through);
  if (!folder) {
    folder = build(through);
    built.set(through, folder);
  }
  return folder;
}

async function build(through: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sbf-nba-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const opened = await openAt(folder, through, 42);
  try {
    const recovered: Recovered = await recover(opened.runtime.engine, recoverOptions(FROM, through));
    const failed = recovered.runs.find((run) => run.outcome === 'failed');
    if (failed) throw new Error(`${failed.processor} failed: ${failed.note}`);
  } finally {
    await opened.close();
  }
  return folder;
}

/** A copy of a built folder, gone when `use` ends. */
export async function withCopy<T>(through: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'sbf-nba-copy-'));
  try {
    cpSync(await builtThrough(through), folder, { recursive: true });
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
