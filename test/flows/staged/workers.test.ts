import assert from 'node:assert/strict';
import { dayOf } from '../../../shared/calendar/day.ts';
import { RungWorkers } from '../../../shared/flows/staged/workers.ts';
import { emptyRecord, type CellRecord, type RequestState } from '../../../shared/requests/cell.ts';
import { opened } from '../../../shared/requests/transitions.ts';
import { askOf } from '../../core-builders.ts';

const SECOND = 1000;

function open(date: string, state: RequestState = 'queued', notBefore: number | null = null): CellRecord {
  const record = opened(emptyRecord({ processor: 'Box', day: dayOf(date) }), askOf({ id: 'ask', asker: 'backfill', by: 'kim', at: 0, priority: 'low', backfillId: 'b' }), { reason: '', rerun: false });
  assert.ok(record.request);
  return { ...record, request: { ...record.request, state, notBefore } };
}

describe('workers that are rung', () => {
  let rung: number[];
  let workers: RungWorkers;
  beforeEach(() => {
    rung = [];
    workers = new RungWorkers(async (cells) => { rung.push(cells); });
  });

  it('are rung once for what may be taken, and again for what nobody has taken in ten seconds', async () => {
    const cells = [open('2024-01-01'), open('2024-01-02')];
    assert.equal(await workers.look(cells, 0), Infinity);
    assert.equal(await workers.look(cells, SECOND), 9 * SECOND);
    assert.deepEqual(rung, [2]);
    await workers.look([...cells.slice(1), open('2024-01-03')], 10 * SECOND);
    assert.deepEqual(rung, [2, 2], 'the one that is left, and a new one');
  });

  it('are not rung for what runs, waits, or backs off, before it is due', async () => {
    const cells = [open('2024-01-01', 'processing'), open('2024-01-02', 'waiting'), open('2024-01-03', 'queued', 30 * SECOND)];
    assert.equal(await workers.look(cells, 0), 30 * SECOND);
    assert.deepEqual(rung, []);
    await workers.look(cells, 30 * SECOND);
    assert.deepEqual(rung, [1]);
  });

  it('are rung at once for what was taken and is queued again', async () => {
    await workers.look([open('2024-01-01')], 0);
    await workers.look([open('2024-01-01', 'processing')], SECOND);
    await workers.look([open('2024-01-01')], 2 * SECOND);
    assert.deepEqual(rung, [1, 1]);
  });
});
