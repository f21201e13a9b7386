import { join } from 'node:path';
import { openEmbedded } from '../../scripts/runtime/embedded.ts';
import { formatDay } from '../../shared/calendar/day.ts';
import { DuckDbWarehouse } from '../../shared/embedded/duckdb-warehouse.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { recover } from '../../shared/flows/recover.ts';
import type { Staged } from '../../shared/ports/warehouse.ts';
import { AFTER_SEASON, wholeSeason } from '../simulation/clean.ts';
import { miniPipeline } from '../simulation/mini-pipeline.ts';

/**
 * Recovers the mini pipeline on the real embedded runtime, and says what it does. Killed by killed.test.ts from outside,
 * or by itself just before or just after a commit of rows: `stateDirectory [before|after number]`.
 */
const [, , stateDirectory = '', when = '', number = '0'] = process.argv;
const say = (line: string): void => { process.stdout.write(`${line}\n`); };
const dieAt = Number(number);
let commits = 0;
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

const { stage } = DuckDbWarehouse.prototype;
DuckDbWarehouse.prototype.stage = async function stageAndDie(this: DuckDbWarehouse, claim, source, calendar): Promise<Staged> {
  say(`run ${claim.processor.name} ${formatDay(claim.day)} ${claim.runId}`);
  const staged = await stage.call(this, claim, source, calendar);
  return {
    coverage: staged.coverage,
    discard: () => staged.discard(),
    promote: async (trace) => {
      commits += 1;
      const last = commits === dieAt;
      if (last && when === 'before') die();
      const outcome = await staged.promote(trace);
      if (last && when === 'after') die();
      return outcome;
    },
  };
};

const database = SqliteDatabase.open(join(stateDirectory, 'state.sqlite'));
const runtime = await openEmbedded({ pipeline: miniPipeline(), stateDirectory, database, startAt: AFTER_SEASON, notifier: { notify: async () => undefined } });
say('open');
const recovered = await recover(runtime.engine, {
  scope: wholeSeason, by: 'person', all: true, altered: 'reprocess', requestedBy: 'a person', reason: 'killed', signal: runtime.stop.signal, budget: null,
  on: (event) => { if (event.kind === 'run') say(`ended ${event.run.processor} ${formatDay(event.run.day)} ${event.run.outcome}`); },
});
await runtime.close();
say(`done ${recovered.leftOut.length}`);
