import { formatDay } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import { skipOf, type BackfillRecord, type FailedCell } from '../../shared/staged/record.ts';
import { statusNow } from './backfill-json.ts';
import { markdownTable } from './markdown.ts';
import { count, counted, dayList } from './words.ts';

const GROUPS_SHOWN = 60;

interface Told {
  readonly failure: FailedCell;
  readonly became: string;
}

/** Every failure of a backfill with its category and what became of it, in Markdown; those that are alike are one line. */
export function failuresSection(record: BackfillRecord, world: World): string {
  const { failures, failuresLeftOut } = record;
  if (failures.length === 0) return 'None that retries did not mend.';
  const told = failures.map((failure): Told => ({ failure, became: becameOf(record, failure, statusNow(world, failure)) }));
  const groups = [...Map.groupBy(told, ({ failure, became }) => [failure.stage, failure.processor, failure.category, kindOf(failure.message), became].join('\n')).values()];
  const rows = groups.slice(0, GROUPS_SHOWN).flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { failure, became } = first;
    const days = group.map((one) => one.failure.day);
    const dates = group.length === 1 ? formatDay(failure.day) : `${counted(group.length, 'date')}: ${dayList(days, 12)}`;
    return [[failure.stage, dates, failure.processor, failure.category, group.length === 1 ? failure.message : `${failure.message} (the first)`, became]];
  });
  return [
    `${sums(told, ({ failure }) => failure.category)}. Of these: ${sums(told, ({ became }) => became)}.`,
    markdownTable(['Stage', 'Dates', 'Processor', 'Category', 'What happened', 'What became of it'], rows),
    ...(groups.length > GROUPS_SHOWN ? [`${count(groups.slice(GROUPS_SHOWN).reduce((sum, group) => sum + group.length, 0))} more are in the report’s JSON (--json).`] : []),
    ...(failuresLeftOut === 0 ? [] : [`${count(failuresLeftOut)} more found no room here: they are in the run history.`]),
  ].join('\n\n');
}

function becameOf(record: BackfillRecord, failure: FailedCell, status: string | null): string {
  const { became, note, message } = failure;
  const skip = skipOf(record, failure.day);
  const isThere = status === 'complete' || status === 'accepted';
  const now = status === null ? 'its processor is gone' : status === 'accepted' ? 'accepted by a person' : `${status.replaceAll('_', ' ')} now`;
  if (became === 'retried' && failedAgain(record, failure)) return 'tried again, and failed again';
  if (skip && !isThere) return `date skipped by ${skip.by}`;
  if (became === 'skipped') return `skipped${note === '' || note === message ? ', since what it reads is not there' : `: ${note}`}; ${now}`;
  return `${became === 'retried' ? 'tried again' : isThere ? 'mended since' : 'unresolved'}; ${now}`;
}

function failedAgain({ failures }: BackfillRecord, failure: FailedCell): boolean {
  const at = failures.indexOf(failure);
  return failures.some((other, index) => index > at && other.processor === failure.processor && other.day === failure.day);
}

function sums(told: readonly Told[], of: (one: Told) => string): string {
  const groups = [...Map.groupBy(told, of)].sort(([, a], [, b]) => b.length - a.length);
  return groups.map(([what, list]) => `${count(list.length)} ${what}`).join(', ');
}

/** Dates, ids and counts differ from cell to cell; what happened is the same. */
function kindOf(message: string): string {
  return message.replaceAll(/[\w-]*\d[\w-]*/g, '#');
}
