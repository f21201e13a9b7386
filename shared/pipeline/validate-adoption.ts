import { tablesOf } from './adoption.ts';
import { suggestion } from './nearest.ts';
import { enumerated, shown, type Mistake } from './problems.ts';
import type { MessageMapDefinition, TablesDefinition } from './schema-adoption.ts';
import type { ColumnType, PipelineDefinition, ProcessorDefinition } from './schema.ts';
import { targetsOf } from './targets.ts';

/** How a pipeline that already runs is described: other names, other messages, shared tables, tables beside the processors'. */
export function adoptionMistakes(definition: PipelineDefinition, doubtful: ReadonlySet<string>): readonly Mistake[] {
  return [
    ...aliasMistakes(definition),
    ...messageMapMistakes(definition, definition.message_map, ['message_map']),
    ...definition.phases.flatMap((phase, index) => messageMapMistakes(definition, phase.message_map, ['phases', index, 'message_map'])),
    ...Object.entries(definition.processors).filter(([name]) => !doubtful.has(name)).flatMap(([name, processor]) => tableFilterMistakes(name, processor)),
    ...tablesMistakes(definition),
  ];
}

/** A name in a message means one processor. */
function aliasMistakes({ processors }: PipelineDefinition): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const owners = new Map<string, string>();
  for (const [name, { aliases = [] }] of Object.entries(processors)) {
    for (const [index, alias] of aliases.entries()) {
      const path = ['processors', name, 'aliases', index];
      const owner = owners.get(alias);
      if (alias === name) mistakes.push({ path, what: `${name} is its own alias`, received: shown(alias), allowed: 'other names', hint: 'remove it' });
      else if (Object.hasOwn(processors, alias)) mistakes.push({ path, what: `the alias ${alias} of ${name} is the name of a processor`, received: shown(alias), allowed: 'a name that means one processor', hint: 'remove it, or rename that processor' });
      else if (owner === name) mistakes.push({ path, what: `${name} has the alias ${alias} twice`, received: shown(alias), allowed: 'each alias once', hint: 'remove one' });
      else if (owner !== undefined) mistakes.push({ path, what: `${owner} and ${name} have the alias ${alias}`, received: shown(alias), allowed: 'a name that means one processor', hint: 'remove it from one of them' });
      else owners.set(alias, name);
    }
  }
  return mistakes;
}

function messageMapMistakes({ phases, processors }: PipelineDefinition, map: MessageMapDefinition | undefined, path: readonly PropertyKey[]): readonly Mistake[] {
  if (!map) return [];
  const names = phases.map((phase) => phase.name);
  const mistakes: Mistake[] = [...caseMistakes(map.statuses, [...path, 'statuses'])];
  for (const [theirs, ours] of Object.entries(map.phases ?? {})) {
    if (!names.includes(ours)) mistakes.push({ path: [...path, 'phases', theirs], what: `unknown phase ${ours}`, received: shown(ours), allowed: enumerated(names), hint: suggestion(ours, names, 'name a phase of this pipeline') });
  }
  for (const [index, ignored] of (map.ignore ?? []).entries()) {
    const known = Object.entries(processors).find(([name, { aliases = [] }]) => name === ignored || aliases.includes(ignored))?.[0];
    if (known !== undefined) mistakes.push({ path: [...path, 'ignore', index], what: `messages of ${ignored} would be ignored, which is ${known}`, received: shown(ignored), allowed: 'names that mean no processor of this pipeline', hint: 'remove it' });
  }
  return mistakes;
}

/** Statuses are compared letter case aside. */
function caseMistakes(statuses: Readonly<Record<string, string>> | undefined, path: readonly PropertyKey[]): readonly Mistake[] {
  const seen = new Map<string, readonly [string, string]>();
  const mistakes: Mistake[] = [];
  for (const [theirs, ours] of Object.entries(statuses ?? {})) {
    const other = seen.get(theirs.toLowerCase());
    if (other && other[1] !== ours) {
      mistakes.push({ path: [...path, theirs], at: 'key', what: `${other[0]} and ${theirs} are one status, letter case aside, and mean two`, received: `${other[1]} and ${ours}`, allowed: 'one meaning a status', hint: 'remove one' });
    }
    seen.set(theirs.toLowerCase(), [theirs, ours]);
  }
  return mistakes;
}

const COMPARABLE: Readonly<Partial<Record<ColumnType, string>>> = { STRING: 'string', INT64: 'number', BOOL: 'boolean' };

function tableFilterMistakes(name: string, processor: ProcessorDefinition): readonly Mistake[] {
  const { table_filter: filter, columns = {}, table } = processor;
  if (!filter) return [];
  const path = ['processors', name, 'table_filter'];
  if (table === undefined) return [{ path, what: `${name} shares no table`, received: 'table_filter with landing', allowed: 'table_filter together with table', hint: 'remove table_filter: a landing has files of one processor only' }];
  const mistakes: Mistake[] = [];
  const type = Object.hasOwn(columns, filter.column) ? columns[filter.column] : undefined;
  const comparable = Object.keys(columns).filter((column) => COMPARABLE[columns[column] ?? 'DATE'] !== undefined);
  if (type === undefined) {
    mistakes.push({ path: [...path, 'column'], what: `unknown column ${filter.column} of ${name}`, received: shown(filter.column), allowed: enumerated(comparable), hint: suggestion(filter.column, comparable, 'add it to columns') });
  } else if (COMPARABLE[type] !== typeof filter.equals) {
    const fits = COMPARABLE[type] === undefined ? 'a column of type STRING, INT64 or BOOL' : `a value of type ${type}`;
    mistakes.push({ path: [...path, 'equals'], what: `${filter.column} is ${type} and cannot equal ${shown(filter.equals)}`, received: `${shown(filter.equals)} (${typeof filter.equals})`, allowed: fits, hint: 'write a value of its type, or name another column' });
  }
  const { googleTarget } = targetsOf(processor.target);
  if (googleTarget && 'bigquery_sql' in googleTarget) {
    mistakes.push({
      path: ['processors', name, 'target'], what: `${name} shares its table and cannot be written by the engine: promoting a date replaces its whole partition, the other service's rows too`,
      received: `bigquery_sql ${googleTarget.bigquery_sql} with table_filter`, allowed: 'http, cloud_run_job or pubsub: services that write their own rows', hint: 'choose one of these for google, or give it a table of its own',
    });
  }
  return mistakes;
}

/** What is written beside the processors' tables is nobody else's; the team's own history is only read. */
function tablesMistakes(definition: PipelineDefinition): readonly Mistake[] {
  const given: TablesDefinition = definition.tables;
  const { run_history: runHistory, backfill_requests: requests, staging_dataset: staging } = tablesOf(definition);
  const mistakes: Mistake[] = [];
  const at = (key: keyof TablesDefinition): readonly PropertyKey[] => (given[key] === undefined ? ['tables'] : ['tables', key]);
  const filled = new Map(Object.entries(definition.processors).flatMap(([name, { table }]) => (table === undefined ? [] : [[table.toLowerCase(), name] as const])));
  for (const [key, table] of [['run_history', runHistory], ['backfill_requests', requests]] as const) {
    const owner = filled.get(table.toLowerCase());
    if (owner !== undefined) mistakes.push({ path: at(key), what: `${table} is filled by ${owner} and cannot hold ${key} too`, received: table, allowed: 'a table of its own', hint: `name another table for ${key}` });
    if (given.history_view?.table.toLowerCase() === table.toLowerCase()) {
      mistakes.push({ path: ['tables', 'history_view', 'table'], what: `${table} is written by this system as ${key}, and the team's own history is only read`, received: table, allowed: "the team's table, or a view of it", hint: `name another table for ${key} under tables` });
    }
  }
  if (runHistory.toLowerCase() === requests.toLowerCase()) mistakes.push({ path: at('backfill_requests'), what: 'run_history and backfill_requests are one table', received: requests, allowed: 'a table for each', hint: 'name another' });
  const inStaging = Object.entries(definition.processors).find(([, { table }]) => table?.split('.')[0]?.toLowerCase() === staging.toLowerCase());
  if (inStaging) mistakes.push({ path: at('staging_dataset'), what: `${inStaging[0]} fills a table of the staging dataset, whose tables are thrown away`, received: `${inStaging[1].table} in ${staging}`, allowed: 'a dataset of its own', hint: 'name another staging_dataset' });
  return [...mistakes, ...caseMistakes(given.history_view?.statuses, ['tables', 'history_view', 'statuses'])];
}
