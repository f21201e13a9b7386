import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { lackingBefore } from '../../shared/staged/before.ts';
import { CHAIN, complete, makePipeline, makeWorld, never } from '../core-builders.ts';
import { recordOf } from './builders.ts';

const STAGES = [{ name: 'raw', phases: ['raw'] }, { name: 'computed', phases: ['analytics'] }];
const strict = { strict: true, windowCompleteness: 1 };

describe('staged/before', () => {
  const pipeline = makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-31' }] });
  const from = (date: string) => {
    const record = recordOf(STAGES);
    return { ...record, asked: { ...record.asked, from: dayOf(date) } };
  };
  const told = (world: Parameters<typeof lackingBefore>[0], date: string) => lackingBefore(world, from(date), strict).map(({ processor, days }) => [processor, ...days.map(formatDay)]);

  it('names dates before those asked for that are read and not there, by processor', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-08', '2024-01-09', '2024-01-10', '2024-01-11');
    assert.deepEqual(told(world, '2024-01-10'), [['A', '2024-01-08', '2024-01-09']], 'what is asked for is filled');
  });

  it('names dates between those asked for, too: of a file, or left out', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-05', '2024-01-16', '2024-01-18');
    const record = recordOf(STAGES);
    const asked = { ...record.asked, from: dayOf('2024-01-10'), to: dayOf('2024-01-20') };
    const names = (changes: Partial<typeof asked>) => lackingBefore(world, { ...record, asked: { ...asked, ...changes } }, strict).map(({ processor, days }) => [processor, ...days.map(formatDay)]);
    assert.deepEqual(names({}), []);
    assert.deepEqual(names({ exclude: [dayOf('2024-01-16')] }), [['A', '2024-01-16']]);
    assert.deepEqual(names({ dates: [dayOf('2024-01-10'), dayOf('2024-01-19'), dayOf('2024-01-20')] }), [['A', '2024-01-18']]);
  });

  it('names none where the windows are complete, or where the season begins with the first date', () => {
    const world = complete(makeWorld(pipeline));
    never(world, 'A', '2024-01-20');
    assert.deepEqual(told(world, '2024-01-10'), []);
    assert.deepEqual(told(makeWorld(pipeline), '2024-01-01'), []);
  });
});
