import { parseDay } from '../../shared/calendar/day.ts';
import type { TriedAgain } from '../../shared/flows/staged/attempts.ts';
import { kindOf } from './alike.ts';
import { markdownTable } from './markdown.ts';
import { count, counted, dayList, instant, span } from './words.ts';

const GROUPS_SHOWN = 60;

/** Failed attempts of a backfill that its own retries took up, in Markdown: under its failures; those that are alike are one line. Empty where there are none. */
export function attemptsSection(attempts: readonly TriedAgain[]): string[] {
  if (attempts.length === 0) return [];
  const groups = [...Map.groupBy(attempts, (attempt) => [attempt.processor_name, attempt.category, kindOf(attempt.error_message ?? ''), attempt.outcome].join('\n')).values()];
  const rows = groups.slice(0, GROUPS_SHOWN).flatMap((group) => (group[0] === undefined ? [] : [rowOf(group[0], group)]));
  return [
    `${counted(attempts.length, 'attempt')} failed and ${attempts.length === 1 ? 'was' : 'were'} tried again without a person:`,
    markdownTable(['When (UTC)', 'Dates', 'Processor', 'Category', 'What happened', 'What became of it'], rows),
    ...(groups.length > GROUPS_SHOWN ? [`${count(groups.slice(GROUPS_SHOWN).reduce((sum, group) => sum + group.length, 0))} more are in the report’s JSON (--json).`] : []),
  ];
}

function rowOf(first: TriedAgain, group: readonly TriedAgain[]): readonly string[] {
  const at = group.map((attempt) => Date.parse(attempt.created_at));
  const days = [...new Set(group.map((attempt) => parseDay(attempt.data_date)).filter((day) => day !== undefined))];
  const when = group.length === 1 ? instant(Math.min(...at)) : `${span(Math.min(...at), Math.max(...at))}, ${counted(group.length, 'time')}`;
  return [
    when, days.length < 2 ? first.data_date : `${counted(days.length, 'date')}: ${dayList(days, 12)}`, first.processor_name, first.category ?? '',
    `${first.error_message ?? ''}${group.length === 1 ? '' : ' (the first)'}`, `tried again by itself${first.outcome === null ? '' : `: ${first.outcome}`}`,
  ];
}

export function attemptsJson(attempts: readonly TriedAgain[]): unknown {
  return attempts.map((attempt) => ({
    processor: attempt.processor_name, game_date: attempt.data_date, category: attempt.category, message: attempt.error_message, attempt: attempt.attempt, at: attempt.created_at, run_id: attempt.run_id, outcome: attempt.outcome,
  }));
}
