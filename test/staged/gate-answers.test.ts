import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { QualityCheck } from '../../shared/pipeline/checks.ts';
import { answerOf, answersOf, cutShort, rowsRead } from '../../shared/staged/gate-answers.ts';
import { answered, resumed, stageEnded } from '../../shared/staged/transitions.ts';
import { alter, change, CHAIN, complete, makePipeline, makeWorld } from '../core-builders.ts';
import { recordOf } from './builders.ts';

const SEASON = { from: dayOf('2024-01-01'), to: dayOf('2024-01-05') };
const HELD = { at: 5, passed: false, reasons: ['a'], notes: [], tables: [], successRate: null, unresolved: 0, checks: [] };

interface Season {
  readonly world: World;
  readonly check: Pick<QualityCheck, 'sql' | 'reads'>;
}

function season(): Season {
  const world = complete(makeWorld(makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-05' }] })));
  return { world, check: { sql: 'SELECT 1 FROM b', reads: [world.processor('B')] } };
}

describe('staged/gate-answers', () => {
  it('takes rows for the same while nothing that a check reads was written', () => {
    const { world, check } = season();
    const before = rowsRead(world, check, SEASON);
    alter(world, 'A', '2024-01-03', { fingerprint: '2:other' });
    change(world, 'A', '2024-01-03', { generation: 9 });
    assert.equal(rowsRead(world, check, SEASON), before);
  });

  const OTHERS: readonly (readonly [string, (of: Season) => string])[] = [
    ['rows of a date are others', ({ world, check }) => { alter(world, 'B', '2024-01-03', { fingerprint: '2:other' }); return rowsRead(world, check, SEASON); }],
    ['rows of a date are gone', ({ world, check }) => { world.setCoverage(world.processor('B'), dayOf('2024-01-03'), undefined); return rowsRead(world, check, SEASON); }],
    ['a date was worked on, and has the rows of before', ({ world, check }) => { change(world, 'B', '2024-01-03', { generation: 9 }); return rowsRead(world, check, SEASON); }],
    ['the query is another', ({ world, check }) => rowsRead(world, { ...check, sql: 'SELECT 2 FROM b' }, SEASON)],
    ['it is about fewer dates', ({ world, check }) => rowsRead(world, check, { ...SEASON, to: dayOf('2024-01-04') })],
  ];
  for (const [what, other] of OTHERS) {
    it(`takes rows for others where ${what}`, () => {
      const found = season();
      const before = rowsRead(found.world, found.check, SEASON);
      assert.notEqual(other(found), before);
    });
  }

  it('keeps the last answer of each check, in this look only', () => {
    const record = recordOf();
    const once = answered(answered(record, answerOf('checks/a.sql', 'r1', 5, { kind: 'passed' })), answerOf('checks/b.sql', 'r1', 6, { kind: 'passed' }));
    const again = answered(once, answerOf('checks/a.sql', 'r2', 7, { kind: 'did_not_run', message: 'no such column' }));
    assert.deepEqual(answersOf(again).map(({ file, of, at }) => [file, of, at]), [['checks/b.sql', 'r1', 6], ['checks/a.sql', 'r2', 7]]);
    const held = stageEnded(again, HELD, 8);
    assert.deepEqual([answersOf(held), answersOf(resumed(held, { by: 'kim', reason: 'mended' }, 9))], [[], []]);
  });

  it('keeps one row as an example, and no more of its texts than a person reads', () => {
    const sample = [{ team: 'x'.repeat(5000), points: 3 }, { team: 'second', points: 4 }];
    const { outcome } = answerOf('checks/a.sql', 'r1', 5, { kind: 'offended', rows: 2, sample });
    assert.deepEqual(outcome, { kind: 'offended', rows: 2, sample: [{ team: 'x'.repeat(200), points: 3 }] });
  });

  it('counts how often a check was cut short over the same rows, and takes the third for its answer', () => {
    const first = cutShort(undefined, 'checks/a.sql', 'r1', 1);
    const second = cutShort(first, 'checks/a.sql', 'r1', 2);
    assert.deepEqual([first.outcome, second.outcome, second.cuts, cutShort(second, 'checks/a.sql', 'r2', 3).cuts], [null, null, 2, 1]);
    assert.match(JSON.stringify(cutShort(second, 'checks/a.sql', 'r1', 3).outcome), /did_not_run.*cut short 3 times/);
  });
});
