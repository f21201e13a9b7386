import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { accept } from '../../shared/flows/operate.ts';
import { EmptySeason, kim, SEASON_STAGES } from './staged/empty-season.ts';

describe('flows/operate: accepting', () => {
  it('a gap twice keeps the games that it was accepted without: their readers stay without them', async () => {
    const season = await EmptySeason.open();
    const day = dayOf('2024-01-06');
    season.outside.down = (cell) => (cell === `BoxPage ${formatDay(day)}` ? { type: 'no_data', message: 'the league has lost it' } : null);
    const { id } = await season.start(SEASON_STAGES.slice(0, 2));
    await season.advance(id);
    const { engine, store } = season.site;
    const key = { processor: 'BoxPage', day };
    const looked = async () => {
      const world = await engine.refresh(day, day);
      return { keys: (await store.cell(key)).acceptance?.missingKeys, box: factsOf(world, world.processor('Box'), day).shortcomings };
    };
    await accept(engine, [key], kim, null);
    const once = await looked();
    assert.ok((once.keys ?? []).length > 0);
    await accept(engine, [key], { by: 'ann', reason: 'I know' }, null);
    assert.deepEqual(await looked(), once);
    assert.equal((await store.cell(key)).acceptance?.by, 'ann');
    season.close();
  });
});
