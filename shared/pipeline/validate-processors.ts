import { suggestion } from './nearest.ts';
import { enumerated, shown, type Mistake } from './problems.ts';
import type { PipelineDefinition, ProcessorDefinition, TargetDefinition } from './schema.ts';
import { isEmbeddedOnly, isSqlPath } from './targets.ts';

/** What each processor says of itself: its output, its columns, its expectations, its target. */
export function processorMistakes(definition: PipelineDefinition, doubtful: ReadonlySet<string>): readonly Mistake[] {
  const judged = Object.entries(definition.processors).filter(([name]) => !doubtful.has(name));
  return [
    ...judged.flatMap(([name, processor]) => [
      ...phaseOf(name, processor, definition),
      ...outputMistakes(name, processor),
      ...columnMistakes(name, processor),
      ...calendarNeeds(name, processor, definition),
      ...targetMistakes(name, processor),
    ]),
    ...sharedOutputs(judged),
  ];
}

function phaseOf(name: string, { phase }: ProcessorDefinition, { phases }: PipelineDefinition): readonly Mistake[] {
  const names = phases.map((known) => known.name);
  if (names.includes(phase)) return [];
  return [{ path: ['processors', name, 'phase'], what: `unknown phase ${phase}`, received: shown(phase), allowed: enumerated(names), hint: suggestion(phase, names, 'name a phase of this pipeline') }];
}

function outputMistakes(name: string, { table, landing, columns }: ProcessorDefinition): readonly Mistake[] {
  const path = ['processors', name];
  const allowed = 'either table: dataset.table, or landing: folder';
  if (table !== undefined && landing !== undefined) return [{ path: [...path, 'landing'], what: `${name} has two outputs`, received: `table ${table} and landing ${landing}`, allowed, hint: 'remove one' }];
  if (table === undefined && landing === undefined) return [{ path, what: `${name} has no output`, received: 'neither table nor landing', allowed, hint: 'add one' }];
  if (table === undefined || Object.keys(columns ?? {}).length > 0) return [];
  return [{ path: [...path, 'table'], what: `${name} fills a table and names no columns`, received: columns ? 'no column' : 'nothing', allowed: 'columns: a mapping of each column to its type', hint: 'add columns, as {game_date: DATE, …}' }];
}

function columnMistakes(name: string, processor: ProcessorDefinition): readonly Mistake[] {
  const { columns } = processor;
  if (!columns) return [];
  const path = ['processors', name];
  const names = Object.keys(columns);
  const mistakes: Mistake[] = [];
  const check = (column: string, where: readonly PropertyKey[]): void => {
    if (Object.hasOwn(columns, column)) return;
    mistakes.push({ path: [...path, ...where], what: `unknown column ${column} of ${name}`, received: shown(column), allowed: enumerated(names), hint: suggestion(column, names, 'add it to columns') });
  };
  for (const [index, column] of processor.key.entries()) check(column, ['key', index]);
  for (const [index, column] of processor.expectations.required.entries()) check(column, ['expectations', 'required', index]);
  for (const [index, column] of processor.volatile.entries()) check(column, ['volatile', index]);
  check(processor.date_column, ['date_column']);
  const dateType = Object.hasOwn(columns, processor.date_column) ? columns[processor.date_column] : undefined;
  if (dateType !== undefined && dateType !== 'DATE') {
    mistakes.push({ path: [...path, 'columns', processor.date_column], what: `the date column ${processor.date_column} is no date`, received: dateType, allowed: 'DATE', hint: 'make it DATE, or name another date_column' });
  }
  for (const [index, column] of processor.volatile.entries()) {
    const isKey = processor.key.includes(column);
    if (!isKey && column !== processor.date_column) continue;
    mistakes.push({ path: [...path, 'volatile', index], what: `${column} is part of the ${isKey ? 'key' : 'date'} and cannot be volatile`, received: shown(column), allowed: 'columns that do not count, as processed_at', hint: 'remove it from volatile' });
  }
  for (const [index, column] of names.entries()) {
    const same = names.slice(0, index).find((other) => other.toLowerCase() === column.toLowerCase());
    if (same !== undefined) mistakes.push({ path: [...path, 'columns', column], at: 'key', what: `columns ${same} and ${column} differ in case only`, received: shown(column), allowed: 'names that differ in more than case', hint: 'rename one' });
  }
  return mistakes;
}

function calendarNeeds(name: string, processor: ProcessorDefinition, { calendar: { schedule } }: PipelineDefinition): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const path = ['processors', name];
  if (processor.only && schedule?.narrow_by === undefined) {
    mistakes.push({ path: [...path, 'only'], what: `${name} narrows a calendar that has nothing to narrow by`, received: `only: ${enumerated(processor.only)}`, allowed: 'only together with calendar.schedule.narrow_by', hint: 'add narrow_by to calendar.schedule, or remove only' });
  }
  const perGame = processor.expectations.min_rows_per_game;
  if (perGame !== undefined && !schedule) {
    mistakes.push({ path: [...path, 'expectations', 'min_rows_per_game'], what: `${name} counts rows a game in a calendar without games`, received: String(perGame), allowed: 'min_rows_per_game together with calendar.schedule', hint: 'add calendar.schedule, or use min_rows' });
  }
  return mistakes;
}

/** The longest that an HTTP target may take: Pub/Sub waits at most 600 s, and the answer must be recorded in it. */
const MOST_HTTP_SECONDS = 480;

function targetMistakes(name: string, processor: ProcessorDefinition): readonly Mistake[] {
  const { target } = processor;
  const path = ['processors', name, 'target'];
  const split = 'embedded' in target;
  const forms: readonly (readonly [readonly PropertyKey[], TargetDefinition])[] = split
    ? [[[...path, 'embedded'], target.embedded], ...(target.google ? [[[...path, 'google'], target.google] as const] : [])]
    : [[path, target]];
  const mistakes: Mistake[] = [];
  const refuse = (where: readonly PropertyKey[], what: string, received: string, allowed: string, hint: string): void => {
    mistakes.push({ path: where, what, received, allowed, hint });
  };
  for (const [where, form] of forms) {
    if ('bigquery_sql' in form) {
      const file = form.bigquery_sql;
      const at = [...where, 'bigquery_sql'];
      if (processor.landing !== undefined) refuse(at, `${name} lands files, which no SQL can`, shown(file), 'in_process, command, http, cloud_run_job, pubsub', 'choose another target, or fill a table');
      if (!isSqlPath(file)) refuse(at, `${shown(file)} is no .sql file of this folder`, shown(file), "a path below the definition's folder that ends in .sql", `write for example sql/${name}.sql`);
    }
    if ('http' in form) {
      if (typeof form.http === 'string' && !/^https?:\/\/[^\s/]/.test(form.http)) refuse([...where, 'http'], `${shown(form.http)} is no address`, shown(form.http), 'https://…, or {service: name, path: /…}', 'write the address of the service');
      if (processor.timeout_seconds > MOST_HTTP_SECONDS) refuse([...path.slice(0, 2), 'timeout_seconds'], `an http target cannot take ${processor.timeout_seconds} s`, String(processor.timeout_seconds), `at most ${MOST_HTTP_SECONDS}`, 'shorten it, or use cloud_run_job or pubsub');
    }
  }
  if (!split) return mistakes;
  if (target.google && isEmbeddedOnly(target.google)) refuse([...path, 'google'], "this target exists in the embedded runtime only", shown(target.google), 'bigquery_sql, http, cloud_run_job, pubsub', 'choose another target for google');
  if ('cloud_run_job' in target.embedded) refuse([...path, 'embedded'], 'there are no Cloud Run jobs in the embedded runtime', shown(target.embedded), 'bigquery_sql, in_process, command, http, pubsub', 'choose another target for embedded');
  if (target.google && 'bigquery_sql' in target.google && 'bigquery_sql' in target.embedded && target.google.bigquery_sql !== target.embedded.bigquery_sql) {
    refuse([...path, 'google', 'bigquery_sql'], 'the runtimes have different SQL', `${target.embedded.bigquery_sql} and ${target.google.bigquery_sql}`, 'one .sql file, which runs in both', 'write target: {bigquery_sql: …} once');
  }
  return mistakes;
}

function sharedOutputs(processors: readonly (readonly [string, ProcessorDefinition])[]): readonly Mistake[] {
  const owners = new Map<string, [string, ProcessorDefinition][]>();
  const mistakes: Mistake[] = [];
  for (const [name, processor] of processors) {
    for (const field of ['table', 'landing'] as const) {
      const value = processor[field];
      if (value === undefined) continue;
      // DuckDB's names know no case.
      const output = `${field} ${value.toLowerCase()}`;
      const others = owners.get(output) ?? [];
      // One mistake a processor: the first other that it can't share with.
      mistakes.push(...others.flatMap((other) => sharing(field, value, other, [name, processor])).slice(0, 1));
      owners.set(output, [...others, [name, processor]]);
    }
  }
  return mistakes;
}

type Named = readonly [string, ProcessorDefinition];

/** Two processors share a table only where each says which rows are its own. */
function sharing(field: 'table' | 'landing', value: string, [owner, first]: Named, [name, second]: Named): readonly Mistake[] {
  const path = ['processors', name];
  const [one, other] = [first.table_filter, second.table_filter];
  if (field === 'landing' || !one || !other) {
    const lacks = one ? name : other ? owner : 'each';
    return [{
      path: [...path, field], what: `${field} ${value} is filled by two processors`, received: `${owner} and ${name}`, allowed: field === 'landing' ? 'one processor a landing' : 'one processor a table, or a table_filter on each',
      hint: field === 'landing' ? 'name another landing' : `name another table, or say by table_filter which rows ${lacks} fills`,
    }];
  }
  if (one.column !== other.column) return [{ path: [...path, 'table_filter', 'column'], what: `${owner} and ${name} share ${value} and tell their rows apart by two columns`, received: `${one.column} and ${other.column}`, allowed: `${one.column}, as ${owner} has`, hint: 'name one column: a row could be of both' }];
  if (one.equals === other.equals) return [{ path: [...path, 'table_filter', 'equals'], what: `${owner} and ${name} fill the same rows of ${value}`, received: `${other.column} ${shown(other.equals)} on both`, allowed: 'a value of its own', hint: 'name the value that the rows of each have' }];
  if (first.date_column !== second.date_column) return [{ path: [...path, 'date_column'], what: `${owner} and ${name} share ${value} and have two date columns`, received: `${first.date_column} and ${second.date_column}`, allowed: first.date_column, hint: 'a table is partitioned by one column: name that' }];
  const differing = [...new Set([...Object.keys(first.columns ?? {}), ...Object.keys(second.columns ?? {})])].filter((column) => first.columns?.[column] !== second.columns?.[column]);
  if (differing.length === 0) return [];
  return [{ path: [...path, 'columns'], at: 'key', what: `${owner} and ${name} share ${value} and declare other columns of it`, received: `${enumerated(differing)} on one of them only, or of two types`, allowed: "the table's columns, on both", hint: 'write them once with a YAML anchor (&columns, *columns)' }];
}
