import { formatDay, type Day } from '../../calendar/day.ts';
import { HeldBackError, InputError } from '../../failures/errors.ts';
import { suggestion } from '../../pipeline/nearest.ts';
import type { CellKey, CellRecord } from '../../requests/cell.ts';
import { whyNotCascading } from '../../staged/cascading.ts';
import { overlapping } from '../../staged/overlap.ts';
import { goesOnByItself, hasEnded, isItsAlone, type Asked, type BackfillRecord } from '../../staged/record.ts';
import type { BackfillDefinition } from '../../staged/schema.ts';
import { begun } from '../../staged/transitions.ts';
import { joinedBy } from '../../staged/waits.ts';
import type { Engine } from '../engine.ts';
import { backfillLease, returnLease, takeLease } from '../leases.ts';
import { changeRow } from '../rows.ts';
import { wakeWaiters } from '../wake.ts';

/** What a person orders of staged backfills: each is one durable change of the record. */

const STARTING = 'backfills';
const LOOKS = 100;
const LOOK_EVERY_MS = 50;

/** Starts one, unless an open one that it does not join has a cell in common with it. Two at the same moment are started one after the other. */
export async function startBackfill(engine: Engine, definition: BackfillDefinition, asked: Asked, label: string): Promise<BackfillRecord> {
  const { store, clock } = engine.parts;
  const why = whyNotCascading(engine.pipeline, definition);
  if (why !== null) throw new HeldBackError(why);
  for (let look = 0; await takeLease(engine, STARTING, '{}') === null; look += 1) {
    if (look >= LOOKS) throw new HeldBackError('another backfill is being started; try again in a minute');
    await clock.sleep(LOOK_EVERY_MS);
  }
  try {
    const others = await store.backfills();
    const record = begun(freeId(`${definition.name}-${label}`, others), definition, asked);
    const other = refusedFor(engine, record, others);
    if (other) throw new HeldBackError(`backfill ${other.id} (${other.state.replaceAll('_', ' ')}, by ${other.asked.by}) has cells in common with this one; join it (--join ${other.id}: this one takes up what that one leaves, when it has ended), cancel it, or exclude its dates; see: smart-backfill backfill status ${other.id}`);
    await engine.change({ backfills: [record.id] }, () => ({ writes: { backfills: [record] }, result: null }));
    return record;
  } finally {
    await returnLease(engine, STARTING);
  }
}

/** The open backfill for which this one can't be started; null: it can. Refuses to join what can't be joined. */
export function refusedFor({ pipeline }: Engine, record: BackfillRecord, others: readonly BackfillRecord[]): BackfillRecord | null {
  const { join } = record.asked;
  const other = others.find(({ id }) => id === join);
  if (join !== undefined && (!other || hasEnded(other) || overlapping(pipeline, record, [other]) === null)) {
    const open = others.filter((one) => overlapping(pipeline, record, [one]) !== null).map(({ id }) => id);
    const what = other ? hasEnded(other) ? `which is ${other.state}` : 'which has no cell in common with this one' : 'which there is not';
    throw new InputError(`received --join ${join}, ${what}; ${open.length === 0 ? 'no open backfill has a cell in common with this one: leave --join out' : `allowed are ${open.join(', ')}`}`);
  }
  const waitedFor = joinedBy(record, new Map(others.map((known) => [known.id, known])));
  return overlapping(pipeline, record, others.filter((known) => !waitedFor.includes(known)));
}

function freeId(wanted: string, others: readonly BackfillRecord[]): string {
  const taken = new Set(others.map(({ id }) => id));
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? wanted : `${wanted}-${number}`;
    if (!taken.has(id)) return id;
  }
}

/** The words after a definition's name: its season, else its dates. */
export function labelOf({ pipeline }: Engine, { from, to }: { readonly from: Day; readonly to: Day }): string {
  const season = pipeline.seasons.find((candidate) => candidate.from === from && candidate.to === to);
  return season?.name ?? (from === to ? formatDay(from) : `${formatDay(from)}-to-${formatDay(to)}`);
}

const NAMES_SHOWN = 20;

/** Ids that begin with what was given come first: it may be the start of one. */
export function unknownBackfill(id: string, known: readonly Pick<BackfillRecord, 'id'>[]): InputError {
  const names = known.map((record) => record.id);
  if (names.length === 0) return new InputError(`received the backfill '${id}', which there is not; none was started yet; see: smart-backfill backfill start --help`);
  const begins = names.filter((name) => name.startsWith(id));
  const shown = (begins.length === 0 ? names : begins).slice(0, NAMES_SHOWN);
  const more = names.length - shown.length;
  const hint = begins.length === 0 ? suggestion(id, names, '') : 'give the whole id';
  return new InputError(`received the backfill '${id}', which there is not; ${hint === '' ? '' : hint.endsWith('?') ? `${hint} ` : `${hint}; `}allowed are ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}; see: smart-backfill backfill list`);
}

/** One change of a backfill's record. Whoever advances it hears of it. */
export async function orderBackfill(engine: Engine, id: string, change: (record: BackfillRecord, now: number) => BackfillRecord): Promise<BackfillRecord> {
  const { store, clock } = engine.parts;
  const known = await store.backfill(id);
  if (!known) throw unknownBackfill(id, await store.backfills());
  const record = await engine.change({ backfills: [id], leases: [backfillLease(id)] }, (snapshot) => {
    const next = change(snapshot.backfill(id) ?? known, clock.now());
    const lease = snapshot.lease(backfillLease(id));
    // Marks it dirty: its holder goes round once more.
    return { writes: { backfills: [next], ...(lease ? { leases: [{ ...lease, again: true }] } : {}) }, result: next };
  });
  if (record.state !== 'running') await withdraw(engine, id);
  else if (record.skips.length > known.skips.length) await takeBackSkipped(engine, record);
  engine.ordered.tell(id);
  return record;
}

/** A date that is skipped while the backfill runs: what nobody runs yet of it is not run. */
async function takeBackSkipped(engine: Engine, { id, skips }: BackfillRecord): Promise<void> {
  const days = new Set(skips.map(({ day }) => day));
  await takeBack(engine, id, (await engine.parts.store.openCells()).filter(({ day }) => days.has(day)), 'has the date skipped');
}

/** Takes back what a backfill has opened and nobody runs yet: it is opened again when the backfill goes on. */
export async function withdraw(engine: Engine, id: string): Promise<readonly CellKey[]> {
  return takeBack(engine, id, await engine.parts.store.openCells(), 'does not run now');
}

/** Whoever had a backfill paused or cancelled may have died before it took back what was queued: nobody is to run that. */
export async function withdrawLeft(engine: Engine): Promise<void> {
  const { store } = engine.parts;
  const owners = new Set((await store.openCells()).flatMap(({ request }) => (request?.backfillId && !request.rollback ? [request.backfillId] : [])));
  for (const id of owners) {
    const record = await store.backfill(id);
    if (record && !goesOnByItself(record)) await withdraw(engine, id);
  }
}

/** Takes back those of these cells that a backfill has opened, that nobody else has asked for, and that nobody runs yet. */
export async function takeBack(engine: Engine, id: string, cells: readonly CellRecord[], why: string): Promise<readonly CellKey[]> {
  const { clock } = engine.parts;
  const isQueuedForIt = ({ request }: CellRecord): boolean => request !== null && request.state !== 'processing' && isItsAlone(request, id);
  const open = cells.filter(isQueuedForIt).map(({ processor, day }) => ({ processor, day }));
  if (open.length === 0) return [];
  const now = clock.now();
  const taken = await engine.change({ cells: open }, (snapshot) => {
    const records = open.map((key) => snapshot.cell(key)).filter(isQueuedForIt);
    return {
      writes: {
        cells: records.map((record) => ({ ...record, request: null, recentAsks: record.recentAsks.filter((ask) => !record.request?.asks.includes(ask)) })),
        changes: records.flatMap((record) => (record.request ? [changeRow(record, record.request, 'cancelled', now, { metadata: { why: `backfill ${id} ${why}` } })] : [])),
        askCells: records.flatMap((record) => (record.request?.asks ?? []).map((askId) => ({ askId, processor: record.processor, day: record.day, outcome: 'cancelled' as const, note: `backfill ${id} ${why}`, at: now }))),
      },
      result: records.map(({ processor, day }) => ({ processor, day })),
    };
  });
  for (const cell of taken) await wakeWaiters(engine, cell);
  return taken;
}
