import assert from 'node:assert/strict';
import { cancelled } from '../../../shared/staged/transitions.ts';
import { broken, EmptySeason, kim, RAW, SEASON_STAGES } from './empty-season.ts';

describe('flows/staged/advance', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  it('goes past the gate of a stage of which nothing was asked for', async () => {
    await season.advance((await season.start(RAW)).id);
    const { id } = await season.start(undefined, { processors: ['TeamForm'] });
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    assert.deepEqual(record?.stages.map((stage) => stage.gate?.tables.map((table) => table.processor) ?? null), [null, null, ['TeamForm'], null]);
  });

  it('does not go past a canary date that failed, whatever the policy', async () => {
    season.outside.fail('Box 2024-01-01', broken);
    const { id } = await season.start(RAW, { errorPolicy: 'skip-deps' });
    assert.deepEqual([(await season.advance(id))?.note, season.outside.started.filter((cell) => cell.startsWith('BoxPage'))], ['stage preflight holds: 1 failure is unresolved', ['BoxPage 2024-01-01']]);
  });

  it('does not go past a stage of a phase, nor end over a processor, that the pipeline does not have any more', async () => {
    const { id } = await season.start([...RAW, { name: 'gone', phases: ['phase_9_gone'], gate: { coverage_percent: 100 } }]);
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.note], ['gate_held', 'stage gone holds: the pipeline does not have the phase phase_9_gone any more']);
    await season.order(id, (current, now) => cancelled(current, kim, now));
    const other = await season.start(RAW, { processors: ['Gone'] });
    assert.equal((await season.advance(other.id))?.note, 'stage preflight holds: the pipeline does not have the processor Gone any more');
  });

  it('holds a gate whose check cannot be run', async () => {
    const stages = [{ ...SEASON_STAGES[0]!, gate: { checks: ['checks/a.sql'] } }];
    const { id } = await season.start(stages);
    const record = await season.advance(id);
    assert.equal(record?.state, 'gate_held');
    assert.match(record?.note ?? '', /the check a could not be run, so that nothing is known: it is not there/);
  });
});
