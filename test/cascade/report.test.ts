import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import type { CascadeReason, CascadeRecord } from '../../shared/cascade/cascade.ts';
import { cascadeAfter, type CascadeDecision, type CascadeQuestion } from '../../shared/cascade/decide.ts';
import { reportCascades } from '../../shared/cascade/report.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { makePipeline, PHASES } from '../core-builders.ts';

const processors = { Box: {}, Summary: { phase: 'analytics' }, Features: { phase: 'features' } };

function pipelineIn(mode: 'observe' | 'assist' | 'enforce'): Pipeline {
  return makePipeline({ processors, phases: PHASES.map((phase) => ({ ...phase, mode })) });
}

const pipeline = pipelineIn('observe');

function because(...conditions: number[]): CascadeReason[] {
  return conditions.map((condition) => ({ condition, text: `reason ${condition}` }));
}

function recordOf(date: string, state: CascadeRecord['state'], wouldHave: readonly CascadeReason[], changes: Partial<CascadeRecord> = {}): CascadeRecord {
  return { phase: 'raw', day: dayOf(date), state, reasons: wouldHave, wouldHave, digest: null, releasedDigests: [], openedAt: 1, decidedAt: 1, releasedAt: null, backfillId: null, releasedBy: null, ...changes };
}

describe('cascade/report', () => {
  it('says per phase how many dates enforce would have held, which, and why', () => {
    const [raw, ...others] = reportCascades(pipeline, [
      recordOf('2024-03-05', 'parked', because(7, 8)), recordOf('2024-03-04', 'parked', because(8)), recordOf('2024-03-03', 'released', because(8), { reasons: [] }),
      recordOf('2024-03-02', 'released', []), recordOf('2024-03-06', 'waiting', because(6)), recordOf('2024-03-07', 'expected', []),
    ]);
    assert.deepEqual([raw?.decided, raw?.released, raw?.parked], [5, 2, []]);
    assert.deepEqual(raw?.wouldHold.map(({ day, sinceGone }) => [formatDay(day), sinceGone]), [['2024-03-03', true], ['2024-03-04', false], ['2024-03-05', false]]);
    assert.deepEqual(raw?.stillWaiting.map(({ day }) => formatDay(day)), ['2024-03-06']);
    assert.deepEqual(raw?.unheard.map(formatDay), ['2024-03-07']);
    assert.deepEqual(raw?.byReason.map(({ condition, days, example }) => [condition, days.map(formatDay), example]), [
      [6, ['2024-03-06'], 'reason 6'], [7, ['2024-03-05'], 'reason 7'], [8, ['2024-03-03', '2024-03-04', '2024-03-05'], 'reason 8'],
    ]);
    assert.deepEqual(others.map(({ phase, decided }) => [phase, decided]), [['analytics', 0]], 'phases that start another, no others');
  });

  it('counts no backfill and no old date as held: they start nothing in any mode', () => {
    const [raw] = reportCascades(pipeline, [recordOf('2024-03-02', 'not_cascading', because(2, 8)), recordOf('2024-03-03', 'not_cascading', because(3, 7))]);
    assert.deepEqual([raw?.wouldHold, raw?.byReason], [[], []]);
  });

  it('in enforce tells what is parked, and nothing that would be', () => {
    const [raw] = reportCascades(pipelineIn('enforce'), [recordOf('2024-03-05', 'parked', [], { reasons: because(8) })]);
    assert.deepEqual([raw?.parked.map(formatDay), raw?.wouldHold, raw?.byReason], [['2024-03-05'], [], []]);
  });
});

describe('what enforce would have held', () => {
  const [phase] = pipeline.phases;
  assert.ok(phase);
  const after = (record: CascadeRecord | null, ...conditions: number[]): CascadeRecord => {
    const question: CascadeQuestion = { phase, turn: dayOf('2024-03-05'), status: 'success', isBackfill: false, skipDownstreamTrigger: false, owed: false, paused: false, record, byPerson: null };
    const decision: CascadeDecision = { reasons: because(...conditions), release: [], digest: 'd', usableCells: 0, expectedCells: 0 };
    return cascadeAfter(question, decision, 'observe', 9);
  };
  const conditionsOf = ({ wouldHave }: CascadeRecord): number[] => wouldHave.map(({ condition }) => condition);

  it('stays on record when its reasons are gone', () => {
    const released = after(after(null, 7, 8));
    assert.deepEqual([released.state, released.reasons, conditionsOf(released)], ['released', [], [7, 8]]);
    assert.deepEqual(conditionsOf(after(released, 10)), [7, 8], 'decided again');
    assert.deepEqual(conditionsOf(after(released, 2, 8)), [7, 8], 'a backfill came by');
  });

  it('is what held it last', () => {
    assert.deepEqual(conditionsOf(after(after(null, 7), 8)), [8]);
  });

  it('is nothing where it only waited for its siblings', () => {
    assert.deepEqual(conditionsOf(after(after(null, 6))), []);
  });
});
