import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { dayOf, formatDay, parseDay, startOfDay, type Day } from '../../shared/calendar/day.ts';
import { InputError } from '../../shared/failures/errors.ts';
import type { Scope } from '../../shared/gaps/detect.ts';
import { processorNamed } from '../../shared/pipeline/adoption.ts';
import { suggestion } from '../../shared/pipeline/nearest.ts';
import type { Pipeline, Processor, Season } from '../../shared/pipeline/pipeline.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { quoted, range } from '../output/words.ts';
import { runtimeNames, type RuntimeName } from '../runtime/runtime.ts';

/** Options and operands as people type them, checked: every refusal says what was received, what is allowed, what to do. */

export const commonOptions = z.object({
  pipeline: z.string().optional(),
  state: z.string().optional(),
  runtime: z.string().default('embedded'),
  from: z.string().optional(),
  to: z.string().optional(),
  season: z.string().optional(),
  phase: z.string().optional(),
  processor: z.string().optional(),
  json: z.boolean().default(false),
  yes: z.boolean().default(false),
  now: z.string().optional(),
  quiet: z.boolean().default(false),
  logLevel: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
});
export type CommonOptions = z.infer<typeof commonOptions>;

const DEFAULT_PIPELINE = join('pipelines', 'nba');
const DEFAULT_STATE = '.smart-backfill';
const PROJECT = resolve(import.meta.dirname, '../..');

/** The pipeline's folder: as given, else pipelines/nba here, else the one that ships with the program. */
export function pipelineDirectory(options: Pick<CommonOptions, 'pipeline'>, cwd: string): string {
  if (options.pipeline !== undefined) return resolve(cwd, options.pipeline);
  const here = resolve(cwd, DEFAULT_PIPELINE);
  return existsSync(here) ? here : join(PROJECT, DEFAULT_PIPELINE);
}

/** The folder of the definition: as given, else as the functions are told. */
export function googlePipeline(options: Pick<CommonOptions, 'pipeline'>, environment: Readonly<Record<string, string | undefined>>): string | undefined {
  return options.pipeline ?? (environment['PIPELINE_DIR'] || undefined);
}

/** An option that is there and empty, as `--state "$UNSET"` is: the current folder is not what was meant. */
export function checkPlaces(options: Pick<CommonOptions, 'pipeline' | 'state'>): void {
  for (const name of ['pipeline', 'state'] as const) {
    if (options[name]?.trim() === '') throw new InputError(`received --${name} '', which names no folder; allowed is a path; leave --${name} out for ${name === 'state' ? DEFAULT_STATE : DEFAULT_PIPELINE}`);
  }
}

export function stateDirectory(options: Pick<CommonOptions, 'state'>, cwd: string): string {
  return resolve(cwd, options.state ?? DEFAULT_STATE);
}

export function checkRuntime(options: Pick<CommonOptions, 'runtime' | 'state'>): void {
  if (!isRuntimeName(options.runtime)) throw new InputError(`received --runtime '${options.runtime}'; allowed are ${runtimeNames.join(', ')}; ${suggestion(options.runtime, runtimeNames, 'leave --runtime out for embedded')}`);
  if (options.runtime === 'google' && options.state !== undefined) {
    throw new InputError(`received --state ${options.state} with --runtime google, whose state is in Firestore and not in a folder; allowed is --state with --runtime embedded; leave one of the two out`);
  }
}

function isRuntimeName(name: string): name is RuntimeName {
  return runtimeNames.some((known) => known === name);
}

/** Refuses what only the embedded runtime does; `instead` says what does it on Google. */
export function embeddedOnly(options: Pick<CommonOptions, 'runtime' | 'state'>, command: string, instead: string): void {
  checkRuntime(options);
  if (options.runtime === 'google') throw new InputError(`received ${command} with --runtime google; allowed is --runtime embedded; on Google ${instead}`);
}

/** The options that say where a command works, as they were given: what a printed command needs to mean the same. */
export function placeOf(options: Pick<CommonOptions, 'pipeline' | 'state' | 'runtime' | 'now'>): string[] {
  return [
    ...(options.pipeline === undefined ? [] : ['--pipeline', quoted(options.pipeline)]),
    ...(options.state === undefined ? [] : ['--state', quoted(options.state)]),
    ...(options.runtime === 'google' ? ['--runtime', 'google'] : []),
    ...(options.now === undefined ? [] : ['--now', quoted(options.now)]),
  ];
}

/** A game date. `what` names the option or operand it was given for. */
export function readDay(text: string, what: string): Day {
  const day = parseDay(text.trim());
  if (day === undefined) throw new InputError(`received ${what} '${text}', which is no date; allowed is a date of the calendar as YYYY-MM-DD; write for example 2023-11-15`);
  return day;
}

export interface DateRange {
  readonly from: Day;
  readonly to: Day;
}

/** `2023-11-15`, `2023-11-10..2023-11-15`, or several of both, separated by commas. */
export function readDates(text: string, pipeline: Pipeline): DateRange[] {
  const ranges = text.split(',').map((part) => {
    const ends = part.split('..');
    const [first = '', last = first] = ends;
    if (ends.length > 2) throw new InputError(`received the dates '${part}'; allowed are a date, or a range such as 2023-11-10..2023-11-15; separate several by commas`);
    const found = { from: readDay(first, 'the date'), to: readDay(last, 'the date') };
    checkOrder(found, `${formatDay(found.to)}..${formatDay(found.from)}`);
    checkInCalendar(found, pipeline);
    return found;
  });
  return ranges.sort((a, b) => a.from - b.from);
}

/** The one date that a command is about. */
export function readOneDate(text: string, pipeline: Pipeline): Day {
  const [found, ...more] = readDates(text, pipeline);
  if (found && more.length === 0 && found.from === found.to) return found.from;
  throw new InputError(`received the dates '${text}'; allowed is one date; give one as YYYY-MM-DD`);
}

function checkOrder({ from, to }: DateRange, meant: string): void {
  if (to < from) throw new InputError(`received the dates ${formatDay(from)} to ${formatDay(to)}; the last may not be before the first; did you mean ${meant}?`);
}

function checkInCalendar({ from, to }: DateRange, pipeline: Pipeline): void {
  const first = pipeline.seasons[0];
  const last = pipeline.seasons.at(-1);
  if (!first || !last) return;
  const allowed = `allowed are dates of its seasons: ${pipeline.seasons.map((season) => `${season.name} (${range(season.from, season.to)})`).join(', ')}`;
  if (from < first.from || to > last.to) throw new InputError(`received ${range(from, to)}, which is not within the calendar of ${pipeline.name}; ${allowed}; give dates within them`);
  if (!pipeline.seasons.some((season) => season.from <= to && season.to >= from)) {
    throw new InputError(`received ${range(from, to)}, which is between the seasons of ${pipeline.name}; ${allowed}; give dates within them`);
  }
}

function readSeason(name: string, pipeline: Pipeline): Season {
  const season = pipeline.seasons.find((candidate) => candidate.name === name);
  if (season) return season;
  const names = pipeline.seasons.map((candidate) => candidate.name);
  throw new InputError(`received the season '${name}', which the calendar does not have; allowed are ${names.join(', ')}; ${suggestion(name, names, 'give one of them')}`);
}

export function readProcessor(name: string, pipeline: Pipeline): Processor {
  // An alias may be bound to the targets of another runtime: the name decides.
  const processor = pipeline.byName.get(processorNamed(pipeline, name.trim())?.name ?? '');
  if (processor) return processor;
  const names = [...pipeline.byName.keys()];
  throw new InputError(`received the processor '${name}', which the pipeline ${pipeline.name} does not have; ${ended(suggestion(name, names, 'see: smart-backfill pipeline show'))} allowed are ${names.join(', ')}`);
}

/** A hint with what ends it, where more follows. */
export function ended(hint: string): string {
  return /[.?!]$/.test(hint) ? hint : `${hint};`;
}

/** Processor names of `--phase` and `--processor`; null is every one. */
export function readProcessors(options: Pick<CommonOptions, 'phase' | 'processor'>, pipeline: Pipeline): ReadonlySet<string> | null {
  const named = options.processor?.split(',').map((name) => readProcessor(name, pipeline).name) ?? null;
  const phases = options.phase?.split(',').map((name) => readPhase(name, pipeline)) ?? null;
  if (!phases) return named && new Set(named);
  const ofPhases = new Set(phases.flatMap((phase) => phase.processors));
  if (!named) return ofPhases;
  const both = named.filter((name) => ofPhases.has(name));
  if (both.length === 0) throw new InputError(`received --processor ${options.processor ?? ''} and --phase ${options.phase ?? ''}, which have nothing in common; allowed are processors of that phase: ${[...ofPhases].join(', ')}; leave one of the two out`);
  return new Set(both);
}

export function readPhase(name: string, pipeline: Pipeline): Pipeline['phases'][number] {
  const wanted = name.trim();
  const phase = pipeline.phases.find((candidate) => candidate.name === wanted);
  if (phase) return phase;
  const names = pipeline.phases.map((candidate) => candidate.name);
  throw new InputError(`received the phase '${name}', which the pipeline ${pipeline.name} does not have; allowed are ${names.join(', ')}; ${suggestion(wanted, names, 'give one of them')}`);
}

/** Refuses what can be seen to be wrong before anything is opened. */
export function checkScope(options: CommonOptions, pipeline: Pipeline): void {
  readScope(options, pipeline, pipeline.seasons[0]?.from ?? dayOf('1970-01-01'));
}

/** Which cells a command is about. Without dates: the season that `today` is in, or the newest that has begun. */
export function readScope(options: CommonOptions, pipeline: Pipeline, today: Day): Scope {
  const given = {
    from: options.from === undefined ? null : readDay(options.from, '--from'),
    to: options.to === undefined ? null : readDay(options.to, '--to'),
  };
  const season = options.season === undefined ? seasonFor(pipeline, given.to ?? given.from ?? today) : readSeason(options.season, pipeline);
  const from = given.from ?? season.from;
  const to = given.to ?? (given.from !== null && given.from > season.to ? given.from : season.to);
  checkOrder({ from, to }, `--from ${formatDay(to)} --to ${formatDay(from)}`);
  checkInCalendar({ from, to }, pipeline);
  if (options.season !== undefined && (from < season.from || to > season.to)) {
    throw new InputError(`received --season ${season.name} and the dates ${range(from, to)}, which are not within it; allowed are ${range(season.from, season.to)}; leave one of the two out`);
  }
  return { from, to, processors: readProcessors(options, pipeline) };
}

/** The season that a day is in, else the newest that has begun, else the first. */
function seasonFor(pipeline: Pipeline, day: Day): Season {
  const [first] = pipeline.seasons;
  const season = pipeline.seasons.filter((candidate) => candidate.from <= day).at(-1) ?? first;
  return season ?? { name: '', from: day, to: day };
}

/** `--now`: an instant, or a date for noon of it in the pipeline's zone. Null is the machine's time. */
export function readNow(text: string | undefined, timeZone: string): number | null {
  if (text === undefined) return null;
  const day = parseDay(text);
  if (day !== undefined) return startOfDay(day, timeZone) + 12 * 3_600_000;
  const at = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new InputError(`received --now '${text}', which is no time; allowed are 2023-11-16T12:00:00Z, or a date for noon of it; leave it out for the machine's time`);
  return at;
}

/** The words behind PROCESSOR DATES as cells; a date that nothing is expected on is refused. */
export function cellsOf(processor: Processor, ranges: readonly DateRange[], expected: (from: Day, to: Day) => readonly Day[]): CellKey[] {
  return ranges.flatMap(({ from, to }) => {
    const days = expected(from, to);
    if (days.length === 0) throw new InputError(`received ${range(from, to)}, on which ${processor.name} is not expected to have data; allowed are its expected dates; to see them: smart-backfill pipeline show --processor ${processor.name} --from ${formatDay(from)} --to ${formatDay(to)}`);
    return days.map((day) => ({ processor: processor.name, day }));
  });
}

/** A reason that a person has to give. */
export function readReason(reason: string | undefined, verb: string): string {
  const text = oneLine(reason);
  if (text === '') throw new InputError(`received no reason; ${verb} is recorded with who and why; add --reason "…"`);
  return text;
}

/** Why a backfill is started. On Google, where a team looks at it, nobody starts one without; a dry run starts none. */
export function readStartReason({ runtime, reason, dryRun }: Pick<CommonOptions, 'runtime'> & { readonly reason?: string; readonly dryRun: boolean }): string {
  return runtime === 'google' && !dryRun ? readReason(reason, 'starting a backfill') : oneLine(reason);
}

/** It stands in lists, tables and journals. */
export function oneLine(reason: string | undefined): string {
  return reason?.trim().replaceAll(/\s+/g, ' ') ?? '';
}

/** The options that say which cells a command is about, as they were given: for a command to print. */
export function scopeWords(options: Pick<CommonOptions, 'from' | 'to' | 'season' | 'phase' | 'processor'>): string[] {
  return (['from', 'to', 'season', 'phase', 'processor'] as const).flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
}
