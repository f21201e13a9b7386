import { FieldValue, Timestamp } from '@google-cloud/firestore';
import { formatDay } from '../calendar/day.ts';
import type { Writes } from '../ports/request-store.ts';
import type { CellRecord } from '../requests/cell.ts';
import { addBlocks } from './firestore-blocks.ts';
import { cellFieldNames, fieldsOf } from './firestore-cell-fields.ts';
import type { Fields, Operations } from './firestore-operations.ts';
import { cellId, type StatePaths } from './firestore-paths.ts';
import { fitting, LARGEST_TEXT_BYTES, partsOf } from './firestore-text.ts';

/** How long asks, what became of their cells, and traces are kept: over a year, so that last season's can be explained. */
const KEPT_MS = 400 * 86_400_000;

export interface WriteContext {
  readonly paths: StatePaths;
  readonly rankOf: (processor: string) => number;
  /** The time of day of the machine, whatever the pipeline's clock shows: TTL policies go by it. */
  readonly realNow: () => number;
}

/** The documents of a decision's writes, the outbox aside. */
export function addWrites(writes: Writes, context: WriteContext, into: Operations): void {
  const { paths } = context;
  const expireAt = Timestamp.fromMillis(context.realNow() + KEPT_MS);
  addCells(writes, context, expireAt, into);
  for (const slots of writes.slots ?? []) into.put(paths.slots(slots.processor), { record: fitting(JSON.stringify(slots), `the slots of ${slots.processor}`) });
  for (const ask of writes.asks ?? []) {
    into.put(paths.ask(ask.id), { record: fitting(JSON.stringify(ask), `ask ${ask.id}`), expireAt }, { once: { askedAt: FieldValue.serverTimestamp() } });
  }
  for (const cell of writes.askCells ?? []) {
    into.merge(paths.askCells(cell.askId).doc(cellId(cell)), { record: fitting(JSON.stringify(cell), `a cell of ask ${cell.askId}`), expireAt });
  }
  for (const cascade of writes.cascades ?? []) {
    into.put(paths.cascade(cascade), { record: fitting(JSON.stringify(cascade), `the cascade of ${cascade.phase} ${formatDay(cascade.day)}`), day: cascade.day });
  }
  for (const name of writes.releaseLeases ?? []) {
    if (!writes.leases?.some((lease) => lease.name === name)) into.remove(paths.lease(name));
  }
  for (const lease of writes.leases ?? []) into.put(paths.lease(lease.name), { record: fitting(JSON.stringify(lease), `the lease ${lease.name}`) });
  for (const backfill of writes.backfills ?? []) into.put(paths.backfill(backfill.id), { record: fitting(JSON.stringify(backfill), `the backfill ${backfill.id}`) });
  for (const id of writes.told ?? []) into.remove(paths.untold(id));
  for (const failure of writes.untold ?? []) into.merge(paths.untold(failure.id), { record: fitting(JSON.stringify(failure), `the failure ${failure.id}`) });
  if (writes.controls) into.put(paths.controls(), { record: fitting(JSON.stringify(writes.controls), 'the record of the controls') });
  for (const { season, games } of writes.remembered ?? []) {
    const parts = partsOf(JSON.stringify(games));
    for (const [part, text] of parts.entries()) into.merge(paths.remembered(season, part), { season, part, parts: parts.length, text });
  }
}

function addCells(writes: Writes, { paths, rankOf }: WriteContext, expireAt: Timestamp, into: Operations): void {
  const records = new Map((writes.cells ?? []).map((record) => [cellId(record), record]));
  const texts = [...records.values()].map((record) => ({ record, text: fitting(JSON.stringify(record), `the record of cell ${record.processor} ${formatDay(record.day)}`) }));
  const traces = new Map((writes.traces ?? []).map(({ runId, trace }) => [runId, trace]));
  for (const { record, text } of texts) {
    const fields = fieldsOf(record, rankOf);
    into.put(
      paths.cell(record),
      { processor: record.processor, day: record.day, record: text, ...fields, ...traceWith(record, text, traces) },
      { without: cellFieldNames.filter((name) => fields[name] === undefined) },
    );
  }
  addBlocks(texts, paths, into);
  for (const [runId, trace] of traces) {
    const parts = partsOf(trace);
    for (const [part, text] of parts.entries()) into.merge(paths.trace(runId, part), { parts: parts.length, text, expireAt });
  }
}

/** A run's trace lies with its cell where it fits: one write less a run. It is taken from `traces`. */
function traceWith(record: CellRecord, text: string, traces: Map<string, string>): Fields {
  for (const runId of [record.last?.runId, record.request?.lease?.runId]) {
    const trace = runId === undefined ? undefined : traces.get(runId);
    if (runId === undefined || trace === undefined) continue;
    if (Buffer.byteLength(text) + Buffer.byteLength(trace) > LARGEST_TEXT_BYTES) return {};
    traces.delete(runId);
    return { trace, traceRun: runId };
  }
  return {};
}
