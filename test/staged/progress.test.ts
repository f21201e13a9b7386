import assert from 'node:assert/strict';
import { progressOf, progressUpTo, wholeProgress } from '../../shared/staged/progress.ts';
import { skipped, stageEnded, withFailures } from '../../shared/staged/transitions.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { change, CHAIN, complete, failureOf, LEAGUE, makePipeline, makeWorld, never, openOn } from '../core-builders.ts';
import { recordOf } from './builders.ts';

describe('staged/progress', () => {
  const pipeline = makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-05' }] });
  const STAGES = [{ name: 'raw', phases: ['raw'] }, { name: 'both', phases: ['raw', 'analytics'] }];

  it('counts cells by what the data says of them now, without skipped dates', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-02', '2024-01-03', '2024-01-04');
    change(world, 'A', '2024-01-02', { failure: failureOf() });
    change(world, 'A', '2024-01-03', { failure: failureOf({ outcome: 'cancelled' }) });
    change(world, 'A', '2024-01-04', { failure: failureOf() });
    openOn(world, 'A', '2024-01-04');
    assert.deepEqual(progressOf(world, recordOf(STAGES), 0), { expected: 5, complete: 2, failed: 1 }, 'cancelled is no failure, and what is being tried again is not one yet');
    assert.deepEqual(progressOf(world, skipped(recordOf(STAGES), dayOf('2024-01-02'), { by: 'kim', reason: 'none' }, 7), 0), { expected: 4, complete: 2, failed: 0 });
  });

  it('counts what several stages have once', () => {
    const world = complete(makeWorld(pipeline));
    assert.deepEqual([progressUpTo(world, recordOf(STAGES), 0).expected, progressUpTo(world, recordOf(STAGES), 1).expected], [5, 10]);
  });

  it('counts one date of a stage with a canary, and what fills the calendar for all', () => {
    const world = complete(makeWorld(makePipeline(LEAGUE)));
    const stages = [{ name: 'preflight', phases: ['raw', 'analytics'], dates: 'first', calendar_first: true }, { name: 'last', phases: ['raw'], dates: 'last' }];
    // The schedule of 31 days; the box score, the summary and the look ahead of one date with games.
    assert.deepEqual([progressOf(world, recordOf(stages), 0).expected, progressOf(world, recordOf(stages), 1).expected], [34, 2]);
  });

  it('counts what is to be run again as done when this stage has run it', () => {
    const world = complete(makeWorld(pipeline));
    const record = recordOf([{ name: 'raw', phases: ['raw'], reprocess: 'completed' }]);
    assert.equal(progressOf(world, record, 0).complete, 0);
    change(world, 'A', '2024-01-02', { recentAsks: ['backfill:whole-1:raw:0'] });
    assert.equal(progressOf(world, record, 0).complete, 1);
    assert.equal(progressOf(world, stageEnded(record, null, 9), 0).complete, 5, 'a cell remembers its last asks only');
  });

  it('counts a failure in the stages that have begun, and once in the whole, though the canary at the end runs the same cells again', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-05');
    change(world, 'A', '2024-01-05', { failure: failureOf() });
    const record = recordOf([{ name: 'raw', phases: ['raw'] }, { name: 'canary', phases: ['raw'], dates: 'last', reprocess: 'completed' }]);
    const begun = { ...record, stages: record.stages.map((stage) => ({ ...stage, startedAt: 5 })) };
    const failed = (of: typeof record): number[] => [progressOf(world, of, 0).failed, progressOf(world, of, 1).failed, wholeProgress(world, of).failed];
    assert.deepEqual([failed(record), failed(begun)], [[1, 0, 1], [1, 1, 1]]);
    assert.equal(wholeProgress(world, record).expected, 6);
  });

  it('counts what was not run for want of an input as failed, which no run of it says, until it is tried again', () => {
    const world = complete(makeWorld(makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-05' }] })));
    never(world, 'A', '2024-01-03');
    const found = { processor: 'A', day: dayOf('2024-01-03'), category: 'defensive_block', message: 'reads S 2024-01-03, which is missing', runId: null, skipped: false } as const;
    const record = withFailures(recordOf(STAGES), [found], 7);
    assert.deepEqual([progressOf(world, record, 0).failed, wholeProgress(world, record).failed, progressUpTo(world, record, 0).failed], [1, 1, 0]);
    const { failed } = progressOf(world, { ...record, failures: record.failures.map((failure) => ({ ...failure, became: 'retried' as const })) }, 0);
    assert.equal(failed, 0);
  });
});
