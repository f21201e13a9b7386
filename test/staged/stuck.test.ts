import assert from 'node:assert/strict';
import { othersWaitText, stuckText, waitChain } from '../../shared/staged/stuck.ts';
import type { OpenRequest } from '../../shared/requests/cell.ts';
import { cell, CHAIN, complete, lose, makePipeline, makeWorld, openOn } from '../core-builders.ts';

const [FIRST, SECOND, LAST] = [cell('C', '2024-01-05'), cell('B', '2024-01-05'), cell('A', '2024-01-05')];
const waits = (on: typeof FIRST, state: OpenRequest['state'] = 'waiting'): Partial<OpenRequest> => ({ state, waitingFor: on, waitingSince: 1 });

describe('staged/stuck', () => {
  const season = () => complete(makeWorld(makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-05' }] })));

  it('follows what a request waits for, whoever has asked for that, to a cell that nobody works on', () => {
    const world = season();
    lose(world, 'A', '2024-01-05');
    openOn(world, 'B', '2024-01-05', waits(LAST, 'blocked'), { by: 'ann' });
    openOn(world, 'C', '2024-01-05', waits(SECOND));
    const chain = waitChain(world, FIRST);
    assert.deepEqual(chain, { cells: [FIRST, SECOND, LAST], isMoving: false, stuckOn: { ...LAST, because: 'missing' } });
    assert.equal(stuckText(world, chain), 'reads B 2024-01-05, which ann has asked for and which waits for A 2024-01-05, which is missing; see: smart-backfill why A 2024-01-05');
    assert.equal(othersWaitText(world, waitChain(world, SECOND)), 'B 2024-01-05, which ann has asked for, waits for A 2024-01-05, which is missing; see: smart-backfill why A 2024-01-05');
    assert.equal(stuckText(world, waitChain(world, SECOND)), 'reads A 2024-01-05, which is missing');
  });

  const MOVES: readonly (readonly [string, (world: ReturnType<typeof season>) => void])[] = [
    ['is queued', (world) => { openOn(world, 'A', '2024-01-05', { state: 'queued' }); }],
    ['is run', (world) => { openOn(world, 'A', '2024-01-05', { state: 'processing' }); }],
    ['waits in turn for the first', (world) => { openOn(world, 'A', '2024-01-05', waits(FIRST)); }],
  ];
  for (const [what, open] of MOVES) {
    it(`is not stuck where the last one ${what}`, () => {
      const world = season();
      lose(world, 'A', '2024-01-05');
      openOn(world, 'B', '2024-01-05', waits(LAST));
      openOn(world, 'C', '2024-01-05', waits(SECOND));
      open(world);
      assert.deepEqual([waitChain(world, FIRST).isMoving, waitChain(world, FIRST).stuckOn], [true, null]);
    });
  }

  it('is not stuck where the last one may be read by now: whoever waits for it was not woken', () => {
    const world = season();
    openOn(world, 'C', '2024-01-05', waits(SECOND));
    assert.deepEqual([waitChain(world, FIRST).isMoving, waitChain(world, FIRST).stuckOn], [false, null]);
    assert.deepEqual(waitChain(world, LAST), { cells: [LAST], isMoving: false, stuckOn: null }, 'what has no request does not wait');
  });
});
