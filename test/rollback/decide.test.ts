import assert from 'node:assert/strict';
import { EMPTY_FINGERPRINT } from '../../shared/gaps/fingerprint.ts';
import type { CellRecord, Overwrite, VerifiedRun } from '../../shared/requests/cell.ts';
import { opened } from '../../shared/requests/transitions.ts';
import { decideRollback, type CellNow, type RollbackWish } from '../../shared/rollback/decide.ts';
import { askOf, emptyCell } from '../core-builders.ts';

const DAY_MS = 86_400_000;
const AT = 100 * DAY_MS;
const OLD = '3:000000000000000a';
const BAD = '3:000000000000000b';
const OTHER = '3:000000000000000c';
const RUN: VerifiedRun = { runId: 'run-old', at: 1, rows: 3, fingerprint: OLD, views: {}, trace: null, origin: 'ours', forced: false };
const DONE = { by: 'ann', reason: 'wrong', at: AT };

const note = (changes: Partial<Overwrite> = {}): Overwrite => ({ backfillId: 'one', at: AT, held: OLD, last: RUN, suspect: null, wrote: BAD, ...changes });
const cellOf = (...overwrites: readonly Overwrite[]): CellRecord => ({ ...emptyCell(), ...(overwrites.length > 0 ? { overwrites } : {}) });
const open = (record: CellRecord): CellRecord => opened(record, askOf(), { reason: 'asked by hand', rerun: false });

interface Case {
  readonly name: string;
  readonly record: CellRecord;
  readonly now?: Partial<CellNow>;
  readonly wish?: Partial<RollbackWish>;
  /** `restore kept`, `empty`, `delete`, `done`, `nothing`, or a refusal's code. */
  readonly does: string;
  readonly because?: RegExp;
}

const CASES: readonly Case[] = [
  { name: 'what it wrote is there, and what was there is kept', record: cellOf(note()), does: 'restore kept' },
  { name: 'it had no rows', record: cellOf(note({ held: EMPTY_FINGERPRINT, last: null })), now: { kept: null }, does: 'empty', because: /it had no rows/ },
  { name: 'it has not touched the cell', record: cellOf(), does: 'nothing' },
  { name: 'another backfill has', record: cellOf(note({ backfillId: 'two' })), does: 'nothing', because: /one has not overwritten it/ },
  { name: 'its run was claimed and wrote nothing', record: cellOf(note({ wrote: null })), now: { fingerprint: OLD }, does: 'nothing' },
  { name: 'its run wrote nothing, and somebody else has since', record: cellOf(note({ wrote: null })), now: { fingerprint: OTHER }, does: 'nothing' },
  { name: 'a target that writes by itself has failed', record: cellOf(note({ wrote: null })), now: { fingerprint: OTHER, writesItself: true }, does: 'unverified', because: /may be half written; --force/ },
  { name: 'the same by force', record: cellOf(note({ wrote: null })), now: { fingerprint: OTHER, writesItself: true }, wish: { force: true }, does: 'restore kept' },
  { name: 'that target has failed before it wrote', record: cellOf(note({ wrote: null })), now: { fingerprint: OLD, writesItself: true }, does: 'nothing' },
  { name: 'it has been rolled back', record: cellOf(note({ rolledBack: DONE })), now: { fingerprint: OLD }, does: 'done', because: /by ann at 1970-04-11T00:00:00\.000Z: wrong/ },
  { name: 'it was rolled back, and wrote again since', record: cellOf(note({ rolledBack: DONE }), note()), does: 'restore kept' },
  { name: 'somebody has changed the rows since', record: cellOf(note()), now: { fingerprint: OTHER }, does: 'changed', because: /somebody has changed them since; --force/ },
  { name: 'somebody has taken the rows away since', record: cellOf(note()), now: { fingerprint: EMPTY_FINGERPRINT }, does: 'changed' },
  { name: 'the same by force', record: cellOf(note()), now: { fingerprint: OTHER }, wish: { force: true }, does: 'restore kept' },
  { name: 'somebody has put the old rows back by hand: their run is recorded again', record: cellOf(note()), now: { fingerprint: OLD }, does: 'restore kept' },
  { name: 'a newer backfill wrote it', record: cellOf(note(), note({ backfillId: 'two', held: BAD, wrote: OTHER })), now: { fingerprint: OTHER }, does: 'newer', because: /two wrote it after one: roll that one back first \(smart-backfill rollback --backfill two\)/ },
  { name: 'a newer one wrote the very same rows as there were before', record: cellOf(note(), note({ backfillId: 'two', held: BAD, wrote: OLD })), now: { fingerprint: OLD }, does: 'restore kept' },
  { name: 'the newer one is rolled back', record: cellOf(note(), note({ backfillId: 'two', held: BAD, wrote: OTHER, rolledBack: DONE })), does: 'restore kept' },
  { name: 'past a newer one by force', record: cellOf(note(), note({ backfillId: 'two', held: BAD, wrote: OTHER })), now: { fingerprint: OTHER }, wish: { force: true }, does: 'restore kept' },
  { name: 'its run is under way: it is going to write', record: { ...open(cellOf(note({ wrote: null }))), request: { ...opened(emptyCell(), askOf({ backfillId: 'one' }), { reason: 'stage raw', rerun: false }).request!, state: 'processing' } }, now: { fingerprint: OLD }, does: 'open' },
  { name: 'a request is open on it', record: open(cellOf(note())), does: 'open', because: /a request is open on it \(queued\): asked by hand/ },
  { name: 'force does not write beside a request', record: open(cellOf(note())), wish: { force: true }, does: 'open' },
  { name: 'nothing is kept, and there is no time travel', record: cellOf(note()), now: { kept: null }, does: 'nothing_kept', because: /kept for 30 days\), and this warehouse has no time travel; --delete takes its rows away/ },
  { name: 'nothing is kept, and the table remembers', record: cellOf(note()), now: { kept: null, pastFrom: AT - DAY_MS }, does: 'restore past', because: /its rows of 1970-04-11T00:00:00\.000Z, by time travel/ },
  { name: 'the table remembers the very instant', record: cellOf(note()), now: { kept: null, pastFrom: AT }, does: 'restore past' },
  { name: 'the table remembers no more (P26)', record: cellOf(note()), now: { kept: null, pastFrom: AT + 1 }, does: 'nothing_kept', because: /time travel reaches back to 1970-04-11T00:00:00\.001Z/ },
  { name: 'nothing is kept, and its rows are wanted gone', record: cellOf(note()), now: { kept: null }, wish: { deletes: true }, does: 'delete' },
  { name: 'what is kept is preferred to taking away', record: cellOf(note()), wish: { deletes: true }, does: 'restore kept' },
  { name: 'other rows are kept than were there', record: cellOf(note()), now: { kept: OTHER }, does: 'nothing_kept' },
  { name: 'the same by force', record: cellOf(note()), now: { kept: OTHER }, wish: { force: true }, does: 'restore kept' },
  { name: 'what is kept was made anew when its time was over, of the rows of the backfill', record: cellOf(note()), now: { kept: BAD }, wish: { force: true }, does: 'nothing_kept' },
  { name: 'the same, and the rows have changed since', record: cellOf(note()), now: { kept: BAD, fingerprint: OTHER }, wish: { force: true }, does: 'nothing_kept' },
  { name: 'the same, and its rows are wanted gone', record: cellOf(note()), now: { kept: BAD }, wish: { force: true, deletes: true }, does: 'delete' },
  { name: 'other rows are kept than were there, and the table remembers', record: cellOf(note()), now: { kept: OTHER, pastFrom: AT }, wish: { force: true }, does: 'restore past' },
  { name: 'of a date: the newest overwrite', record: cellOf(note(), note({ backfillId: 'two', held: BAD, wrote: OTHER })), now: { fingerprint: OTHER, kept: BAD }, wish: { backfillId: null }, does: 'restore kept' },
  { name: 'of a date: an overwrite that was claimed only is none', record: cellOf(note(), note({ backfillId: 'two', held: BAD, wrote: null })), wish: { backfillId: null }, does: 'restore kept' },
  { name: 'of a date that was rolled back', record: cellOf(note({ rolledBack: DONE })), now: { fingerprint: OLD }, wish: { backfillId: null }, does: 'done' },
  { name: 'of a date whose newest overwrite was rolled back: an older one is not next', record: cellOf(note(), note({ backfillId: 'two', held: BAD, wrote: OTHER, rolledBack: DONE })), wish: { backfillId: null }, does: 'done', because: /by ann/ },
  { name: 'of a date that was rolled back, and somebody has written again since', record: cellOf(note({ rolledBack: DONE })), now: { fingerprint: OTHER }, wish: { backfillId: null }, does: 'nothing_kept' },
  { name: 'of a date that was rolled back, and somebody has written again since, to be taken away', record: cellOf(note({ rolledBack: DONE })), now: { fingerprint: OTHER }, wish: { backfillId: null, deletes: true }, does: 'delete' },
  { name: 'of a date that nobody overwrote', record: cellOf(), wish: { backfillId: null }, does: 'nothing_kept', because: /no backfill is known to have written it/ },
  { name: 'of a date that nobody overwrote, to be taken away', record: cellOf(), wish: { backfillId: null, deletes: true }, does: 'delete' },
  { name: 'of a date that nobody overwrote, with a request', record: open(cellOf()), wish: { backfillId: null, deletes: true }, does: 'open' },
  { name: 'of a date without rows', record: cellOf(), now: { fingerprint: EMPTY_FINGERPRINT }, wish: { backfillId: null, deletes: true }, does: 'nothing', because: /it has no rows/ },
];

describe('What a rollback does with a cell', () => {
  for (const { name, record, now, wish, does, because } of CASES) {
    it(`${name}: ${does}${wish?.force ? ' (--force)' : ''}${wish?.deletes ? ' (--delete)' : ''}`, () => {
      const decision = decideRollback(
        { record, fingerprint: BAD, kept: OLD, pastFrom: null, writesItself: false, ...now }, { backfillId: 'one', force: false, deletes: false, ...wish },
      );
      const words = decision.kind === 'restore' ? `restore ${decision.from}` : decision.kind === 'refuse' ? decision.code : decision.kind === 'empty' && decision.isDeleted ? 'delete' : decision.kind;
      assert.equal(words, does, decision.reason);
      if (because) assert.match(decision.reason, because);
    });
  }
});
