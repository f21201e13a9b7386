import type { CellFacts } from '../gaps/facts.ts';
import type { Asker, Reprocess } from './ask.ts';
import type { CellRecord } from './cell.ts';

/** What a cell is like, as far as an ask cares. The first that holds, in this order. */
export const cellClasses = ['not_expected', 'in_flight', 'open', 'accepted', 'held_by_hand', 'held_by_failure', 'cooling', 'pending', 'lacking', 'wrong', 'failed_but_good', 'complete'] as const;
export type CellClass = (typeof cellClasses)[number];

/**
 * `open`: a request is opened. `rerun`: opened, and run although the trace says that nothing changed. `join`: the open
 * request answers this ask too. `again`: it runs once more after the run that is under way. `done`: nothing to do.
 * `hold`: held back, with the reason. `refuse`: can't be right.
 */
export type AskAction = 'open' | 'rerun' | 'join' | 'again' | 'done' | 'hold' | 'refuse';

/** Facts × who asks → action. The one table; what `reprocess` changes of it stands in `actionOf`. */
export const askPolicy: Readonly<Record<CellClass, Readonly<Record<Asker, AskAction>>>> = {
  not_expected: { person: 'refuse', detector: 'done', cascade: 'done', plan: 'done', backfill: 'done' },
  in_flight: { person: 'again', detector: 'join', cascade: 'join', plan: 'join', backfill: 'join' },
  open: { person: 'join', detector: 'join', cascade: 'join', plan: 'join', backfill: 'join' },
  accepted: { person: 'done', detector: 'done', cascade: 'done', plan: 'done', backfill: 'done' },
  held_by_hand: { person: 'hold', detector: 'hold', cascade: 'hold', plan: 'hold', backfill: 'hold' },
  held_by_failure: { person: 'open', detector: 'hold', cascade: 'hold', plan: 'open', backfill: 'open' },
  cooling: { person: 'open', detector: 'hold', cascade: 'hold', plan: 'open', backfill: 'open' },
  pending: { person: 'open', detector: 'done', cascade: 'open', plan: 'done', backfill: 'done' },
  lacking: { person: 'open', detector: 'open', cascade: 'open', plan: 'open', backfill: 'open' },
  wrong: { person: 'open', detector: 'open', cascade: 'open', plan: 'open', backfill: 'open' },
  failed_but_good: { person: 'done', detector: 'done', cascade: 'done', plan: 'done', backfill: 'done' },
  complete: { person: 'done', detector: 'done', cascade: 'done', plan: 'done', backfill: 'done' },
};

export function classOf(facts: CellFacts, record: CellRecord): CellClass {
  if (record.request) return record.request.state === 'processing' ? 'in_flight' : 'open';
  if (facts.data === 'not_expected') return 'not_expected';
  if (facts.activity === 'accepted') return 'accepted';
  if (record.hold) return 'held_by_hand';
  if (facts.activity === 'held') return facts.data === 'present' && facts.trace === 'fresh' ? 'failed_but_good' : 'held_by_failure';
  if (facts.activity === 'cooling') return facts.data === 'present' && facts.trace === 'fresh' ? 'failed_but_good' : 'cooling';
  if (facts.data === 'pending') return 'pending';
  if (facts.data === 'missing' || facts.data === 'short') return 'lacking';
  if (facts.trace === 'altered' || facts.trace === 'stale' || facts.trace === 'suspect') return 'wrong';
  return record.failure ? 'failed_but_good' : 'complete';
}

/** The table's action, with what `reprocess` adds: `failed` also runs what failed although its rows are good, `completed` all. */
export function actionOf(cellClass: CellClass, asker: Asker, reprocess: Reprocess): AskAction {
  const action = askPolicy[cellClass][asker];
  if (action !== 'done' || cellClass === 'not_expected' || cellClass === 'pending') return action;
  if (reprocess === 'completed') return 'rerun';
  if (reprocess === 'failed' && cellClass === 'failed_but_good') return 'rerun';
  return action;
}
