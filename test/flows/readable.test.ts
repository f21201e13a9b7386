import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { NeverRetryError, RetrySoonError } from '../../shared/failures/errors.ts';
import { ReadableCoverage } from '../../shared/flows/readable.ts';
import type { Alert } from '../../shared/ports/notifier.ts';
import type { Warehouse } from '../../shared/ports/warehouse.ts';
import { WholeSeason } from '../simulation/season.ts';

const DATE = dayOf('2024-01-12');

describe('coverage where a table cannot be read', () => {
  let season: WholeSeason;
  let broken: Error | null;
  let alerts: Alert[];
  let readable: ReadableCoverage;
  beforeEach(async () => {
    season = await WholeSeason.open();
    broken = new NeverRetryError("table raw.box lacks 'points'");
    alerts = [];
    const coverage: Warehouse['coverage'] = async (processors, from, to) => {
      if (broken && processors.some(({ name }) => name === 'Box')) throw broken;
      return season.warehouse.coverage(processors, from, to);
    };
    readable = new ReadableCoverage({ warehouse: { ...bound(season.warehouse), coverage }, clock: season.clock, notifier: { notify: async (alert) => { alerts.push(alert); } } });
  });
  afterEach(() => season.close());

  const both = () => [season.site.processor('Box'), season.site.processor('TeamForm')];

  it('is that of all the others, and nothing counts as there of that one', async () => {
    const found = await readable.read(both(), DATE, DATE);
    assert.equal(found.get('Box')?.size, 0);
    assert.equal(found.get('TeamForm')?.size, 1);
  });

  it('tells a person once, and again when it broke again', async () => {
    await readable.read(both(), DATE, DATE);
    await readable.read(both(), DATE, DATE);
    assert.deepEqual(alerts.map(({ severity, event, lines }) => [severity, event, lines]), [['critical', 'table_unreadable', ["table raw.box lacks 'points'"]]]);
    const was = broken;
    broken = null;
    assert.equal((await readable.read(both(), DATE, DATE)).get('Box')?.size, 1);
    broken = was;
    await readable.read(both(), DATE, DATE);
    assert.equal(alerts.length, 2);
  });

  it('does not make light of a warehouse that cannot be reached: then nothing is judged', async () => {
    broken = new RetrySoonError('connection reset');
    await assert.rejects(readable.read(both(), DATE, DATE), /connection reset/);
    assert.deepEqual(alerts, []);
  });
});

function bound(warehouse: Warehouse): Warehouse {
  return {
    coverage: (...args) => warehouse.coverage(...args), mayHaveChanged: (...args) => warehouse.mayHaveChanged(...args), calendarRows: (...args) => warehouse.calendarRows(...args),
    stage: (...args) => warehouse.stage(...args), promotion: (...args) => warehouse.promotion(...args), rows: (...args) => warehouse.rows(...args), check: (...args) => warehouse.check(...args),
    keep: (...args) => warehouse.keep(...args), kept: (...args) => warehouse.kept(...args), remembersMs: (...args) => warehouse.remembersMs(...args), close: () => warehouse.close(),
  };
}
