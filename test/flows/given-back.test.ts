import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { claimCell } from '../../shared/flows/claim.ts';
import { finishGivenBack } from '../../shared/flows/finish.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { askOf } from '../core-builders.ts';
import { ManualClock } from '../manual-clock.ts';
import { AFTER_SEASON, cleanState, newState } from '../simulation/clean.ts';
import { Cluster } from '../simulation/cluster.ts';
import { Random } from '../simulation/random.ts';
import { SEASON } from '../simulation/mini-league.ts';
import { Outside } from '../simulation/site.ts';

const DATE = '2024-01-05';
const PAGE = { processor: 'SchedulePage', day: dayOf('2024-01-06') };

describe('A run that is given back since its inputs are others by now', () => {
  it('is taken next by nobody who does not know them: an older calendar would be run by again, without end', async () => {
    const state = await cleanState();
    const warehouse = new MemoryWarehouse(state.pipeline);
    const clock = new ManualClock(AFTER_SEASON);
    const cluster = new Cluster({
      pipeline: state.pipeline, databasePath: newState(state), warehouse, clock, outside: new Outside(), random: new Random(1), instances: 1, duplicates: 0, kills: 0, asynchronous: new Set(),
    });
    const [one, other] = [cluster.person(), cluster.person()];
    await other.refresh(SEASON.from, SEASON.to);
    warehouse.outside(state.pipeline.byName.get('Schedule')!, dayOf(DATE), state.rows.get(`Schedule ${DATE}`)!);
    await one.refresh(SEASON.from, SEASON.to);
    const knows = (): boolean => other.world.expectedDates(other.world.processor('Box')).has(dayOf(DATE));
    await openAsk(one, askOf({ id: 'kims', asker: 'person', by: 'kim', at: clock.now() }), [PAGE]);
    const taken = await claimCell(one, PAGE);
    assert.ok(taken.kind === 'claimed' && !knows());
    await finishGivenBack(one, taken.claim, 'inputs_changed');
    assert.equal((await claimCell(other, PAGE)).kind, 'claimed');
    assert.equal(knows(), true);
    cluster.close();
  });
});
