import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { addDays, formatDay, type Day } from '../../shared/calendar/day.ts';
import { InputError } from '../../shared/failures/errors.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { StagePlan } from '../../shared/staged/plan.ts';
import { isAskedFor, takesProcessor, type Asked } from '../../shared/staged/record.ts';
import { errorPolicies, type BackfillDefinition } from '../../shared/staged/schema.ts';
import type { Io } from '../output/io.ts';
import { dayList, range } from '../output/words.ts';
import { definitionNamed, type DefinitionsPlace } from './backfill-definition.ts';
import { checkScope, commonOptions, readDates, readProcessors, readScope, readStartReason } from './options.ts';

/** What the options of `backfill start` ask for. */

/** A number that an option is given, as people write it. */
function number(name: string, least: number, most: number, whole: boolean, example: number) {
  const allowed = `allowed is a ${whole ? 'whole number' : 'number'} from ${least} to ${most}; write for example --${name} ${example}`;
  return z.string().transform((text, { addIssue }) => {
    const value = (whole ? /^\d+$/ : /^\d+(\.\d+)?$/).test(text.trim()) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) addIssue({ code: 'custom', message: `received --${name} '${text}'; ${allowed}` });
    return value;
  }).optional();
}

export const startOptions = commonOptions.extend({
  definition: z.string().optional(), reprocess: z.enum(['none', 'failed', 'completed']).default('none'), datesFile: z.string().optional(), exclude: z.string().optional(), concurrency: number('concurrency', 1, 100, true, 4),
  onlyMissing: z.boolean().default(false), delay: number('delay', 0, 86_400, false, 30), errorPolicy: z.enum(errorPolicies).optional(), maxFailures: number('max-failures', 1, 1_000_000, true, 10), ramp: z.boolean().default(false),
  join: z.string().optional(), reason: z.string().optional(), dryRun: z.boolean().default(false), detach: z.boolean().default(false),
  plan: z.string().regex(/^[0-9a-f]{12}$/, { error: ({ input }) => `received --plan '${String(input)}', which is no plan's digest; allowed is the one that a dry run prints; leave it out where there is none` }).optional(),
}).refine(({ onlyMissing, reprocess }) => !onlyMissing || reprocess === 'none', { error: 'received --only-missing and --reprocess, which contradict each other; allowed is one of them; leave one out' });
export type StartOptions = z.infer<typeof startOptions>;

/** What was asked for, as far as the options alone tell it. */
export interface StartAsk {
  readonly definition: BackfillDefinition;
  readonly processors: string[] | null;
  /** These dates only, ascending; null: all of the range. */
  readonly dates: readonly Day[] | null;
  readonly exclude: readonly Day[];
}

/** Refuses what can be seen to be wrong before anything is opened. */
export function readStart(options: StartOptions, place: DefinitionsPlace): StartAsk {
  const { pipeline, io } = place;
  readStartReason(options);
  const definition = definitionNamed(place, options.definition);
  const other = (['season', 'from', 'to'] as const).find((name) => options[name] !== undefined);
  if (options.datesFile !== undefined && other !== undefined) throw new InputError(`received --dates-file with --${other}; allowed is one of them: the file says which dates; leave one of the two out`);
  if (options.to !== undefined && options.from === undefined && options.season === undefined) throw new InputError(`received --to ${options.to} without a first date; allowed are --season NAME, --from DATE with --to DATE, and --dates-file FILE; add --from`);
  if (options.datesFile === undefined && other === undefined) throw new InputError('received no dates; allowed are --season NAME, --from DATE with --to DATE, and --dates-file FILE; give one of them');
  checkScope(options, pipeline);
  const processors = readProcessors(options, pipeline);
  const ask = {
    definition, processors: processors && [...processors],
    dates: options.datesFile === undefined ? null : readDatesFile(options.datesFile, io, pipeline),
    exclude: options.exclude === undefined ? [] : daysOf(options.exclude, pipeline),
  };
  const phases = new Set(definition.stages.flatMap((stage) => stage.phases));
  if (!pipeline.processors.some(({ name, phase }) => phases.has(phase.name) && takesProcessor(ask, name))) throw new InputError(`received --phase or --processor of which the definition ${definition.name} has none; allowed are processors of ${[...phases].join(', ')}; leave it out for all of them`);
  if (options.delay !== undefined && definition.stages.every((stage) => stage.order !== 'by_date')) throw new InputError(`received --delay ${options.delay}, and no stage of ${definition.name} goes date by date, so that there is nothing to wait between; allowed is --delay where a stage has order: by_date; leave it out`);
  return ask;
}

/** What is asked for now: without live dates, which belong to daily work. `tell` is told what of it comes to nothing. */
export function askedBy(options: StartOptions, { processors, dates, exclude }: StartAsk, facts: { readonly pipeline: Pipeline; readonly today: Day; readonly now: number; readonly by: string; readonly tell: (text: string) => void }): Asked {
  const { pipeline, today, tell } = facts;
  const [first] = dates ?? [];
  const last = dates?.at(-1);
  const scope = first !== undefined && last !== undefined ? { from: first, to: last } : readScope(options, pipeline, today);
  const lastOld = addDays(today, -pipeline.settings.live_days - 1);
  if (scope.from > lastOld) throw new InputError(`received dates from ${formatDay(scope.from)} on, which are live: daily work has the last ${pipeline.settings.live_days} days, and a backfill none of them; allowed are dates up to ${formatDay(lastOld)}; for live ones: smart-backfill recover`);
  if (scope.to > lastOld) tell(`note: it ends with ${formatDay(lastOld)}: later dates are live, and daily work has them`);
  const taken = { from: scope.from, to: scope.to > lastOld ? lastOld : scope.to, dates: dates && [...dates] };
  const beside = exclude.filter((day) => !isAskedFor({ ...taken, exclude: [] }, day));
  if (beside.length > 0) tell(`note: --exclude names ${dayList(beside)}, which is not asked for anyway`);
  const asked: Asked = {
    ...taken, processors, exclude: [...exclude], reprocess: options.reprocess, concurrency: options.concurrency ?? null, delaySeconds: options.delay ?? null,
    errorPolicy: options.errorPolicy ?? null, maxFailures: options.maxFailures ?? null, ...(options.ramp ? { ramp: true } : {}), ...(options.join === undefined ? {} : { join: options.join }), by: facts.by, reason: readStartReason(options), at: facts.now,
  };
  for (let day: number = asked.from; day <= asked.to; day += 1) if (isAskedFor(asked, addDays(asked.from, day - asked.from))) return asked;
  throw new InputError(`received dates of which none is left (${formatDay(asked.from)} to ${formatDay(asked.to)}, without those excluded); allowed is at least one date; give another range, or exclude less`);
}

/** Of dates on which nothing is expected no gate would ever be passed. What is joined may fill the calendar first. */
export function refuseEmpty(plans: readonly Pick<StagePlan, 'cells' | 'leftOut'>[], { name }: Pick<BackfillDefinition, 'name'>, asked: Pick<Asked, 'from' | 'to' | 'join'>): void {
  if (asked.join !== undefined || plans.some(({ cells, leftOut }) => cells.length + leftOut.length > 0)) return;
  const dates = ['--from', formatDay(asked.from), '--to', formatDay(asked.to)].join(' ');
  throw new InputError(`received dates on which nothing is expected of what ${name} runs here (${range(asked.from, asked.to)}); allowed are dates that the calendar expects, and what fills the calendar; to see them: smart-backfill pipeline show ${dates}; where the schedule is not there yet: smart-backfill gaps ${dates}`);
}

function readDatesFile(file: string, { cwd }: Pick<Io, 'cwd'>, pipeline: Pipeline): Day[] {
  const path = resolve(cwd, file);
  if (!existsSync(path)) throw new InputError(`received --dates-file ${file}, which is not there; allowed is a file with dates or ranges such as 2023-11-10..2023-11-15, one a line; correct the path`);
  if (statSync(path).isDirectory()) throw new InputError(`received --dates-file ${file}, which is a folder; allowed is a file with dates or ranges, one a line; correct the path`);
  const days = readFileSync(path, 'utf8').split(/\r\n?|\n/).flatMap((line, at): Day[] => {
    const words = line.replace(/#.*$/, '').trim();
    if (words === '') return [];
    try {
      return daysOf(words, pipeline);
    } catch (error) {
      throw error instanceof InputError ? new InputError(`${file}, line ${at + 1}: ${error.message}`) : error;
    }
  });
  if (days.length === 0) throw new InputError(`received --dates-file ${file}, which names no date; allowed are dates and ranges such as 2023-11-10..2023-11-15, one a line; write at least one`);
  return unique(days);
}

function unique(days: readonly Day[]): Day[] {
  return [...new Set(days)].sort((a, b) => a - b);
}

function daysOf(text: string, pipeline: Pipeline): Day[] {
  return unique(readDates(text, pipeline).flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => addDays(from, index))));
}
