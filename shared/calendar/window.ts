import type { Edge } from '../pipeline/pipeline.ts';
import { addDays, day, type Day } from './day.ts';
import type { ExpectedDates } from './expected-dates.ts';

/** Days a window covers, both ends included. */
export interface WindowRange {
  readonly from: Day;
  readonly to: Day;
}

/**
 * The days that an edge's window covers for one game date, or null where it covers none (an opening night without its own
 * date). `upstreamDates` are the dates expected of the upstream: game dates are counted in those. Never crosses the start
 * of the season, and a date outside all seasons has only its own date.
 */
export function windowRange(edge: Edge, date: Day, upstreamDates: ExpectedDates): WindowRange | null {
  return rangeOf(edge, date, upstreamDates, null);
}

/** The newest part of the window: gaps in it stop a cascade even when the pipeline is not strict. */
export function criticalRange(edge: Edge, date: Day, upstreamDates: ExpectedDates): WindowRange | null {
  return rangeOf(edge, date, upstreamDates, edge.window.critical);
}

function rangeOf(edge: Edge, date: Day, upstreamDates: ExpectedDates, critical: number | null): WindowRange | null {
  const { reach, ownDate } = edge.window;
  const to = ownDate ? date : addDays(date, -1);
  const seasonStart = upstreamDates.seasonStart(date) ?? date;
  const own: WindowRange | null = ownDate ? { from: date, to: date } : null;
  const since = (from: Day): WindowRange | null => {
    const start = day(Math.max(from, seasonStart));
    return start <= to ? { from: start, to } : null;
  };
  switch (reach.kind) {
    case 'none':
      return own;
    case 'days':
      return since(addDays(date, -Math.min(reach.days, critical ?? reach.days)));
    case 'season_to_date':
      return since(critical === null ? seasonStart : addDays(date, -critical));
    case 'game_dates': {
      const start = upstreamDates.startOfLast(Math.min(reach.gameDates, critical ?? reach.gameDates), date, seasonStart);
      return start === undefined ? own : since(start);
    }
  }
}

/** The part of a range that lies within another; null where none does. */
export function clipRange(range: WindowRange, { first, last }: { readonly first: Day; readonly last: Day }): WindowRange | null {
  if (range.from >= first && range.to <= last) return range;
  const from = day(Math.max(range.from, first));
  const to = day(Math.min(range.to, last));
  return from <= to ? { from, to } : null;
}
