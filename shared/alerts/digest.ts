import type { Progress } from '../staged/progress.ts';
import type { BackfillRecord } from '../staged/record.ts';
import { gravest, type Alert } from './alert.ts';
import { cellsFailed, linesOf, type Gathered } from './gathered.ts';
import { nextCommand, type News } from './news.ts';
import { formatDay } from '../calendar/day.ts';

/** What a digest of runs in backfill mode says that no staged backfill asked for. */
export function digestByHand(gathered: Gathered, at: number): Alert {
  const [first] = gathered.messages;
  const command = gathered.count === 1 && first
    ? `smart-backfill why ${first.processor} ${formatDay(first.day)}`
    : `smart-backfill gaps --from ${formatDay(gathered.from)} --to ${formatDay(gathered.to)}`;
  return { severity: 'warning', event: 'backfill_failures', title: `backfills: ${cellsFailed(gathered.count)}`, lines: linesOf(gathered), command, at };
}

export interface Told {
  readonly news: readonly News[];
  readonly gathered: Gathered | null;
  /** How far the stage is that it is in; null: whoever composes this does not know. */
  readonly progress: Pick<Progress, 'expected' | 'complete'> | null;
  /** The instant since which nobody advances it although it runs; null: somebody does, or nobody has to. */
  readonly leftSince: number | null;
}

/** What a digest of a staged backfill says: what has happened, what has failed since the last one, how far it is, what to do next. */
export function digestOfBackfill(record: BackfillRecord, { news, gathered, progress, leftSince }: Told, at: number): Alert {
  const { id, failures, failuresLeftOut, definition, stage } = record;
  const latest = news.at(-1);
  const failed = gathered ? cellsFailed(gathered.count) : null;
  const open = failures.filter((entry) => entry.became === 'open').length + failuresLeftOut;
  const left = leftSince === null ? [] : [`nobody advances it since ${new Date(leftSince).toISOString()}; it goes on with smart-backfill up, or backfill watch ${id}`];
  const far = progress === null ? '' : `; ${progress.complete} of ${progress.expected} ${progress.expected === 1 ? 'cell' : 'cells'} complete`;
  return {
    severity: gravest([...news.map(({ severity }) => severity), ...(gathered || leftSince !== null ? ['warning' as const] : [])]),
    event: latest ? `backfill_${latest.event}` : 'backfill_failures',
    title: `backfill ${id}${latest ? ` ${latest.title}${failed === null ? '' : `; ${failed}`}` : failed === null ? '' : `: ${failed}`}`,
    lines: [
      ...news.map(({ line }) => line),
      ...left,
      ...(gathered ? linesOf(gathered) : []),
      `stage ${definition.stages[stage]?.name ?? ''}, ${stage + 1} of ${definition.stages.length}${far}; ${open === 0 ? 'no failure is open' : `${open} ${open === 1 ? 'failure is' : 'failures are'} open`}`,
    ],
    command: leftSince === null ? nextCommand(record) : `smart-backfill backfill watch ${id}`,
    at,
  };
}
