import type { TriedAgain } from '../../shared/flows/staged-attempts.ts';
import { markdownTable } from './markdown.ts';
import { counted, instant } from './words.ts';

/** Failed attempts of a backfill that its own retries took up, in Markdown: under its failures. Empty where there are none. */
export function attemptsSection(attempts: readonly TriedAgain[]): string[] {
  if (attempts.length === 0) return [];
  return [
    `${counted(attempts.length, 'attempt')} failed and ${attempts.length === 1 ? 'was' : 'were'} tried again without a person:`,
    markdownTable(['When (UTC)', 'Date', 'Processor', 'Category', 'What happened', 'What became of it'], attempts.map((attempt) => [
      instant(Date.parse(attempt.created_at)), attempt.data_date, attempt.processor_name, attempt.category ?? '', attempt.error_message ?? '', `tried again by itself${attempt.outcome === null ? '' : `: ${attempt.outcome}`}`,
    ])),
  ];
}

export function attemptsJson(attempts: readonly TriedAgain[]): unknown {
  return attempts.map((attempt) => ({
    processor: attempt.processor_name, game_date: attempt.data_date, category: attempt.category, message: attempt.error_message, attempt: attempt.attempt, at: attempt.created_at, run_id: attempt.run_id, outcome: attempt.outcome,
  }));
}
