import assert from 'node:assert/strict';
import { digestByHand, digestOfBackfill } from '../../shared/alerts/digest.ts';
import { gathered } from '../../shared/alerts/gathered.ts';
import { markOf, newsSince } from '../../shared/alerts/news.ts';
import { addDays, dayOf } from '../../shared/calendar/day.ts';
import { approved, cancelled, paused, resumed, stopped, withFailures } from '../../shared/staged/transitions.ts';
import { nov15, now, untoldFailure } from '../contract/request-records.ts';
import { recordOf } from '../staged/builders.ts';

const ana = { by: 'ana', reason: 'looking' };
const failures = (count: number, change: Parameters<typeof untoldFailure>[1] = {}) => Array.from({ length: count }, (_, index) => untoldFailure(`x${index}`, { day: addDays(nov15, index), ...change }));

describe('alerts/digest', () => {
  it('sums failures up by processor and kind, with what was said and how often', () => {
    const sum = gathered(gathered(null, failures(3)), [...failures(2, { processor: 'Summary', category: 'infrastructure', message: 'reset' })]);
    assert.ok(sum);
    assert.deepEqual(digestByHand(sum, now), {
      severity: 'warning', event: 'backfill_failures', title: 'backfills: 5 cells have failed', at: now, command: 'smart-backfill gaps --from 2023-11-15 --to 2023-11-17',
      lines: [
        'Raw: 3 (processing), 2023-11-15 to 2023-11-17', 'Summary: 2 (infrastructure), 2023-11-15 to 2023-11-16',
        'Raw 2023-11-15 and 2 more: division by zero', 'Summary 2023-11-15 and 1 more: reset',
      ],
    });
  });

  it('names the cell where there is one only', () => {
    const sum = gathered(null, failures(1));
    assert.equal(sum && digestByHand(sum, now).command, 'smart-backfill why Raw 2023-11-15');
  });

  it('stays a page however many there are and however they differ, and counts all of them', () => {
    const many = Array.from({ length: 3000 }, (_, index) => untoldFailure(`x${index}`, { processor: `P${index % 50}`, message: `message ${index}` }));
    const sum = gathered(null, many);
    assert.ok(sum);
    const { title, lines } = digestByHand(sum, now);
    assert.equal(title, 'backfills: 3000 cells have failed');
    assert.equal(lines.length, 20 + 1 + 5);
    assert.ok(lines.includes('1800 more of other processors'));
  });

  it('tells of a start, with what to do next', () => {
    const record = recordOf();
    const alert = digestOfBackfill(record, { news: newsSince(record, null), gathered: null, progress: null, leftSince: null }, now);
    assert.deepEqual([alert.severity, alert.event, alert.title, alert.command], ['info', 'backfill_started', `backfill ${record.id} has started`, `smart-backfill backfill status ${record.id}`]);
    assert.match(alert.lines.at(-1) ?? '', /^stage \w+, 1 of \d+; no failure is open$/);
  });

  it('is as grave as the gravest of its news, has the title of the latest, and the failures with it', () => {
    const { id, ...before } = withFailures(recordOf(), [{ processor: 'Raw', day: dayOf('2024-01-02'), category: 'processing', message: 'x', runId: 'r', skipped: false }], now);
    const record = cancelled(stopped({ id, ...before }, 'Raw 2024-01-02 failed', now), ana, now + 1);
    const alert = digestOfBackfill(record, { news: newsSince(record, markOf(before.journal.at(-1)!)), gathered: gathered(null, failures(2)), progress: null, leftSince: null }, now);
    assert.deepEqual([alert.severity, alert.event, alert.title, alert.command], ['critical', 'backfill_cancelled', `backfill ${id} is cancelled; 2 cells have failed`, `smart-backfill backfill report ${id}`]);
    assert.match(alert.lines.join('\n'), /stopped by smart-backfill: Raw 2024-01-02 failed\ncancelled by ana: looking\nRaw: 2 .*1 failure is open/s);
  });

  it('says in whose hands it is when whoever advanced it is gone', () => {
    const record = recordOf();
    const alert = digestOfBackfill(record, { news: [], gathered: gathered(null, failures(1)), progress: { complete: 12, expected: 40 }, leftSince: now }, now + 1);
    assert.deepEqual([alert.severity, alert.title, alert.command], ['warning', `backfill ${record.id}: 1 cell has failed`, `smart-backfill backfill watch ${record.id}`]);
    assert.match(alert.lines[0] ?? '', /^nobody advances it since 2023-11-20T00:00:00.000Z/);
    assert.match(alert.lines.at(-1) ?? '', /; 12 of 40 cells complete; no failure is open$/);
  });

  it('has as next command what the state asks for', () => {
    const of = (record: ReturnType<typeof recordOf>) => digestOfBackfill(record, { news: [], gathered: null, progress: null, leftSince: null }, now).command?.replace(` ${record.id}`, '');
    assert.equal(of(paused(recordOf(), ana, now)), 'smart-backfill backfill resume');
    assert.equal(of(stopped(recordOf(), 'x', now)), 'smart-backfill backfill resume');
    assert.equal(of({ ...recordOf(), state: 'gate_held' }), 'smart-backfill backfill status');
    assert.equal(of({ ...recordOf(), state: 'waits_for_approval' }), 'smart-backfill backfill approve');
    assert.equal(of({ ...recordOf(), state: 'finished' }), 'smart-backfill backfill report');
  });

  describe('news', () => {
    it('are what was not told yet, without what only the report has', () => {
      const record = resumed(paused(recordOf(), ana, now), ana, now + 1);
      assert.deepEqual(newsSince(record, null).map(({ event }) => event), ['started', 'paused']);
      assert.deepEqual(newsSince(record, markOf(record.journal.find(({ event }) => event === 'started')!)).map(({ event }) => event), ['paused']);
      assert.deepEqual(newsSince(record, markOf(record.journal.at(-1)!)), []);
    });
    it('are all that is left of a journal that has dropped the entry told last', () => {
      assert.deepEqual(newsSince(recordOf(), 'gone').map(({ event }) => event), ['started']);
    });
    it('of an approval are none: a person has just given it', () => {
      const waiting = { ...recordOf(), state: 'waits_for_approval' as const };
      assert.deepEqual(newsSince(approved(waiting, ana, now), markOf(waiting.journal.at(-1)!)), []);
    });
  });
});
