import { factsOf } from '../../gaps/cell-facts.ts';
import { traceOf } from '../../gaps/trace.ts';
import { daysByRank, plannedInput } from '../../recovery/readers.ts';
import type { CellKey, CellRecord } from '../../requests/cell.ts';
import { ends } from '../../rollback/readers.ts';
import type { Engine } from '../engine.ts';

/**
 * What was rolled back is held by the inputs that it had then. Another rollback may take these back as well: that is no
 * news for which it is to run, with the code that was wrong.
 */

/** Cells that an earlier rollback holds, in whose windows these cells lie. */
export async function heldBehind(engine: Engine, cells: readonly CellKey[]): Promise<readonly CellRecord[]> {
  const { world, pipeline, parts } = engine;
  const [first, last] = ends(cells);
  if (first === undefined || last === undefined) return [];
  const days = daysByRank(world, cells);
  // Windows never reach across the start of a season.
  const records = await parts.store.cells(first, world.calendar.seasonOf(last)?.to ?? last);
  return records.filter(({ processor: name, day, failure }) => {
    const processor = pipeline.byName.get(name);
    if (!processor || failure?.outcome !== 'rolled_back' || !world.contains(day)) return false;
    return plannedInput(world, processor, day, days) !== null && factsOf(world, processor, day).activity === 'held';
  });
}

/** Holds them by the inputs that they have now, unless somebody has taken them up meanwhile. */
export async function holdOn(engine: Engine, held: readonly CellRecord[]): Promise<void> {
  for (const { processor: name, day, failure: was } of held) {
    const inputsDigest = traceOf(engine.world, engine.world.processor(name), day).digest;
    if (inputsDigest === was?.inputsDigest) continue;
    await engine.change({ cells: [{ processor: name, day }] }, (snapshot) => {
      const record = snapshot.cell({ processor: name, day });
      const { failure } = record;
      const isSame = failure?.outcome === 'rolled_back' && failure.runId === was?.runId;
      return { writes: isSame ? { cells: [{ ...record, failure: { ...failure, inputsDigest } }] } : {}, result: null };
    });
  }
}
