import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { byHand, lastThirtyDays, requestFacts, runFacts } from '../../shared/flows/needs.ts';
import type { HistoryRow, RequestChangeRow } from '../../shared/ports/run-history.ts';
import { askOf } from '../core-builders.ts';

function run(changes: Partial<HistoryRow> = {}): HistoryRow {
  return {
    run_id: 'r', processor_name: 'Box', phase: 'raw', data_date: '2024-01-02', success: true, status: 'success', error_message: null, rows_processed: 4, processing_decision: 'ran', skip_reason: null,
    backfill_mode: true, created_at: '2024-01-03T00:00:00.000Z', attempt: 1, trace_digest: null, fingerprint: null, category: null, started_at: null, completed_at: null, metadata: null, ...changes,
  };
}
function changed(status: string, at: string, changes: Partial<RequestChangeRow> = {}, metadata: Readonly<Record<string, unknown>> = { generation: 1 }): RequestChangeRow {
  return {
    processor_name: 'Box', game_date: '2024-01-02', request_type: 'auto', priority: 'normal', requested_at: '2024-01-03T08:00:00.000Z', requested_by: 'smart_backfill_detection', status, started_at: null,
    completed_at: status === 'completed' || status === 'failed' ? at : null, error_message: null, metadata: JSON.stringify(metadata), changed_at: at, ...changes,
  };
}

describe('What needs are judged by', () => {
  it('runs: what was skipped for want of inputs counts, what was given back, told twice or done by hand does not', () => {
    const facts = runFacts([
      run(), run({ success: false, status: 'failed', category: 'processing' }), run({ success: false, status: 'skipped', processing_decision: 'waiting', skip_reason: 'backfill_queued' }),
      run({ success: false, status: 'skipped', processing_decision: 'drained', skip_reason: 'drained' }), run({ success: false, status: 'skipped', processing_decision: 'accepted' }),
      run({ processing_decision: 'ignored' }), run({ data_date: 'never' }), run({ success: false, status: 'failed', category: 'theirs', processing_decision: 'team_history', error_message: 'no dependency' }),
    ]);
    assert.deepEqual(facts.map(({ succeeded, category, error }) => [succeeded, category, error]), [
      [true, null, null], [false, 'processing', null], [false, 'data_availability', null], [false, null, 'no dependency'],
    ]);
  });

  it('requests: the changes of a generation are one, from its opening to its end, in whatever order they come', () => {
    const facts = requestFacts([
      changed('completed', '2024-01-03T08:05:00.000Z'), changed('queued', '2024-01-03T08:00:00.000Z', {}, { generation: 1, found: 'missing' }), changed('processing', '2024-01-03T08:05:00.000Z'),
      changed('queued', '2024-01-04T08:00:00.000Z', { requested_at: '2024-01-04T08:00:00.000Z', requested_by: 'kim', request_type: 'manual' }, { generation: 2, found: 'present' }),
      changed('failed', '2024-01-03T08:07:00.000Z', { game_date: '2024-01-04' }, { generation: 1, reason: 'fill: no rows' }),
    ]);
    assert.deepEqual(facts.map(({ day, kind, outcome, byItself, fills, openedAt, endedAt }) => [formatDay(day), kind, outcome, byItself, fills, endedAt === null ? null : (endedAt - openedAt) / 60_000]), [
      ['2024-01-02', 'auto', 'completed', true, true, 5], ['2024-01-02', 'manual', 'open', false, false, null], ['2024-01-04', 'auto', 'failed', true, true, 7],
    ]);
  });

  it('requests: what cannot be read of a row is left aside', () => {
    assert.deepEqual(requestFacts([changed('queued', '2024-01-03T08:00:00.000Z', { request_type: 'theirs' }), changed('queued', '2024-01-03T08:00:00.000Z', { game_date: 'never' })]), []);
    assert.equal(requestFacts([changed('queued', '2024-01-03T08:00:00.000Z', { metadata: 'no JSON' })])[0]?.fills, false);
  });

  it('by hand: a message or a recovery of a person, once, in the time asked about; not what the detector or a processor asked, a staged backfill opened, or was refused', () => {
    const asks = [
      askOf({ id: 'a', at: 100 }), askOf({ id: 'b', asker: 'plan', planId: 'p', at: 150 }), askOf({ id: 'c', asker: 'plan', planId: 'p', at: 160 }), askOf({ id: 'd', asker: 'detector', planId: 'q', at: 150 }),
      askOf({ id: 'i', reason: 'auto_backfill', at: 150 }), askOf({ id: 'k', asker: 'backfill', at: 150 }), askOf({ id: 'e', at: 99 }), askOf({ id: 'f', at: 200 }), askOf({ id: 'g', at: 150, refused: 'no such processor' }), askOf({ id: 'h', asker: 'cascade', at: 150 }),
    ];
    assert.equal(byHand(asks, 100, 200), 2);
  });

  it('the last thirty days end today', () => {
    const { from, to } = lastThirtyDays(dayOf('2024-01-30'));
    assert.deepEqual([formatDay(from), formatDay(to)], ['2024-01-01', '2024-01-30']);
  });
});
