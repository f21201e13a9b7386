import type { Pipeline } from '../pipeline/pipeline.ts';
import type { CalendarRow } from './games.ts';
import type { Day } from './day.ts';
import { seasonAt } from './season.ts';

/** What the calendar has once expected, by season: a game stays expected until there is a reason that it does not. */
export interface RememberedGames {
  readonly season: string;
  readonly games: readonly RememberedGame[];
}

export interface RememberedGame {
  readonly key: string;
  readonly day: Day;
  readonly status: number;
  readonly narrow: string | null;
  /** Why it is expected no more: a person accepted its removal. */
  readonly removed: string | null;
}

/** What the schedule's rows now contradict of what was expected before. */
export type CalendarFinding =
  /** Seen on another date now: expected there. */
  | { readonly kind: 'moved'; readonly key: string; readonly from: Day; readonly to: Day }
  /** Seen nowhere any more: still expected, until a person accepts its removal. */
  | { readonly kind: 'calendar_shrank'; readonly key: string; readonly day: Day };

export interface MergedCalendar {
  readonly games: readonly CalendarRow[];
  readonly memory: readonly RememberedGames[];
  /** Seasons whose memory is another than before. */
  readonly changed: readonly RememberedGames[];
  readonly findings: readonly CalendarFinding[];
}

/**
 * Merges the schedule's rows of [from, to] into what is remembered. The calendar comes from the very pipeline that it
 * judges: a schedule that lost rows must not make the dates it lost look like off-days, and rows that somebody altered
 * (`distrusted` days) change nothing until a person accepts them.
 */
export function rememberCalendar(
  pipeline: Pick<Pipeline, 'seasons' | 'schedule'>,
  memory: readonly RememberedGames[],
  rows: readonly CalendarRow[],
  range: { readonly from: Day; readonly to: Day },
  distrusted: ReadonlySet<Day> = new Set(),
): MergedCalendar {
  const remembered = new Map<string, RememberedGame>();
  for (const season of memory) for (const game of season.games) remembered.set(game.key, game);
  const findings: CalendarFinding[] = [];
  const seen = new Set<string>();
  const dirty = new Set<string>();
  const seasonOf = (day: Day): string => seasonAt(pipeline.seasons, day)?.name ?? '';
  for (const row of oneRowAKey(rows, pipeline.schedule)) {
    const before = remembered.get(row.key);
    if (distrusted.has(row.day) || seasonOf(row.day) === '') {
      if (before?.day === row.day) seen.add(row.key);
      continue;
    }
    seen.add(row.key);
    if (before && before.day === row.day && before.status === row.status && before.narrow === row.narrow && before.removed === null) continue;
    if (before && before.day !== row.day) {
      findings.push({ kind: 'moved', key: row.key, from: before.day, to: row.day });
      dirty.add(seasonOf(before.day));
    }
    remembered.set(row.key, { key: row.key, day: row.day, status: row.status, narrow: row.narrow, removed: null });
    dirty.add(seasonOf(row.day));
  }
  const games: CalendarRow[] = [];
  // A season that its last game has left is still a season: its memory is written empty.
  const bySeason = new Map<string, RememberedGame[]>(memory.map(({ season }) => [season, []]));
  for (const game of remembered.values()) {
    const season = seasonOf(game.day);
    const list = bySeason.get(season);
    if (list) list.push(game);
    else bySeason.set(season, [game]);
    if (game.removed !== null) continue;
    if (!seen.has(game.key) && game.day >= range.from && game.day <= range.to) findings.push({ kind: 'calendar_shrank', key: game.key, day: game.day });
    games.push({ day: game.day, key: game.key, status: game.status, narrow: game.narrow });
  }
  const next = [...bySeason].map(([season, list]) => ({ season, games: list.sort((a, b) => a.day - b.day || (a.key < b.key ? -1 : 1)) }));
  return { games, memory: next, changed: next.filter(({ season }) => dirty.has(season)), findings };
}

/** A game that stands on two dates is on the one where it is final, else where it is not called off, else on the later. */
function oneRowAKey(rows: readonly CalendarRow[], schedule: Pipeline['schedule']): Iterable<CalendarRow> {
  const rankOf = ({ status }: CalendarRow): number => (schedule?.finalWhen.includes(status) ? 2 : schedule?.settledWhen.includes(status) ? 0 : 1);
  const best = new Map<string, CalendarRow>();
  for (const row of rows) {
    const other = best.get(row.key);
    if (!other || (rankOf(row) - rankOf(other) || row.day - other.day) >= 0) best.set(row.key, row);
  }
  return best.values();
}
