import assert from 'node:assert/strict';
import sinon from 'sinon';
import { dayOf } from '../../shared/calendar/day.ts';
import { Looks } from '../../shared/flows/looks.ts';
import { WholeSeason } from '../simulation/season.ts';

const DATE = '2024-01-09';
const cell = { processor: 'Box', day: dayOf(DATE) };

describe('looks that overlap', () => {
  it('leave what is known by the one that began last, and by a write of this process', () => {
    const looks = new Looks();
    const [first, second] = [looks.begin(), looks.begin()];
    assert.equal(looks.isNewest(cell, second.number), true);
    assert.equal(looks.isNewest(cell, first.number), false);
    assert.equal(looks.isNewest({ ...cell, processor: 'Other' }, first.number), true);
    assert.equal(looks.isNewest(cell, looks.next()), true);
    assert.equal(looks.isNewest(cell, second.number), false);
  });

  it('add nothing to a look at everything but what became known after it began', async () => {
    const season = await WholeSeason.open();
    try {
      const looks = new Looks();
      const early = looks.begin();
      const whole = looks.begin();
      const told: string[] = [];
      looks.note(() => told.push('seen before'), early.number);
      looks.note(() => told.push('written since'), looks.next());
      looks.sawAll(whole, season.site.engine.world);
      assert.deepEqual(told, ['written since']);
      assert.equal(looks.isNewest(cell, early.number), false);
    } finally {
      season.close();
    }
  });

  for (const how of ['relearn', 'refresh'] as const) {
    it(`at a cell that was empty, and ends after its rows were written, does not have it run again (then ${how})`, async () => {
      const season = await WholeSeason.open();
      try {
        const { engine, warehouse } = { engine: season.site.engine, warehouse: season.site.engine.parts.warehouse };
        const processor = season.site.processor('Box');
        season.write('Box', DATE, null);
        await engine.refresh(cell.day, cell.day);
        assert.equal(engine.world.coverage(processor, cell.day), undefined);
        const seen = await warehouse.coverage([processor], cell.day, cell.day);
        const answer = Promise.withResolvers<typeof seen>();
        const slow = sinon.stub(warehouse, 'coverage').returns(answer.promise);
        const late = engine.rereadCell(processor, cell.day);
        slow.restore();
        season.write('Box', DATE);
        if (how === 'relearn') await engine.relearn([cell]);
        else await engine.refresh(cell.day, cell.day);
        answer.resolve(seen);
        await late;
        assert.ok(engine.world.coverage(processor, cell.day), 'the rows are there');
      } finally {
        season.close();
      }
    });
  }

  it('are older than what a run has found after its rows were written, though somebody else had seen them before it', async () => {
    const season = await WholeSeason.open();
    try {
      const { engine } = season.site;
      const { warehouse } = engine.parts;
      const processor = season.site.processor('Box');
      season.write('Box', DATE, null);
      await engine.refresh(cell.day, cell.day);
      const empty = await warehouse.coverage([processor], cell.day, cell.day);
      season.write('Box', DATE);
      const written = await warehouse.coverage([processor], cell.day, cell.day);
      const [first, second] = [Promise.withResolvers<typeof empty>(), Promise.withResolvers<typeof empty>()];
      const slow = sinon.stub(warehouse, 'coverage');
      slow.onFirstCall().returns(first.promise).onSecondCall().returns(second.promise);
      const others = [engine.rereadCell(processor, cell.day), engine.rereadCell(processor, cell.day)];
      slow.restore();
      first.resolve(written);
      await others[0];
      sinon.stub(warehouse, 'mayHaveChanged').returns(true);
      await engine.recheck(processor, cell.day);
      second.resolve(empty);
      await others[1];
      assert.ok(engine.world.coverage(processor, cell.day), 'the rows are there');
    } finally {
      season.close();
    }
  });
});
