import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStateFolder } from '../../shared/embedded/state-folder.ts';
import { recover } from '../../shared/flows/recover.ts';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import { openEmbedded } from '../runtime/embedded.ts';
import { peakMegabytes, percentile, type Figure } from './figures.ts';

const ROOT = join(fileURLToPath(import.meta.url), '..', '..', '..');
const SEASON = '2023-24';
const LAUNCHES = 7;

/** The NBA season 2023-24 from an empty warehouse, then `gaps` on it and `--help`, each as a whole process. */
export async function season(): Promise<Figure[]> {
  const state = mkdtempSync(join(tmpdir(), 'smart-backfill-bench-'));
  try {
    const built = await build(state);
    const gaps = launches(['gaps', '--season', SEASON, '--state', state]);
    const help = launches(['--help']);
    return [
      { name: `the NBA season ${SEASON} from an empty warehouse`, value: built.seconds, unit: 's', atMost: 30 },
      { name: 'cells that were run for it', value: built.cells, unit: 'cells', atMost: null },
      { name: 'peak memory of it', value: built.megabytes, unit: 'MB', atMost: 1000 },
      { name: `gaps on that season, whole process, p50`, value: percentile(gaps, 0.5), unit: 'ms', atMost: 1500 },
      { name: '--help, whole process, p50', value: percentile(help, 0.5), unit: 'ms', atMost: 150 },
    ];
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

async function build(state: string): Promise<{ seconds: number; cells: number; megabytes: number }> {
  const started = performance.now();
  const loaded = loadPipeline(join(ROOT, 'pipelines', 'nba'), { readText: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) });
  if (loaded.kind !== 'ok') throw new Error('pipelines/nba is not valid');
  const opened = openStateFolder(state, 'bench', Date.now());
  if (opened.kind !== 'owned') throw new Error(`${state} is owned by another process`);
  const runtime = await openEmbedded({ pipeline: loaded.pipeline, stateDirectory: state, database: opened.folder.openDatabase(), notifier: { notify: async () => undefined }, startAt: null });
  const span = loaded.pipeline.seasons.find((one) => one.name === SEASON);
  if (!span) throw new Error(`no season ${SEASON}`);
  const recovered = await recover(runtime.engine, {
    scope: { from: span.from, to: span.to, processors: null }, by: 'person', all: true, altered: 'policy', requestedBy: 'bench', reason: 'bench', signal: new AbortController().signal, budget: null,
  });
  await runtime.close();
  await opened.folder.close();
  const failed = recovered.runs.filter((run) => run.outcome === 'failed' || run.outcome === 'blocked');
  if (failed.length > 0) throw new Error(`${failed.length} cells failed: ${failed[0]?.processor} ${failed[0]?.note}`);
  return { seconds: (performance.now() - started) / 1000, cells: recovered.runs.length, megabytes: peakMegabytes() };
}

/** Wall times of a command as a process of its own, sorted. The first is left out: it fills the disk's cache. */
function launches(words: readonly string[]): number[] {
  const taken: number[] = [];
  for (let turn = 0; turn <= LAUNCHES; turn += 1) {
    const started = performance.now();
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'smart-backfill.js'), ...words], { cwd: ROOT, encoding: 'utf8' });
    if (status !== 0) throw new Error(`smart-backfill ${words.join(' ')} ended with ${status}: ${stderr}`);
    if (turn > 0) taken.push(performance.now() - started);
  }
  return taken.sort((a, b) => a - b);
}
