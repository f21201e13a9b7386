import assert from 'node:assert/strict';
import { completionLog } from '../../../functions/log/work-log.ts';
import { dayOf } from '../../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../../shared/cascade/cascade.ts';
import type { Completion } from '../../../shared/flows/complete.ts';

describe('functions/log/completion-log', () => {
  const record: CascadeRecord = {
    phase: 'raw', day: dayOf('2024-01-02'), state: 'parked', reasons: [{ condition: 8, text: 'Boxscore 2024-01-01 is missing' }], wouldHave: [], digest: null, releasedDigests: [],
    openedAt: 0, decidedAt: 0, releasedAt: null, backfillId: null, releasedBy: null,
  };
  const logged = (state: CascadeRecord['state']) => {
    const lines: unknown[] = [];
    const completion: Completion = { kind: 'recorded', external: false, detect: false, cascade: { record: { ...record, state }, decision: { reasons: record.reasons, release: [], digest: '', usableCells: 0, expectedCells: 0 } } };
    completionLog({ log: (event, message, fields) => lines.push([event, message, fields]) })(completion);
    return lines;
  };

  it('says what a parked cascade waits for: the alert on parked cascades counts these lines', () => {
    assert.deepEqual(logged('parked'), [['cascade_parked', 'raw 2024-01-02: Boxscore 2024-01-01 is missing', { phase: 'raw', game_date: '2024-01-02', reasons: ['Boxscore 2024-01-01 is missing'] }]]);
  });

  it('says that a cascade is released, and nothing of one that waits for siblings', () => {
    assert.deepEqual(logged('released'), [['cascade_released', 'raw 2024-01-02', { phase: 'raw', game_date: '2024-01-02' }]]);
    assert.deepEqual(logged('waiting'), []);
  });

  it('says nothing of a refused message', () => {
    const lines: unknown[] = [];
    completionLog({ log: (...line) => lines.push(line) })({ kind: 'refused', reason: 'x' });
    assert.deepEqual(lines, []);
  });
});
