import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import { describeCell } from '../../shared/gaps/usable.ts';
import { readyFor } from '../../shared/staged/ready-for.ts';
import { alter, complete, LEAGUE, lose, makePipeline, makeWorld, never, type PipelineSketch } from '../core-builders.ts';

const STRICT = { strict: true, windowCompleteness: 0.9 };
/** Features looks back, Outlook looks ahead. */
const WITH_OUTLOOK: PipelineSketch = {
  ...LEAGUE,
  processors: { ...LEAGUE.processors, Outlook: { phase: 'features', expected: 'before_games', upstream: [{ processor: 'Ahead', window: 'own_date' }], expectations: { min_rows_per_game: 1 } } },
};
const league = makePipeline(WITH_OUTLOOK);

function ready(world: World, phaseName: string, from: string) {
  const phase = world.pipeline.phases.find(({ name }) => name === phaseName);
  assert.ok(phase);
  const { day, ready: is, judged, blocking, because } = readyFor(world, phase, dayOf(from), STRICT);
  return { day: day === null ? null : formatDay(day), ready: is, judged, blocking: blocking.map((input) => `${describeCell(input)}: ${input.because}`), because };
}

describe('Whether a phase can start', () => {
  const tonight = (): World => {
    // The morning of 10 January: what looks ahead is there for tonight, what looks back through the 8th.
    const world = complete(makeWorld(league, { now: '2024-01-10T17:00:00Z' }), '2024-01-10');
    never(world, 'Box', '2024-01-10');
    never(world, 'Summary', '2024-01-10');
    never(world, 'Features', '2024-01-10');
    return world;
  };

  it('a phase whose processors are elsewhere reads what the phase before it made for the next date', () => {
    assert.deepEqual(ready(tonight(), 'predictions', '2024-01-10'), { day: '2024-01-10', ready: true, judged: 2, blocking: [], because: null });
  });

  it('on an off-day the next date is the next one with games', () => {
    assert.equal(ready(tonight(), 'predictions', '2024-01-09').day, '2024-01-10');
    const ahead = ready(tonight(), 'predictions', '2024-01-11');
    assert.deepEqual([ahead.day, ahead.ready], ['2024-01-12', false]);
    assert.ok(ahead.blocking.includes('Outlook 2024-01-12: pending: expected, and not due yet'), ahead.blocking.join());
  });

  it('is held by what looks ahead and lacks tonight, and by what looks back and lacks the newest date', () => {
    const world = tonight();
    lose(world, 'Outlook', '2024-01-10');
    lose(world, 'Features', '2024-01-08');
    assert.deepEqual(ready(world, 'predictions', '2024-01-10').blocking, ['Features 2024-01-08: missing', 'Outlook 2024-01-10: missing']);
  });

  it('is held by rows that somebody altered', () => {
    const world = tonight();
    alter(world, 'Outlook', '2024-01-10');
    assert.match(ready(world, 'predictions', '2024-01-10').blocking.join(), /^Outlook 2024-01-10: altered/);
  });

  it('a phase with processors reads their inputs, over their windows', () => {
    const world = tonight();
    assert.deepEqual([ready(world, 'features', '2024-01-10').ready, ready(world, 'features', '2024-01-10').day], [false, '2024-01-10']);
    // Features reads the summary of tonight, which is not there: no game of it is over.
    assert.match(ready(world, 'features', '2024-01-10').blocking.join(), /Summary 2024-01-10/);
    const done = complete(makeWorld(league));
    assert.equal(ready(done, 'features', '2024-01-10').ready, true);
  });

  it('is not ready where the calendar knows no next date, and says so', () => {
    const { ready: is, because } = ready(complete(makeWorld(league)), 'predictions', '2024-01-21');
    assert.equal(is, false);
    assert.match(because ?? '', /knows no expected date/);
  });

  it('is not ready where it reads nothing', () => {
    const nothing = makePipeline({ processors: { A: { phase: 'predictions' } }, phases: [{ name: 'first', completion_topic: 'first-complete', mode: 'enforce' }, { name: 'predictions', completion_topic: 'p-complete', mode: 'enforce' }] });
    assert.match(ready(makeWorld(nothing), 'first', '2024-01-02').because ?? '', /reads nothing/);
    assert.match(ready(makeWorld(nothing), 'predictions', '2024-01-02').because ?? '', /nothing is expected of what it reads/);
  });
});
