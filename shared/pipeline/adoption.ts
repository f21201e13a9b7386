import type { MessageMap, Pipeline, Processor, Tables } from './pipeline.ts';
import type { MessageMapDefinition } from './schema-adoption.ts';
import type { PipelineDefinition } from './schema.ts';

/** What a definition says of a pipeline that already runs, and of the tables beside it. */

/** Maps laid over each other: the later, the nearer. */
export function mergedMessageMap(...maps: readonly (MessageMapDefinition | undefined)[]): MessageMap {
  return {
    fields: new Map(maps.flatMap((map) => Object.entries(map?.fields ?? {}))),
    statuses: new Map(maps.flatMap((map) => lowerCased(map?.statuses))),
    defaultStatus: maps.reduce<MessageMap['defaultStatus']>((found, map) => map?.default_status ?? found, null),
    phases: new Map(maps.flatMap((map) => Object.entries(map?.phases ?? {}))),
    ignore: new Set(maps.flatMap((map) => map?.ignore ?? [])),
  };
}

export function tablesOf({ name, tables }: Pick<PipelineDefinition, 'name' | 'tables'>): Tables {
  // Datasets know no dashes.
  const prefix = name.replaceAll('-', '_');
  const view = tables.history_view;
  return {
    run_history: tables.run_history ?? `${prefix}_reference.processor_run_history`,
    backfill_requests: tables.backfill_requests ?? `${prefix}_processing.backfill_requests`,
    staging_dataset: tables.staging_dataset ?? `${prefix}_staging`,
    history_view: view ? {
      table: view.table,
      columns: {
        ...view.columns, run_id: view.columns.run_id ?? null, started_at: view.columns.started_at ?? null, completed_at: view.columns.completed_at ?? null,
        rows_processed: view.columns.rows_processed ?? null, error_message: view.columns.error_message ?? null,
      },
      statuses: new Map(lowerCased(view.statuses)),
    } : null,
  };
}

/** The processor that a message names, by its name or by one of its aliases. */
export function processorNamed({ byName, byAlias }: Pick<Pipeline, 'byName' | 'byAlias'>, name: string): Processor | undefined {
  return byName.get(name) ?? byAlias.get(name);
}

function lowerCased<T>(values: Readonly<Record<string, T>> | undefined): [string, T][] {
  return Object.entries(values ?? {}).map(([theirs, ours]) => [theirs.toLowerCase(), ours]);
}
