import { z } from 'zod';
import { EMPTY_FINGERPRINT } from '../gaps/fingerprint.ts';
import type { Promotion } from '../ports/warehouse.ts';
import type { Overwrite } from '../requests/cell.ts';
import { isToBeKept, KEPT_DAYS, overwriteBy, renoted, writesItself, wroteNoted } from '../rollback/overwrites.ts';
import type { Claim } from './claim.ts';
import type { Engine } from './engine.ts';

/** Keeps what a staged backfill is about to overwrite, so that it can be rolled back. */

const DAY_MS = 86_400_000;

/** False where somebody has changed the rows since they were noted: what is there now is to be noted first. */
export function keepOld(engine: Engine, { processor, record: { day } }: Claim, { backfillId, held }: Overwrite): Promise<boolean> {
  const at = engine.parts.clock.now();
  return engine.parts.warehouse.keep(processor, day, { name: backfillId, fingerprint: held, at, until: at + KEPT_DAYS * DAY_MS });
}

/** A target that writes by itself says nothing before it does. */
export async function keepBefore(engine: Engine, claim: Claim): Promise<void> {
  if (!writesItself(claim.processor)) return;
  const note = overwriteBy(claim.record, claim.request.backfillId);
  // Where they have changed since, time travel is what is left of them.
  if (isToBeKept(note, EMPTY_FINGERPRINT)) await keepOld(engine, claim, note);
}

const markerOfBackfill = z.object({ backfillId: z.string().optional() });

/**
 * The note of what this run is going to overwrite. It was made at the claim, or at an earlier claim of a run that failed:
 * where other rows are there now, either that run had promoted them before it failed, or somebody else has written them.
 */
export async function noteFor(engine: Engine, { processor, record, request, lease }: Claim): Promise<Overwrite | null> {
  const note = overwriteBy(record, request.backfillId);
  const held = engine.world.coverage(processor, record.day)?.fingerprint ?? EMPTY_FINGERPRINT;
  if (note === null || note.wrote !== null || note.held === held || writesItself(processor)) return note;
  const marker = await engine.parts.warehouse.promotion(processor, record.day);
  const isOwn = marker?.fingerprint === held && backfillOf(marker) === note.backfillId;
  return engine.change({ cells: [record] }, (snapshot) => {
    const current = snapshot.cell(record);
    if (current.request?.lease?.token !== lease.token) return { writes: {}, result: note };
    const changed = isOwn ? wroteNoted(current, note.backfillId, held) : renoted(current, note.backfillId, { at: engine.parts.clock.now(), held });
    return { writes: { cells: [changed] }, result: overwriteBy(changed, note.backfillId) };
  });
}

function backfillOf(marker: Promotion): string | null {
  const parsed = markerOfBackfill.safeParse(JSON.parse(marker.trace));
  return parsed.success ? parsed.data.backfillId ?? null : null;
}
