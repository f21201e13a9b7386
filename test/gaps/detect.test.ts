import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { detect, explainingInput, reasonOf, unbrokenRuns, type Detection, type Scope } from '../../shared/gaps/detect.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import type { World } from '../../shared/gaps/world.ts';
import { accepted, alter, cell, CHAIN, change, complete, failureOf, GAMES, LEAGUE, lose, makePipeline, makeWorld, never, ran } from '../core-builders.ts';

const league = makePipeline(LEAGUE);
const chain = makePipeline(CHAIN);
const JANUARY: Scope = { from: dayOf('2024-01-01'), to: dayOf('2024-01-31'), processors: null };

function found(detection: Detection): string[] {
  return detection.findings.map((finding) => `${finding.processor} ${formatDay(finding.day)} ${finding.status}`);
}
function gaps(detection: Detection): string[] {
  return detection.gaps.map((gap) => `${gap.processor} ${gap.days.map((day) => formatDay(day).slice(8)).join(',')} missing ${gap.missing} short ${gap.short} root ${gap.root.processor} ${formatDay(gap.root.day).slice(8)}`);
}
function completeLeague(): World {
  return complete(makeWorld(league), '2024-01-31');
}

describe('Detection', () => {
  it('finds nothing in a complete world, and says how many cells it judged', () => {
    const detection = detect(completeLeague(), JANUARY);
    assert.deepEqual([detection.findings, detection.gaps, detection.judged], [[], [], 31 + 10 * 4]);
  });

  it('judges neither off-days nor what is not due', () => {
    const world = makeWorld(league, { now: '2024-01-04T12:00:00Z' });
    assert.deepEqual(found(detect(world, { ...JANUARY, processors: new Set(['Box', 'Ahead']) })), ['Box 2024-01-02 missing', 'Ahead 2024-01-02 missing', 'Ahead 2024-01-04 missing']);
  });

  it('lists cells in topological order: date, then phase', () => {
    const world = completeLeague();
    lose(world, 'Features', '2024-01-04', '2024-01-02');
    lose(world, 'Box', '2024-01-04');
    assert.deepEqual(found(detect(world, JANUARY)), ['Features 2024-01-02 missing', 'Box 2024-01-04 missing', 'Features 2024-01-04 missing']);
  });

  it('keeps to its scope', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-04', '2024-01-08', '2024-01-12');
    lose(world, 'Features', '2024-01-08');
    assert.deepEqual(found(detect(world, { from: dayOf('2024-01-05'), to: dayOf('2024-01-10'), processors: new Set(['Box']) })), ['Box 2024-01-08 missing']);
  });

  it('takes a range that is wider than the calendar, and one that is empty', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-04');
    assert.equal(detect(world, { from: dayOf('1990-01-01'), to: dayOf('2024-01-31'), processors: null }).findings.length, 1);
    assert.equal(detect(world, { from: dayOf('2024-01-10'), to: dayOf('2024-01-01'), processors: null }).judged, 0);
  });

  it('does not find what a person accepted', () => {
    const world = completeLeague();
    lose(world, 'Features', '2024-01-04');
    accepted(world, 'Features', '2024-01-04');
    assert.deepEqual(detect(world, JANUARY).findings, []);
  });

  it('finds stale and altered cells, which are no gaps', () => {
    const world = completeLeague();
    ran(world, 'Box', '2024-01-20', 2);
    alter(world, 'Features', '2024-01-02');
    const detection = detect(world, JANUARY);
    assert.deepEqual(found(detection), ['Features 2024-01-02 altered', 'Summary 2024-01-20 stale']);
    assert.deepEqual(detection.gaps, []);
  });
});

describe('A gap', () => {
  it('is an unbroken run of expected dates: off-days do not break it, a complete date does', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-04', '2024-01-06', '2024-01-08', '2024-01-12');
    assert.deepEqual(gaps(detect(world, { ...JANUARY, processors: new Set(['Box']) })), ['Box 04,06,08 missing 3 short 0 root Box 04', 'Box 12 missing 1 short 0 root Box 12']);
  });

  it('counts missing and short dates together', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-04');
    alter(world, 'Box', '2024-01-06', { rows: 2, games: { '6a': 2 } });
    assert.deepEqual(gaps(detect(world, { ...JANUARY, processors: new Set(['Box']) })), ['Box 04,06 missing 1 short 1 root Box 04']);
  });

  it('is split into runs by ordinal', () => {
    assert.deepEqual(unbrokenRuns([1, 2, 3, 5, 6, 9].map((at) => ({ at })), ({ at }) => dayOf(formatDayOf(at)), (day) => day).map((run) => run.map(({ at }) => at)), [[1, 2, 3], [5, 6], [9]]);
    assert.deepEqual(unbrokenRuns([], () => dayOf('2024-01-01'), (day) => day), []);
  });
});

function formatDayOf(at: number): string {
  return `2024-01-0${at}`;
}

describe('A root cause', () => {
  const rootOf = (world: World, name: string, date: string): string => {
    const finding = detect(world, JANUARY).findings.find((one) => one.processor === name && formatDay(one.day) === date);
    assert.ok(finding, `${name} ${date} is found`);
    return `${finding.root.kind} ${finding.root.processor} ${formatDay(finding.root.day)}: ${finding.root.because}`;
  };

  it('is the furthest cell upstream, across phases', () => {
    const world = completeLeague();
    for (const name of ['Box', 'Summary', 'Features']) lose(world, name, '2024-01-10');
    for (const name of ['Box', 'Summary', 'Features']) assert.equal(rootOf(world, name, '2024-01-10'), 'cell Box 2024-01-10: no rows');
  });

  it('is the cell itself where its inputs are complete', () => {
    const world = completeLeague();
    lose(world, 'Summary', '2024-01-10');
    assert.equal(rootOf(world, 'Summary', '2024-01-10'), 'cell Summary 2024-01-10: no rows');
  });

  it('is found over another date: what waits for an older gap', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-04');
    never(world, 'Summary', '2024-01-08');
    assert.equal(rootOf(world, 'Summary', '2024-01-08'), 'cell Box 2024-01-04: no rows');
  });

  it('is the cell itself where it was complete once: it was not lost for want of an older input', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-04');
    lose(world, 'Summary', '2024-01-08');
    assert.equal(rootOf(world, 'Summary', '2024-01-08'), 'cell Summary 2024-01-08: no rows');
  });

  it('of stale rows lies where the trace differs, not behind another input that is lost by now', () => {
    const world = completeLeague();
    ran(world, 'Schedule', '2024-01-10', 2);
    lose(world, 'Summary', '2024-01-08');
    assert.equal(rootOf(world, 'Ahead', '2024-01-10'), 'cell Ahead 2024-01-10: read other rows of Schedule than there are now');
  });

  it('of the own date comes before an older one', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-04', '2024-01-08');
    never(world, 'Summary', '2024-01-08');
    assert.equal(rootOf(world, 'Summary', '2024-01-08'), 'cell Box 2024-01-08: no rows');
  });

  it('outside the scope is found too', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-04');
    never(world, 'Summary', '2024-01-08');
    const [finding] = detect(world, { from: dayOf('2024-01-08'), to: dayOf('2024-01-08'), processors: new Set(['Summary']) }).findings;
    assert.deepEqual([finding?.root.processor, finding && formatDay(finding.root.day)], ['Box', '2024-01-04']);
  });

  it('is the source where that is known to have nothing', () => {
    const world = completeLeague();
    for (const name of ['Box', 'Summary']) lose(world, name, '2024-01-10');
    change(world, 'Box', '2024-01-10', { failure: failureOf({ category: 'data_availability', message: 'No data found', coolsUntil: world.moment.now + 1 }) });
    assert.equal(rootOf(world, 'Summary', '2024-01-10'), 'source Box 2024-01-10: its source has nothing: No data found');
  });

  it('says how the last run ended', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-10');
    change(world, 'Box', '2024-01-10', { failure: failureOf({ category: 'infrastructure', message: 'connection lost', coolsUntil: 1 }) });
    assert.equal(rootOf(world, 'Box', '2024-01-10'), 'cell Box 2024-01-10: no rows; last run failed (infrastructure): connection lost');
  });

  it('of altered rows is the cell itself, whatever its inputs are', () => {
    const world = completeLeague();
    lose(world, 'Box', '2024-01-10');
    alter(world, 'Summary', '2024-01-10');
    assert.equal(rootOf(world, 'Summary', '2024-01-10'), 'cell Summary 2024-01-10: its rows are not those that its last run wrote');
  });

  it('may be an input that is not due yet', () => {
    const world = makeWorld(league, { now: '2024-01-04T10:00:00Z', games: { ...GAMES, '2024-01-03': ['3a'] } });
    for (const date of ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04']) ran(world, 'Schedule', date);
    for (const name of ['Box', 'Summary']) ran(world, name, '2024-01-02');
    ran(world, 'Ahead', '2024-01-03');
    const root = detect(world, JANUARY).findings.find((finding) => finding.processor === 'Ahead' && formatDay(finding.day) === '2024-01-04')?.root;
    assert.deepEqual([root?.processor, root?.because], ['Box', 'expected, and not due yet']);
  });
});

describe('The input that explains a cell', () => {
  it('is null where nothing stands in its way', () => {
    const world = complete(makeWorld(chain, { now: '2024-02-10' }), '2024-01-31');
    never(world, 'C', '2024-01-10');
    assert.equal(explainingInput(world, world.processor('C'), dayOf('2024-01-10'), factsOf(world, world.processor('C'), dayOf('2024-01-10'))), null);
    lose(world, 'B', '2024-01-07');
    assert.deepEqual(explainingInput(world, world.processor('C'), dayOf('2024-01-10'), factsOf(world, world.processor('C'), dayOf('2024-01-10'))), cell('B', '2024-01-07'));
  });
});

describe('The reason in words', () => {
  const facts = { data: 'present', trace: 'fresh', activity: 'idle', shortcomings: [], changedEdges: [], readIncomplete: false, codeChanged: false } as const;
  const table = [
    [{ data: 'missing' }, 'disk full', 'no rows; disk full'],
    [{ data: 'missing', activity: 'held' }, null, 'held; no rows'],
    [{ data: 'short', shortcomings: ['1 row', '2 nulls'] }, null, '1 row; 2 nulls'],
    [{ trace: 'altered' }, null, 'its rows are not those that its last run wrote'],
    [{ trace: 'stale', changedEdges: ['A(x,y)', 'B', 'A(z)'] }, null, 'read other rows of A, B than there are now'],
    [{ trace: 'stale' }, null, 'made by another definition or code'],
    [{ trace: 'suspect', activity: 'in_flight' }, null, 'in_flight; no trace, and its inputs were absent or have been filled since'],
    [{ data: 'pending' }, null, 'expected, and not due yet'],
    [{}, null, 'complete'],
  ] as const;
  for (const [changes, failure, words] of table) it(`says '${words}'`, () => assert.equal(reasonOf({ ...facts, ...changes }, failure), words));
});
