import assert from 'node:assert/strict';
import { renderRollbackPlan, renderRolledBack } from '../../scripts/output/rollback-view.ts';
import { styleOf, widthOf } from '../../scripts/output/style.ts';
import { addDays, dayOf } from '../../shared/calendar/day.ts';
import type { RollbackStep } from '../../shared/flows/rollback/plan.ts';

const FIRST = dayOf('2023-10-24');
const plain = styleOf({ colour: false }, 80);

describe('a rollback as it is shown', () => {
  const step = (processor: string, at: number, reason: string): RollbackStep => ({ processor, day: addDays(FIRST, at), decision: { kind: 'empty', note: null, isDeleted: false, reason } });
  const long = 'UpcomingPlayerGameContextProcessor';
  const steps = [...[0, 1, 2, 3].map((at) => step(long, at, 'it had no rows')), step('Scores', 0, 'it had no rows'), step('Scores', 5, 'nothing is kept of its rows of before')];

  it('fits 80 columns with whole dates, and puts together only what has the same reason', () => {
    const text = renderRollbackPlan({ steps, readers: { reading: [{ processor: long, days: [FIRST] }], stale: [] } }, plain, (core) => core);
    assert.equal(text, `6 cells to roll back:
  CELLS  PROCESSOR                           WHAT   WHY, AND DATES
      4  UpcomingPlayerGameContextProcessor  empty  it had no rows:
                                                    2023-10-24..2023-10-27
      1  Scores                              empty  it had no rows: 2023-10-24
      1  Scores                              empty  nothing is kept of its rows
                                                    of before: 2023-10-29
1 cell reads these, and may be stale then:
  PROCESSOR                           CELLS  DATES
  UpcomingPlayerGameContextProcessor      1  2023-10-24
`);
  });

  it('says that what is back is held, within 80 columns; of nothing it does not', () => {
    const cells = steps.map((one) => ({ ...one, outcome: 'emptied' as const, rows: 0, error: null }));
    const result = { cells, readers: { reading: [], stale: [] }, interrupted: false };
    const text = renderRolledBack(result, plain, 100, (core) => core);
    assert.match(text, /^rolled back 6 cells in 100 ms; they are held: they run again when[^]*a person asks\n/);
    assert.ok(text.split('\n').every((line) => widthOf(line) <= 80), text);
    assert.match(renderRolledBack({ ...result, cells: [] }, plain, 1, (core) => core), /^rolled back 0 cells in 1 ms\n/);
  });
});
