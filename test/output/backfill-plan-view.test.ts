import assert from 'node:assert/strict';
import { z } from 'zod';
import { plansJson, renderPlans } from '../../scripts/output/backfill-plan-view.ts';
import { styleOf, widthOf } from '../../scripts/output/style.ts';
import { addDays, dayOf } from '../../shared/calendar/day.ts';
import { planAll } from '../../shared/staged/plan.ts';
import { CHAIN, complete, makePipeline, makeWorld, never } from '../core-builders.ts';
import { recordOf } from '../staged/builders.ts';

const plain = styleOf({ colour: false }, 80);

describe('output/backfill-plan-view', () => {
  const world = complete(makeWorld(makePipeline(CHAIN)));
  for (const name of ['A', 'B']) never(world, name, '2024-01-04', '2024-01-05', '2024-01-09');
  const plans = planAll(world, recordOf([{ name: 'raw', phases: ['raw'] }, { name: 'computed', phases: ['analytics'] }, { name: 'features', phases: ['features'] }]));

  it('names every date that is taken or left out, with the reason, in as few words as ranges allow', () => {
    const text = renderPlans(plans, plain, true);
    assert.match(text, /^stage raw: 3 cells, 28 left out\n {2}CELLS {2}PROCESSOR {2}ACTION {2}WHY, AND DATES\n {6}3 {2}A {10}fill {4}no rows: 2024-01-04\.\.2024-01-05, 2024-01-09\n/);
    assert.match(text, / {2}28 {2}A {10}complete: 2024-01-01\.\.2024-01-03, 2024-01-06\.\.2024-01-08,\n +2024-01-10\.\.2024-01-31\n/);
    assert.ok(text.split('\n').every((line) => widthOf(line) <= 80), text);
  });

  it('puts cells together whose reasons differ only by the cell that they name', () => {
    const { cells } = plans[2]!;
    assert.equal(new Set(cells.filter((cell) => cell.action === 'check').map((cell) => cell.reason)).size, 1, 'they are alike');
    const [first] = cells.filter((cell) => cell.action === 'check');
    const differing = { ...plans[2]!, cells: cells.map((cell) => (cell === first ? { ...cell, reason: 'complete; reads B 2024-01-10' } : cell)) };
    assert.equal(renderPlans([differing], plain, true).match(/ check /g)?.length, 1);
  });

  it('is short before it is asked whether to start: of many ranges the first and the last', () => {
    const scattered = { stage: 'raw', cells: Array.from({ length: 40 }, (_, at) => ({ processor: 'A', day: addDays(dayOf('2024-01-01'), 2 * at), action: 'fill' as const, reason: 'no rows' })), leftOut: Array.from({ length: 30 }, (_, at) => ({ processor: `P${String.fromCharCode(65 + at)}`, day: dayOf('2024-01-02'), reason: 'complete' })), ramp: [] };
    const text = renderPlans([scattered], plain, false);
    assert.match(text, /no rows: 2024-01-01 … 2024-03-19\n/);
    assert.match(text, /and 18 more cells \(--dry-run names them\)\n/);
    assert.equal(renderPlans([scattered], plain, true).match(/complete: 2024-01-02/g)?.length, 30);
  });

  it('does not say that nothing is to be run where the calendar is not known yet', () => {
    const [raw, computed] = plans;
    const text = renderPlans([raw!, { ...computed!, cells: [] }], plain, true, 0);
    assert.match(text, /^stage raw: 3 cells, 28 left out; more when these have filled the calendar\n/);
    assert.match(text, /\nstage computed: known when the calendar is filled/);
  });

  it('says so of a stage in which nothing is to be run', () => {
    assert.equal(renderPlans([{ stage: 'raw', cells: [], leftOut: [], ramp: [] }], plain, true), 'stage raw: nothing to run, as it looks now\n');
  });

  it('lists each cell by itself in JSON', () => {
    const [raw] = z.array(z.object({ cells: z.array(z.unknown()), left_out: z.array(z.unknown()) })).parse(plansJson(plans));
    assert.deepEqual(raw?.cells[0], { processor: 'A', game_date: '2024-01-04', action: 'fill', reason: 'no rows' });
    assert.equal(raw?.left_out.length, 28);
  });
});
