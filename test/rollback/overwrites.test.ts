import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { EMPTY_FINGERPRINT } from '../../shared/gaps/fingerprint.ts';
import type { CellRecord, Lease, VerifiedRun } from '../../shared/requests/cell.ts';
import { cellRecordSchema } from '../../shared/requests/record-schema.ts';
import { decideRollback, type RollbackDecision } from '../../shared/rollback/decide.ts';
import { claimNoted, isToBeKept, MOST_OVERWRITES, overwriteBy, renoted, writesItself, wroteNoted } from '../../shared/rollback/overwrites.ts';
import { rollbackBegun, rollbackGivenUp, rolledBack } from '../../shared/rollback/transitions.ts';
import { askOf, emptyCell, failureOf } from '../core-builders.ts';
import { joined } from '../../shared/requests/transitions.ts';

const NOW = 1_700_000_000_000;
const LEASE: Lease = { owner: 'me', token: 1001, until: NOW + 1, runId: 'rollback-1', startedAt: NOW };
const KIM = { by: 'kim', reason: 'wrong' };
const rows = (content: number): string => (content === 0 ? EMPTY_FINGERPRINT : `3:${content.toString(16).padStart(16, '0')}`);
const run = (content: number): VerifiedRun => ({ runId: `run-${content}`, at: NOW, rows: content === 0 ? 0 : 3, fingerprint: rows(content), views: {}, trace: null, origin: 'ours', forced: false });
const holding = (content: number): CellRecord => ({ ...emptyCell(), last: content === 0 ? null : run(content) });

/** A cell, its rows, and what is kept: what the shells do with them, without shells. */
class Modelled {
  record: CellRecord;
  fingerprint: string;
  readonly kept = new Map<string, string>();

  constructor(content: number) {
    this.record = holding(content);
    this.fingerprint = rows(content);
  }

  claim(backfillId: string): void {
    this.record = claimNoted(this.record, backfillId, { at: NOW, held: this.fingerprint });
  }

  write(backfillId: string, content: number): void {
    this.claim(backfillId);
    let note = overwriteBy(this.record, backfillId);
    if (note?.wrote === null && note.held !== this.fingerprint) this.record = renoted(this.record, backfillId, { at: NOW, held: this.fingerprint });
    note = overwriteBy(this.record, backfillId);
    if (isToBeKept(note, rows(content))) this.kept.set(backfillId, note.held);
    this.fingerprint = rows(content);
    this.record = { ...wroteNoted(this.record, backfillId, rows(content)), last: run(content), failure: null };
  }

  back(backfillId: string): RollbackDecision {
    const decision = decideRollback({ record: this.record, fingerprint: this.fingerprint, kept: this.kept.get(backfillId) ?? null, pastFrom: null, writesItself: false }, { backfillId, force: false, deletes: false });
    if (decision.kind !== 'restore' && decision.kind !== 'empty') return decision;
    const order = { backfillId, deletes: false, ...KIM };
    this.fingerprint = decision.kind === 'empty' ? EMPTY_FINGERPRINT : decision.note.held;
    this.record = rolledBack(rollbackBegun(this.record, order, LEASE), order, failureOf({ outcome: 'rolled_back', at: NOW }));
    return decision;
  }
}

describe('What a record says of overwrites', () => {
  it('is noted at the claim, with the run whose rows were there', () => {
    const record = claimNoted(holding(1), 'one', { at: NOW, held: rows(1) });
    assert.deepEqual(record.overwrites, [{ backfillId: 'one', at: NOW, held: rows(1), last: run(1), suspect: null, wrote: null }]);
    assert.equal(claimNoted(record, 'one', { at: NOW + 9, held: rows(2) }), record, 'once');
    assert.deepEqual(wroteNoted(record, 'one', rows(2)).overwrites?.map(({ wrote }) => wrote), [rows(2)]);
  });

  it('is noted anew where somebody else has run it since, and the backfill has not yet', () => {
    const record = { ...claimNoted(holding(1), 'one', { at: NOW, held: rows(1) }), last: run(2) };
    const again = claimNoted(record, 'one', { at: NOW + 9, held: rows(2) });
    assert.deepEqual(again.overwrites, [{ backfillId: 'one', at: NOW + 9, held: rows(2), last: run(2), suspect: null, wrote: null }]);
    // Rows of which no run is recorded may be half of the backfill's own, of a target that writes by itself.
    assert.equal(claimNoted(record, 'one', { at: NOW + 9, held: rows(3) }), record);
  });

  it('is nothing where a run found the very rows that it made', () => {
    const record = claimNoted(holding(1), 'one', { at: NOW, held: rows(1) });
    assert.equal('overwrites' in wroteNoted(record, 'one', rows(1)), false);
  });

  it('stays what was there before the first run, however often the backfill writes', () => {
    const cell = new Modelled(1);
    for (const content of [2, 3, 1, 4]) cell.write('one', content);
    assert.deepEqual(cell.record.overwrites?.map(({ held, wrote, last }) => [held, wrote, last?.runId]), [[rows(1), rows(4), 'run-1']]);
  });

  it('has room for the newest few', () => {
    const cell = new Modelled(0);
    for (let at = 1; at <= MOST_OVERWRITES + 2; at += 1) cell.write(`b${at}`, at);
    assert.deepEqual(cell.record.overwrites?.map(({ backfillId }) => backfillId), ['b3', 'b4', 'b5', 'b6', 'b7']);
  });

  it('is read back as it was written, and records of before it are read too', () => {
    const cell = new Modelled(1);
    cell.write('one', 2);
    cell.back('one');
    const begun = rollbackBegun(cell.record, { backfillId: 'one', deletes: false, ...KIM }, LEASE);
    for (const record of [cell.record, begun, holding(1)]) assert.deepEqual(cellRecordSchema.parse(JSON.parse(JSON.stringify(record))), record);
  });

  it('keeps what a backfill is going to lose, and only that', () => {
    const note = overwriteBy(claimNoted(holding(1), 'one', { at: NOW, held: rows(1) }), 'one');
    assert.equal(isToBeKept(note, rows(2)), true);
    assert.equal(isToBeKept(note, rows(1)), false, 'the same rows');
    assert.equal(isToBeKept(overwriteBy(claimNoted(holding(0), 'one', { at: NOW, held: rows(0) }), 'one'), rows(2)), false, 'none were there');
    assert.equal(isToBeKept(note && { ...note, wrote: rows(2) }, rows(3)), false, "the backfill's own");
    assert.equal(isToBeKept(null, rows(2)), false);
  });

  it('knows targets that write by themselves', () => {
    assert.deepEqual([{ http: { url: 'x', audience: 'x' } }, { cloud_run_job: 'x' }, { pubsub: 'x' }].map((target) => writesItself(Object.assign(Object.create(null), { target }))), [true, true, true]);
    assert.deepEqual([{ in_process: 'x' }, { command: ['x'] }, { bigquery_sql: 'x' }].map((target) => writesItself(Object.assign(Object.create(null), { target }))), [false, false, false]);
  });
});

describe('A rollback of a record', () => {
  const order = { backfillId: 'one', deletes: false, ...KIM };
  function bad(): CellRecord {
    const cell = new Modelled(1);
    cell.write('one', 2);
    return cell.record;
  }

  it('is a request of its own, with a new generation', () => {
    const before = bad();
    const record = rollbackBegun(before, order, LEASE);
    assert.deepEqual([record.generation, record.request.state, record.request.lease?.runId, record.request.rollback], [before.generation + 1, 'processing', 'rollback-1', order]);
    assert.deepEqual(rollbackGivenUp(record), { ...before, generation: before.generation + 1 });
  });

  it('gives a person who asked meanwhile the run that was asked for', () => {
    const begun = rollbackBegun(bad(), order, LEASE);
    const wanted = joined(begun, begun.request, askOf({ id: 'ask-7' }), true);
    const record = rolledBack(wanted, order, failureOf({ outcome: 'rolled_back' }));
    assert.deepEqual([record.generation, record.request?.state, record.request?.asks, record.request?.rollback, record.request?.lease], [begun.generation + 1, 'queued', ['ask-7'], undefined, null]);
    assert.equal(record.last?.runId, 'run-1');
  });

  it('leaves no run on record where rows were taken away', () => {
    const record = rolledBack(rollbackBegun(bad(), { ...order, deletes: true }, LEASE), { ...order, deletes: true }, failureOf({ outcome: 'rolled_back' }));
    assert.deepEqual([record.last, record.failure?.outcome], [null, 'rolled_back']);
  });

  it('of the newest first brings back what was there before, after any sequence of overwrites, and twice is once', () => {
    const id = fc.constantFrom('one', 'two', 'three');
    const content = fc.integer({ min: 0, max: 3 });
    fc.assert(fc.property(content, fc.array(fc.tuple(id, fc.array(content, { minLength: 1, maxLength: 3 })), { minLength: 1, maxLength: 4 }), (first, sequence) => {
      const cell = new Modelled(first);
      const states: { readonly id: string; readonly fingerprint: string; readonly last: VerifiedRun | null }[] = [];
      // Two open backfills have no cell in common: each ends before the next begins.
      for (const [index, [name, contents]] of sequence.entries()) {
        const backfill = `${name}-${index}`;
        states.push({ id: backfill, fingerprint: cell.fingerprint, last: cell.record.last });
        for (const next of contents) cell.write(backfill, next);
      }
      for (const state of states.toReversed()) {
        const before = cell.record;
        const decision = cell.back(state.id);
        assert.notEqual(decision.kind, 'refuse', decision.reason);
        assert.equal(cell.fingerprint, state.fingerprint);
        if (decision.kind === 'nothing') {
          assert.equal(cell.record, before);
          continue;
        }
        // A run that found the very rows that it made has them on record with what it read: they are its rows as well.
        assert.equal(cell.record.last?.fingerprint ?? EMPTY_FINGERPRINT, state.last?.fingerprint ?? EMPTY_FINGERPRINT);
        const after = cell.record;
        assert.equal(cell.back(state.id).kind, 'done');
        assert.equal(cell.record, after);
      }
    }));
  });

  it('never takes away rows that are not the ones that the backfill wrote', () => {
    const content = fc.integer({ min: 0, max: 3 });
    fc.assert(fc.property(content, content, content, (first, wrote, since) => {
      const cell = new Modelled(first);
      cell.write('one', wrote);
      cell.fingerprint = rows(since);
      const decision = cell.back('one');
      if (decision.kind === 'restore' || decision.kind === 'empty') assert.ok(since === wrote || since === first);
    }));
  });
});
