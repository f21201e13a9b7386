import { addDays, type Day } from '../calendar/day.ts';
import { hash64, hex64 } from '../gaps/fingerprint.ts';
import type { World } from '../gaps/world.ts';
import type { QualityCheck } from '../pipeline/checks.ts';
import type { CheckOutcome } from './gate.ts';
import { currentStage, type BackfillRecord, type GateAnswer } from './record.ts';

/**
 * What a gate's checks have said so far. A look at a gate may take longer than the process that looks has: whoever goes on
 * asks only what is not answered yet. A check's SQL is decided by the rows that it reads, so that an answer holds for as long
 * as these are the same, and for this look only: the next one begins with none.
 */

/** Who ends a check as often as this, unanswered, would do so for ever. */
const MOST_CUTS = 3;
/** Characters of a value that is kept as an example. */
const LONGEST_VALUE = 200;

/** What is answered in the round that the stage is in. */
export function answersOf(record: BackfillRecord): readonly GateAnswer[] {
  const { progress: { looking, round } } = currentStage(record);
  return looking?.round === round ? looking.answers : [];
}

/** Names the query and the very rows that it reads. Generations are in it: rows that were others in between are not the same. */
export function rowsRead(world: World, { sql, reads }: Pick<QualityCheck, 'sql' | 'reads'>, { from, to }: { readonly from: Day; readonly to: Day }): string {
  const parts = [sql, `${from} ${to}`];
  for (const processor of reads) {
    parts.push(`${processor.output.ref} ${processor.fingerprintColumns.join(' ')}`);
    for (let day = from; day <= to; day = addDays(day, 1)) {
      const coverage = world.coverage(processor, day);
      if (coverage) parts.push(`${day} ${coverage.fingerprint} ${world.record(processor, day).generation}`);
    }
  }
  return hex64(hash64(parts.join('\n')));
}

/** As it is kept: of what a check found the first row is enough. */
export function answerOf(file: string, of: string, at: number, outcome: CheckOutcome): GateAnswer {
  const [first] = outcome.kind === 'offended' ? outcome.sample : [];
  const example = first && Object.fromEntries(Object.entries(first).map(([name, value]) => [name, typeof value === 'string' ? value.slice(0, LONGEST_VALUE) : value]));
  return { file, of, at, cuts: 0, outcome: outcome.kind === 'offended' ? { ...outcome, sample: example ? [example] : [] } : outcome };
}

/** A check was ended before it had an answer, with the process or invocation that asked. */
export function cutShort(before: GateAnswer | undefined, file: string, of: string, at: number): GateAnswer {
  const cuts = (before?.of === of ? before.cuts : 0) + 1;
  const message = `it was cut short ${cuts} times, by the end of the invocation or process that asked: it has to be faster, or these given more time`;
  return { file, of, at, cuts, outcome: cuts < MOST_CUTS ? null : { kind: 'did_not_run', message } };
}
