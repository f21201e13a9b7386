import type { Day } from '../calendar/day.ts';
import type { Phase, Pipeline } from '../pipeline/pipeline.ts';
import type { CascadeReason, CascadeRecord } from './cascade.ts';
import { heldBy, WAITING } from './decide.ts';

/** What enforce would have held, by phase: what a team that observes wants to know after a week. */

export interface HeldTurn {
  readonly day: Day;
  readonly reasons: readonly CascadeReason[];
  /** What held it is gone by now: enforce would have released it then. */
  readonly sinceGone: boolean;
}

export interface PhaseReport {
  readonly phase: string;
  readonly mode: Phase['mode'];
  /** Dates of which something was heard. */
  readonly decided: number;
  /** Dates that are due and of which nothing was heard. */
  readonly unheard: readonly Day[];
  readonly released: number;
  /** In enforce: what is held now. */
  readonly parked: readonly Day[];
  /** In observe and assist: what enforce would have held, by date. */
  readonly wouldHold: readonly HeldTurn[];
  /** In observe and assist: dates whose last completion never came, so that enforce would not have started them. */
  readonly stillWaiting: readonly HeldTurn[];
  /** By number of condition, of `wouldHold` and `stillWaiting`: its dates, ascending, and one reason in words. */
  readonly byReason: readonly { readonly condition: number; readonly days: readonly Day[]; readonly example: string }[];
}

/** One line a phase whose completion starts another; records of other phases are left out. */
export function reportCascades(pipeline: Pick<Pipeline, 'phases'>, records: readonly CascadeRecord[]): readonly PhaseReport[] {
  return pipeline.phases.filter((phase) => startsAnother(pipeline, phase)).map((phase) => {
    const own = records.filter((record) => record.phase === phase.name).sort((a, b) => a.day - b.day);
    const observed = phase.mode !== 'enforce';
    const held = (record: CascadeRecord): HeldTurn => ({ day: record.day, reasons: record.wouldHave, sinceGone: record.state === 'released' });
    const wouldHold = observed ? own.filter(({ wouldHave }) => heldBy(wouldHave)).map(held) : [];
    const stillWaiting = observed ? own.filter(({ state, wouldHave }) => state === 'waiting' && !heldBy(wouldHave)).map(held) : [];
    return {
      phase: phase.name,
      mode: phase.mode,
      decided: own.filter(({ state }) => state !== 'expected').length,
      unheard: own.filter(({ state }) => state === 'expected').map(({ day }) => day),
      released: own.filter(({ state }) => state === 'released').length,
      parked: observed ? [] : own.filter(({ state }) => state === 'parked').map(({ day }) => day),
      wouldHold,
      stillWaiting,
      byReason: byReason([...wouldHold, ...stillWaiting]),
    };
  });
}

function startsAnother({ phases }: Pick<Pipeline, 'phases'>, { index }: Phase): boolean {
  const next = phases[index + 1];
  return next !== undefined && next.cascades && next.backfillable && next.processors.length > 0;
}

function byReason(turns: readonly HeldTurn[]): PhaseReport['byReason'] {
  const found = new Map<number, { days: Set<Day>; example: string }>();
  for (const { day, reasons } of turns) {
    for (const { condition, text } of reasons) {
      const known = found.get(condition) ?? { days: new Set<Day>(), example: text };
      known.days.add(day);
      found.set(condition, known);
    }
  }
  return [...found].sort(([a], [b]) => a - b).map(([condition, { days, example }]) => ({ condition, days: [...days].sort((a, b) => a - b), example }));
}

/** A condition in few words, for a list of what held cascades. */
export const CONDITION_WORDS: Readonly<Record<number, string>> = {
  1: 'a run that did not succeed', 5: 'the pipeline was paused', [WAITING]: 'a processor of the phase was not complete', 7: 'a processor of the phase failed',
  8: 'inputs in the windows of the next phase were missing', 9: 'too few of these inputs were there',
};
