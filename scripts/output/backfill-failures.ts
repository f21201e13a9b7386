import { formatDay } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import { skipOf, type BackfillRecord, type FailedCell } from '../../shared/staged/record.ts';
import { statusNow } from './backfill-json.ts';
import { markdownTable } from './markdown.ts';
import { kindOf } from './alike.ts';
import { count, counted, dayList, instant, span } from './words.ts';

const GROUPS_SHOWN = 60;

interface Told {
  /** Failures of one cell that say the same, the oldest first. */
  readonly times: readonly FailedCell[];
  readonly failure: FailedCell;
  readonly fate: Fate;
}

interface Fate {
  readonly text: string;
  /** The same, without what differs from cell to cell. */
  readonly kind: string;
}

/** Every failure of a backfill with its time, its category and what became of it, in Markdown; those that are alike are one line. */
export function failuresSection(record: BackfillRecord, world: World): string {
  const { failures, failuresLeftOut } = record;
  if (failures.length === 0) return 'None that retries did not mend.';
  const told = [...Map.groupBy(failures, (failure) => [cellKey(failure), likeness(failure)].join('\n')).values()].flatMap((times): Told[] => {
    const failure = times.at(-1);
    return failure === undefined ? [] : [{ times, failure, fate: fateOf(record, failure, statusNow(world, failure)) }];
  });
  const groups = [...Map.groupBy(told, ({ failure, fate }) => [likeness(failure), fate.text].join('\n')).values()];
  const rows = groups.slice(0, GROUPS_SHOWN).flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { failure, fate } = first;
    const days = new Set(group.map((one) => one.failure.day));
    const dates = days.size === 1 ? formatDay(failure.day) : `${counted(days.size, 'date')}: ${dayList([...days], 12)}`;
    return [[failure.stage, dates, failure.processor, failure.category, group.length === 1 ? failure.message : `${failure.message} (the first)`, failedAt(group), fate.text]];
  });
  return [
    `By category: ${sums(told, ({ failure }) => failure.category)}. What became of them: ${sums(told, ({ fate }) => fate.kind)}.`,
    markdownTable(['Stage', 'Dates', 'Processor', 'Category', 'What happened', 'Failed (UTC)', 'What became of it'], rows),
    ...(groups.length > GROUPS_SHOWN ? [`${count(groups.slice(GROUPS_SHOWN).reduce((sum, group) => sum + group.length, 0))} more are in the report’s JSON (--json).`] : []),
    ...(failuresLeftOut === 0 ? [] : [`${count(failuresLeftOut)} more found no room here: they are in the run history.`]),
  ].join('\n\n');
}

/** How many cells failed in spite of retries, how many were left out because of that, and how many of them are complete now, in a sentence. */
export function standing({ failures, failuresLeftOut }: BackfillRecord, world: World): string {
  const cells = [...Map.groupBy(failures, cellKey).values()];
  const left = cells.filter((of) => of.every(({ note, message }) => note !== '' && note === message)).length;
  const failed = cells.length - left;
  const complete = cells.filter(([cell]) => cell !== undefined && isThere(statusNow(world, cell))).length;
  const all = failures.length + failuresLeftOut;
  const times = all === cells.length ? '' : ` (${counted(all, 'time')} in all)`;
  const said = [...(failed === 0 ? [] : [`${counted(failed, 'cell')} failed in spite of retries`]), ...(left === 0 ? [] : [`${counted(left, 'cell')} ${left === 1 ? 'was' : 'were'} skipped for want of ${failed === 0 ? 'an input' : 'what had failed'}`])].join(', ');
  const now = cells.length === 1 ? `it is ${complete === 1 ? '' : 'not '}complete now` : complete === cells.length ? 'all of them are complete now' : complete === 0 ? 'none of them is complete now' : `${count(complete)} of them ${complete === 1 ? 'is' : 'are'} complete now`;
  return `${said}${times}; ${now}.`;
}

/** When, and how often where that is oftener than once a cell. */
function failedAt(group: readonly Told[]): string {
  const at = group.flatMap(({ times }) => times.map((failure) => failure.at));
  const [first, last] = [Math.min(...at), Math.max(...at)];
  const oftener = at.length === group.length ? '' : `, ${counted(at.length, 'time')}`;
  return `${first === last ? instant(first) : span(first, last)}${oftener}`;
}

function fateOf(record: BackfillRecord, failure: FailedCell, status: string | null): Fate {
  const { became, note, message } = failure;
  const skip = skipOf(record, failure.day);
  const now = status === null ? 'its processor is gone' : status === 'accepted' ? 'accepted by a person' : `${status.replaceAll('_', ' ')} now`;
  const alike = (text: string): Fate => ({ text, kind: text.replace(';', ',') });
  if (became === 'retried' && failedOtherwise(record, failure)) return alike('tried again; failed otherwise');
  if (skip && !isThere(status)) return alike(`date skipped by ${skip.by}`);
  if (became === 'skipped') return { text: `skipped${note === '' || note === message ? ', since what it reads is not there' : `: ${note}`}; ${now}`, kind: `skipped, ${now}` };
  return alike(`${became === 'retried' ? 'tried again' : isThere(status) ? 'mended since' : 'unresolved'}; ${now}`);
}

function isThere(status: string | null): boolean {
  return status === 'complete' || status === 'accepted';
}

/** Whether the cell failed later on, in another way: the line of that says what became of it. */
function failedOtherwise({ failures }: BackfillRecord, failure: FailedCell): boolean {
  const at = failures.indexOf(failure);
  return failures.some((other, index) => index > at && cellKey(other) === cellKey(failure));
}

function cellKey({ processor, day }: FailedCell): string {
  return `${processor} ${day}`;
}

/** Failures of the same kind, of whatever cell. */
function likeness({ stage, processor, category, message }: FailedCell): string {
  return [stage, processor, category, kindOf(message)].join('\n');
}

function sums(told: readonly Told[], of: (one: Told) => string): string {
  const groups = [...Map.groupBy(told, of)].sort(([, a], [, b]) => b.length - a.length);
  return groups.map(([what, list]) => (groups.length === 1 ? what : `${what} (${count(list.length)})`)).join('; ');
}
