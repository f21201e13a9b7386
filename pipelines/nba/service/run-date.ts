import { formatDay, type Day } from '../../../shared/calendar/day.ts';
import type { ObjectStore } from '../../../shared/google/objects-store.ts';
import type { Pipeline } from '../../../shared/pipeline/pipeline.ts';
import type { ProcessorInput, ProcessorResult } from '../../../shared/ports/processor.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { checkedRows } from '../../../shared/rows/checked-rows.ts';
import { answerError, type AnswerError } from './answer-error.ts';
import { land, landedRows } from './landed-files.ts';
import type { DateTables } from './loaded-tables.ts';
import type { Source } from './sources.ts';

/** What a run of one date needs. */
export interface Places {
  readonly pipeline: Pipeline;
  readonly landing: ObjectStore;
  readonly tables: DateTables;
  readonly sourceDirectory: string;
}

/** What the request says of the run. */
export type Order = Pick<ProcessorInput, 'runId' | 'isBackfill' | 'skipDownstreamTrigger' | 'strictMode' | 'triggerReason' | 'backfillId'>;

export type DateEnd =
  | { readonly status: 'success'; readonly rows: number }
  | { readonly status: 'no_data' | 'failed'; readonly error: AnswerError };

/** Runs one processor for one date and writes what it made. Never rejects: what failed is in its answer. */
export async function runDate(places: Places, source: Source, day: Day, order: Order): Promise<DateEnd> {
  try {
    const result = await made(places, source, day, order);
    if (result.status === 'no_data') return noData(result.message);
    if (result.status === 'failed') return result;
    const rows = checkedRows(source.processor, day, result.rows);
    if (source.processor.output.kind === 'landing') await land(places.landing, source.processor, day, rows);
    else await places.tables.replace(source.processor, day, rows);
    return { status: 'success', rows: rows.length };
  } catch (thrown) {
    if (thrown instanceof NothingLanded) return noData(thrown.message);
    return { status: 'failed', error: answerError(thrown) };
  }
}

function made(places: Places, { processor, run }: Source, day: Day, order: Order): Promise<ProcessorResult> {
  return run({
    ...order, processorName: processor.name, gameDate: formatDay(day), pipelineDirectory: places.pipeline.directory, sourceDirectory: places.sourceDirectory,
    read: (upstream) => read(places, processor.name, upstream, day), signal: AbortSignal.timeout(processor.timeoutSeconds * 1000),
  });
}

/** A schedule without games and one that was never landed both have no rows; only the first may empty a table's date. */
class NothingLanded extends Error {}

async function read({ pipeline, landing }: Places, reader: string, upstream: string, day: Day): Promise<readonly Row[]> {
  const scraper = pipeline.byName.get(upstream);
  if (!scraper || !pipeline.byName.get(reader)?.upstreams.some((edge) => edge.upstream === upstream)) throw new Error(`${upstream} is no declared upstream of ${reader}`);
  const rows = await landedRows(landing, scraper, day);
  if (rows === null) throw new NothingLanded(`nothing of ${formatDay(day)} has been landed by ${upstream}`);
  return rows;
}

function noData(message: string): DateEnd {
  return { status: 'no_data', error: { type: 'no_data', message } };
}
