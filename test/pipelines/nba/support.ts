import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ProcessorInput } from '../../../shared/ports/processor.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';

/** The folder that ships with the project. */
export const pipelineDirectory = resolve(import.meta.dirname, '../../../pipelines/nba');

export function inputOf(gameDate: string, changes: Partial<ProcessorInput> = {}): ProcessorInput {
  return {
    processorName: 'Test',
    gameDate,
    runId: 'run-1',
    isBackfill: false,
    skipDownstreamTrigger: false,
    strictMode: true,
    triggerReason: 'test',
    backfillId: null,
    pipelineDirectory,
    sourceDirectory: join(pipelineDirectory, 'no-such-folder'),
    read: (upstream) => Promise.reject(new Error(`nothing of ${upstream} is to be read here`)),
    signal: new AbortController().signal,
    ...changes,
  };
}

/** `read` of an input whose one upstream has these rows. */
export function reads(upstream: string, rows: readonly Row[]): Pick<ProcessorInput, 'read'> {
  return { read: (name) => (name === upstream ? Promise.resolve(rows) : Promise.reject(new Error(`${name} is no declared upstream`))) };
}

/** A folder that is there while a test uses it. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'nba-source-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function writeOutages(folder: string, outages: unknown): Promise<void> {
  await writeFile(join(folder, 'outages.json'), typeof outages === 'string' ? outages : JSON.stringify(outages));
}
