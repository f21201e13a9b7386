import { z } from 'zod';
import { addDays, formatDay, parseDay, startOfDay, type Day } from '../calendar/day.ts';
import { failureCategories } from '../failures/category.ts';
import { detect } from '../gaps/detect.ts';
import { assessNeeds, type Needs, type NeedsFacts, type RequestFact, type RunFact } from '../needs/assess.ts';
import type { HistoryRow, RequestChangeRow, RunHistory } from '../ports/run-history.ts';
import type { Ask } from '../requests/ask.ts';
import { requestKinds } from '../requests/cell.ts';
import { instantOf } from '../requests/messages.ts';
import { DETECTOR } from './detect-gaps.ts';
import type { Engine } from './engine.ts';

/** Reads what has happened to a range of game dates, and what people asked for meanwhile. Nothing is changed. */

export interface NeedsReport {
  readonly from: Day;
  readonly to: Day;
  /** Days of it that have begun: what rates are over. */
  readonly days: number;
  readonly needs: Needs;
  readonly minutesPerManual: number;
  /** What was too much to be read: figures are of the newest. */
  readonly cut: readonly string[];
}

/** `trigger_reason` of the messages that document 003's processors publish. */
const PROCESSORS_REASON = 'auto_backfill';
const MOST_ROWS = 200_000;
const MOST_ASKS = 5000;

/** Figures are of game dates from `from` to `to`; what people asked for is of these days by the clock. */
export async function reportNeeds(engine: Engine, history: RunHistory, range: { readonly from: Day; readonly to: Day }, minutesPerManual: number): Promise<NeedsReport> {
  const { from, to } = range;
  const world = await engine.refresh(from, to);
  const filter = { from: formatDay(from), to: formatDay(to), limit: MOST_ROWS };
  const [runs, changes, asks] = await Promise.all([history.runs(filter), history.changes(filter), engine.parts.store.asks(MOST_ASKS)]);
  const last = to < world.moment.today ? to : world.moment.today;
  const facts: NeedsFacts = {
    days: Math.max(0, last - from + 1),
    lacking: detect(world, { from, to, processors: null }).findings.filter(({ facts: { data } }) => data === 'missing' || data === 'short').map(({ processor, day }) => ({ processor, day })),
    runs: runFacts(runs),
    requests: requestFacts(changes),
    byHand: byHand(asks, startOfDay(from, engine.pipeline.timeZone), startOfDay(addDays(to, 1), engine.pipeline.timeZone)),
    minutesPerManual,
  };
  return {
    ...range, days: facts.days, minutesPerManual, needs: assessNeeds(facts),
    cut: [...(runs.length >= MOST_ROWS ? [`runs: the newest ${MOST_ROWS}`] : []), ...(changes.length >= MOST_ROWS ? [`requests: the newest ${MOST_ROWS} changes`] : []), ...(asks.length >= MOST_ASKS ? [`asked for by hand: among the newest ${MOST_ASKS}`] : [])],
  };
}

/** A run that was skipped for want of its inputs is a dependency failure too: there the document's processors fail. */
export function runFacts(rows: readonly HistoryRow[]): readonly RunFact[] {
  return rows.flatMap((row): RunFact[] => {
    const day = parseDay(row.data_date);
    // A message that told of a run once more is no other run.
    if (day === undefined || row.processing_decision === 'ignored') return [];
    const skippedForInputs = row.skip_reason === 'backfill_queued';
    if (row.status === 'skipped' && !skippedForInputs) return [];
    const category = failureCategories.find((known) => known === row.category) ?? (skippedForInputs ? 'data_availability' : null);
    return [{ processor: row.processor_name, day, succeeded: row.success, category, error: row.error_message }];
  });
}

const metadataSchema = z.object({ generation: z.number().optional(), reason: z.string().optional(), found: z.string().optional() });

/** Changes of one request put together: of a cell, each generation is one. */
export function requestFacts(rows: readonly RequestChangeRow[]): readonly RequestFact[] {
  const requests = new Map<string, RequestChangeRow[]>();
  for (const row of rows) {
    const key = `${row.processor_name}/${row.game_date}/${metadataOf(row).generation ?? row.requested_at}`;
    const known = requests.get(key);
    if (known) known.push(row);
    else requests.set(key, [row]);
  }
  return [...requests.values()].flatMap((changes): RequestFact[] => {
    const [newest] = changes.sort((a, b) => Number(ENDED.has(b.status)) - Number(ENDED.has(a.status)) || instantOf(b.changed_at) - instantOf(a.changed_at));
    const day = parseDay(newest?.game_date ?? '');
    const kind = requestKinds.find((known) => known === newest?.request_type);
    if (!newest || day === undefined || !kind) return [];
    const endedAt = newest.completed_at === null ? null : instantOf(newest.completed_at);
    return [{ processor: newest.processor_name, day, kind, openedAt: instantOf(newest.requested_at), endedAt, outcome: ENDED.get(newest.status) ?? 'open', byItself: newest.requested_by === DETECTOR, fills: changes.some(isFill) }];
  });
}

const ENDED: ReadonlyMap<string, RequestFact['outcome']> = new Map([['completed', 'completed'], ['cut_off', 'completed'], ['failed', 'failed'], ['cancelled', 'cancelled']]);

/** Rows of before `found` was recorded say it in the reason that a plan gave. */
function isFill(row: RequestChangeRow): boolean {
  const { found, reason } = metadataOf(row);
  return found === undefined ? reason?.startsWith('fill: ') ?? false : found === 'missing' || found === 'short';
}

function metadataOf({ metadata }: RequestChangeRow): z.infer<typeof metadataSchema> {
  if (metadata === null) return {};
  try {
    return metadataSchema.safeParse(JSON.parse(metadata)).data ?? {};
  } catch {
    return {};
  }
}

/**
 * A message or a recovery by a person is one piece of work, however many asks it took. A processor that finds a gap itself,
 * as document 003 has it, publishes the same message as a person, and says so in it.
 */
export function byHand(asks: readonly Ask[], since: number, before: number): number {
  const own = asks.filter(({ asker, at, refused, reason }) => (asker === 'person' || asker === 'plan') && at >= since && at < before && refused === null && reason !== PROCESSORS_REASON);
  return new Set(own.map(({ planId, id }) => planId ?? id)).size;
}

/** The 30 days up to today, today included. */
export function lastThirtyDays(today: Day): { readonly from: Day; readonly to: Day } {
  return { from: addDays(today, -29), to: today };
}
