import { dayOf } from '../calendar/day.ts';
import { mergedMessageMap, tablesOf } from './adoption.ts';
import { definitionHash } from './definition-hash.ts';
import { calendarFillers, edgesByReader, topologicalOrder } from './edges.ts';
import { WHOLE_ROW, type Edge, type Output, type Phase, type Pipeline, type Processor, type ScheduleSource } from './pipeline.ts';
import type { PipelineDefinition, ProcessorDefinition } from './schema.ts';
import { targetsOf } from './targets.ts';

/** Makes the pipeline of a definition in which `validate.ts` found no mistake. */

export interface PipelineFiles {
  /** The folder that relative paths of the definition start from. */
  readonly directory: string;
  /** Texts of the .sql files, by processor. */
  readonly sql: ReadonlyMap<string, string>;
}

export function compilePipeline(definition: PipelineDefinition, files: PipelineFiles): Pipeline {
  const order = topologicalOrder(definition);
  const phases = phasesOf(definition, order);
  const context: Context = {
    definition,
    files,
    phases: new Map(phases.map((phase) => [phase.name, phase])),
    edges: edgesByReader(definition),
    fillers: calendarFillers(definition),
  };
  const processors = order.map((name, rank) => processorOf(name, rank, context));
  return {
    name: definition.name,
    directory: files.directory,
    timeZone: definition.time_zone,
    topics: definition.topics,
    subscriptions: definition.subscriptions,
    settings: definition.settings,
    tables: tablesOf(definition),
    messageMap: mergedMessageMap(definition.message_map),
    seasons: definition.calendar.seasons.map(({ name, from, to }) => ({ name, from: dayOf(from), to: dayOf(to) })),
    schedule: scheduleOf(definition),
    excluded: new Map(definition.calendar.exclude.map(({ date, reason }) => [dayOf(date), reason])),
    phases,
    processors,
    byName: new Map(processors.map((processor) => [processor.name, processor])),
    byAlias: new Map(processors.flatMap((processor) => processor.aliases.map((alias) => [alias, processor] as const))),
  };
}

interface Context {
  readonly definition: PipelineDefinition;
  readonly files: PipelineFiles;
  readonly phases: ReadonlyMap<string, Phase>;
  readonly edges: ReadonlyMap<string, readonly Edge[]>;
  readonly fillers: ReadonlySet<string>;
}

function phasesOf(definition: PipelineDefinition, order: readonly string[]): Phase[] {
  return definition.phases.map((phase, index) => ({
    name: phase.name,
    index,
    completionTopic: phase.completion_topic,
    mode: phase.mode,
    cascades: phase.cascades,
    cascadeTopic: phase.cascade_target === 'requests' ? null : phase.cascade_target.topic,
    backfillable: phase.backfillable,
    alteredPolicy: phase.altered_policy,
    messageMap: mergedMessageMap(definition.message_map, phase.message_map),
    processors: order.filter((name) => definition.processors[name]?.phase === phase.name),
  }));
}

function processorOf(name: string, rank: number, context: Context): Processor {
  const { definition, files } = context;
  const source = definition.processors[name];
  const phase = source && context.phases.get(source.phase);
  if (!source || !phase) throw new Error(`received processor ${name} without a known phase; run validateDefinition before compilePipeline`);
  const { schedule } = definition.calendar;
  const { expectations } = source;
  const columns = Object.entries(source.columns ?? {}).map(([column, type]) => ({ name: column, type }));
  const upstreams = context.edges.get(name) ?? [];
  const readers = [...context.edges.values()].flat().filter((edge) => edge.upstream === name);
  const everyDay = source.every_day || context.fillers.has(name) || !schedule;
  const expectGames = expectations.expected_keys === 'games' && schedule !== undefined;
  const { target, googleTarget } = targetsOf(source.target);
  const sql = files.sql.get(name) ?? null;
  return {
    name,
    phase,
    rank,
    aliases: source.aliases ?? [],
    output: outputOf(name, source),
    tableFilter: source.table_filter ?? null,
    dateColumn: source.date_column,
    key: source.key,
    columns,
    fingerprintColumns: columns.map((column) => column.name).filter((column) => !source.volatile.includes(column)).sort(),
    views: viewsOf(readers),
    upstreams,
    readers,
    expected: source.expected,
    everyDay,
    fillsCalendar: context.fillers.has(name),
    only: source.only ?? null,
    expectGames,
    gameColumn: expectGames && source.columns?.[schedule.key_column] ? schedule.key_column : null,
    minRowsPerGame: expectations.min_rows_per_game ?? 0,
    minRows: expectations.min_rows ?? (everyDay ? 0 : 1),
    rowThreshold: definition.settings.row_threshold,
    required: expectations.required,
    warmUpGameDates: expectations.warm_up_game_dates,
    order: source.order,
    target,
    googleTarget,
    timeoutSeconds: source.timeout_seconds,
    slots: source.slots,
    sourceCheck: source.source_check ?? null,
    retentionDays: source.retention_days ?? null,
    codeVersion: source.code_version,
    backfillable: source.backfillable && phase.backfillable,
    critical: source.critical,
    stalePolicy: source.stale_policy ?? (phase.mode === 'enforce' ? 'reprocess' : 'report'),
    alteredPolicy: source.altered_policy ?? phase.alteredPolicy,
    codeChangePolicy: source.code_change_policy,
    sql,
    definitionHash: definitionHash(sql, columns, upstreams, source.table_filter ?? null),
  };
}

function outputOf(name: string, { table, landing }: ProcessorDefinition): Output {
  if (landing !== undefined) return { kind: 'landing', folder: landing, ref: `landing/${landing}` };
  const [dataset, short] = (table ?? '').split('.');
  if (!dataset || !short) throw new Error(`received processor ${name} with neither a table nor a landing; run validateDefinition before compilePipeline`);
  return { kind: 'table', dataset, table: short, ref: `${dataset}.${short}` };
}

function viewsOf(readers: readonly Edge[]): Processor['views'] {
  const views = new Map<string, readonly string[]>();
  for (const { view, columns } of readers) if (view !== WHOLE_ROW && columns) views.set(view, columns);
  return [...views].map(([view, columns]) => ({ view, columns })).sort((a, b) => (a.view < b.view ? -1 : 1));
}

function scheduleOf({ calendar: { schedule } }: PipelineDefinition): ScheduleSource | null {
  if (!schedule) return null;
  return {
    processor: schedule.processor,
    keyColumn: schedule.key_column,
    statusColumn: schedule.status_column,
    finalWhen: schedule.final_when,
    settledWhen: schedule.settled_when,
    narrowBy: schedule.narrow_by ?? null,
  };
}
