import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { benchDetection, MILLION_CELLS } from './detection.ts';
import { coldStart } from './cold-start.ts';
import type { Figure } from './figures.ts';
import { googleStages } from './google-stages.ts';
import { googleWorker } from './google-worker.ts';
import { commitTime, latency, orchestration } from './orchestration.ts';
import { benchPlanning } from './planning.ts';
import { season } from './season.ts';
import { stagedInMemory, stagedOnDuckDb } from './staged.ts';
import { stagedScale } from './staged-scale.ts';

/**
 * `npm run bench`: a table, and bench-results.json. Each section is a process of its own, so that its memory is its own.
 * `npm run bench -- season` runs one section.
 */
const sections: Readonly<Record<string, () => Promise<Figure[]>>> = {
  commit: async () => commitTime(),
  detection: async () => {
    const tenth = benchDetection({ processors: MILLION_CELLS.processors, dates: MILLION_CELLS.dates / 10 });
    const whole = benchDetection();
    return [
      { name: `detection over ${whole.cells} cells`, value: whole.milliseconds, unit: 'ms', atMost: 1000 },
      { name: 'memory of the process after it', value: whole.megabytes, unit: 'MB', atMost: 512 },
      { name: `detection over ${tenth.cells} cells`, value: tenth.milliseconds, unit: 'ms', atMost: null },
    ];
  },
  planning: async () => {
    const planned = benchPlanning();
    return [{ name: `planning for ${planned.bad} bad cells (${planned.steps} steps)`, value: planned.milliseconds, unit: 'ms', atMost: 2000 }];
  },
  orchestration,
  latency,
  season,
  staged: stagedInMemory,
  'staged-duckdb': stagedOnDuckDb,
  'staged-scale': stagedScale,
  'cold-start': coldStart,
  google: googleWorker,
  'google-stages': googleStages,
};
/** They start Google's emulators, which are not on every machine: run by name. */
const NEED_EMULATORS: readonly string[] = ['cold-start', 'google', 'google-stages'];

const figures = z.array(z.object({ name: z.string(), value: z.number(), unit: z.enum(['ms', 's', 'MB', 'ms a cell', 'cells', 'reads', 'writes', 'queries']), atMost: z.number().nullable() }));

const [asked, inner] = process.argv.slice(2);
const section = asked === undefined ? undefined : sections[asked];
if (asked !== undefined && !section) {
  console.error(`error: received section '${asked}'; allowed are ${Object.keys(sections).join(', ')}`);
  process.exitCode = 2;
} else if (section && inner === '--json') {
  console.log(JSON.stringify(await section()));
} else {
  const all: Figure[] = [];
  for (const name of asked === undefined ? Object.keys(sections).filter((name) => !NEED_EMULATORS.includes(name)) : [asked]) {
    const child = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', fileURLToPath(import.meta.url), name, '--json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.status !== 0) throw new Error(`section ${name} ended with ${child.status}`);
    for (const figure of figures.parse(JSON.parse(child.stdout))) {
      all.push(figure);
      console.log(line(figure));
    }
  }
  writeFileSync('bench-results.json', `${JSON.stringify({ schema_version: 1, at: new Date().toISOString(), figures: all }, null, 2)}\n`);
  console.log('\nwritten to bench-results.json');
}

function line({ name, value, unit, atMost }: Figure): string {
  const shown = value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
  const promise = atMost === null ? '' : `  ${value <= atMost ? 'within' : 'OVER'} ${atMost}`;
  return `${`${shown} ${unit}`.padStart(16)}  ${name}${promise}`;
}
