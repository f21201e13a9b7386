import type { Day } from '../calendar/day.ts';
import type { CompletionStatus } from '../requests/messages.ts';
import type { CompletionField } from './schema-adoption.ts';
import type { ColumnType, PipelineDefinition, TargetDefinition } from './schema.ts';

/**
 * A pipeline as the core sees it: names resolved, windows completed with their defaults, processors in topological order.
 * `compile.ts` makes it of a definition; nothing else does.
 */

/** How far back a window reaches; `ownDate` says whether the game date itself is part of it. */
export type WindowReach =
  | { readonly kind: 'none' }
  | { readonly kind: 'days'; readonly days: number }
  | { readonly kind: 'game_dates'; readonly gameDates: number }
  | { readonly kind: 'season_to_date' };

export interface Window {
  readonly reach: WindowReach;
  readonly ownDate: boolean;
  /** The newest part, in the reach's own unit (days for season_to_date). */
  readonly critical: number;
}

/** The columns of an upstream that an edge reads: all that are fingerprinted, or a list with a fingerprint of its own. */
export const WHOLE_ROW = '*';

/** One processor reads another (or its own history) over a window. */
export interface Edge {
  readonly reader: string;
  readonly upstream: string;
  readonly window: Window;
  /** Named columns, sorted; null is the whole row. */
  readonly columns: readonly string[] | null;
  /** Which fingerprint of the upstream counts: WHOLE_ROW, or the sorted columns joined by a comma. */
  readonly view: string;
  readonly ownHistory: boolean;
}

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

export type Output =
  | { readonly kind: 'table'; readonly dataset: string; readonly table: string; readonly ref: string }
  | { readonly kind: 'landing'; readonly folder: string; readonly ref: string };

/** Which rows of a shared table are a processor's. */
export interface TableFilter {
  readonly column: string;
  readonly equals: string | number | boolean;
}

/** How the completion messages of a running pipeline differ from ours; empty where they don't. */
export interface MessageMap {
  /** Ours by theirs; a dot leads into a field. */
  readonly fields: ReadonlyMap<string, CompletionField>;
  /** Ours by theirs, in lower case. */
  readonly statuses: ReadonlyMap<string, CompletionStatus>;
  readonly defaultStatus: CompletionStatus | null;
  /** Ours by theirs. */
  readonly phases: ReadonlyMap<string, string>;
  /** Processors that the definition leaves out: nothing is made of their messages. */
  readonly ignore: ReadonlySet<string>;
}

/** Columns of the team's own history table, by ours; null where it has none. */
export interface HistoryView {
  /** `dataset.table`. */
  readonly table: string;
  readonly columns: {
    readonly processor_name: string;
    readonly game_date: string;
    readonly status: string;
    readonly run_id: string | null;
    readonly started_at: string | null;
    readonly completed_at: string | null;
    readonly rows_processed: string | null;
    readonly error_message: string | null;
  };
  /** Ours by theirs, in lower case. */
  readonly statuses: ReadonlyMap<string, CompletionStatus>;
}

/** Tables besides the processors' own, `dataset.table`, and the dataset in which dates are staged. */
export interface Tables {
  readonly run_history: string;
  readonly backfill_requests: string;
  readonly staging_dataset: string;
  readonly history_view: HistoryView | null;
}

export interface Phase {
  readonly name: string;
  readonly index: number;
  readonly completionTopic: string;
  readonly mode: 'observe' | 'assist' | 'enforce';
  /** The phase before it starts it. */
  readonly cascades: boolean;
  readonly cascadeTopic: string | null;
  readonly backfillable: boolean;
  readonly alteredPolicy: 'report' | 'reprocess';
  /** The phase's own map laid over the pipeline's. */
  readonly messageMap: MessageMap;
  /** Processor names, in topological order. */
  readonly processors: readonly string[];
}

export interface Processor {
  readonly name: string;
  readonly phase: Phase;
  /** Position in the pipeline's topological order: an upstream's is always lower, own history aside. */
  readonly rank: number;
  /** Other names under which messages name it. */
  readonly aliases: readonly string[];
  readonly output: Output;
  /** Where several fill one table: coverage, fingerprints, reads and promotion look at these rows only. */
  readonly tableFilter: TableFilter | null;
  readonly dateColumn: string;
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** Names, sorted, of the columns that count for the fingerprint: all but the volatile ones. */
  readonly fingerprintColumns: readonly string[];
  /** Every view that some reader's edge names, WHOLE_ROW not among them. */
  readonly views: readonly { readonly view: string; readonly columns: readonly string[] }[];
  readonly upstreams: readonly Edge[];
  readonly readers: readonly Edge[];
  readonly expected: 'after_final' | 'before_games';
  /** Expected on every day of a season, games or not: the calendar's own processors. */
  readonly everyDay: boolean;
  /** True of the schedule's processor and of all that it reads. */
  readonly fillsCalendar: boolean;
  /** Values of the calendar's `narrow_by` column that this processor covers; null is all. */
  readonly only: readonly string[] | null;
  readonly expectGames: boolean;
  readonly gameColumn: string | null;
  readonly minRowsPerGame: number;
  readonly minRows: number;
  readonly rowThreshold: number;
  readonly required: readonly string[];
  readonly warmUpGameDates: number;
  readonly order: 'any' | 'sequential';
  readonly target: TargetDefinition;
  readonly googleTarget: TargetDefinition | null;
  readonly timeoutSeconds: number;
  readonly slots: number;
  readonly sourceCheck: string | null;
  readonly retentionDays: number | null;
  readonly codeVersion: string;
  readonly backfillable: boolean;
  readonly critical: boolean;
  readonly stalePolicy: 'report' | 'reprocess';
  readonly alteredPolicy: 'report' | 'reprocess';
  readonly codeChangePolicy: 'report' | 'reprocess';
  /** The text of the .sql file, for a bigquery_sql target. */
  readonly sql: string | null;
  /** Hash of SQL without comments, windows and columns: what decides the rows. */
  readonly definitionHash: string;
}

export interface Season {
  readonly name: string;
  readonly from: Day;
  /** The last day, included. */
  readonly to: Day;
}

export interface ScheduleSource {
  readonly processor: string;
  readonly keyColumn: string;
  readonly statusColumn: string;
  readonly finalWhen: readonly number[];
  readonly settledWhen: readonly number[];
  readonly narrowBy: string | null;
}

export interface Pipeline {
  readonly name: string;
  /** The folder that relative paths of the definition start from. */
  readonly directory: string;
  readonly timeZone: string;
  readonly topics: PipelineDefinition['topics'];
  readonly subscriptions: PipelineDefinition['subscriptions'];
  readonly settings: PipelineDefinition['settings'];
  readonly tables: Tables;
  readonly messageMap: MessageMap;
  readonly seasons: readonly Season[];
  readonly schedule: ScheduleSource | null;
  readonly excluded: ReadonlyMap<Day, string>;
  readonly phases: readonly Phase[];
  /** In topological order: `processors[p.rank] === p`. */
  readonly processors: readonly Processor[];
  readonly byName: ReadonlyMap<string, Processor>;
  /** Processors by their aliases. */
  readonly byAlias: ReadonlyMap<string, Processor>;
}
