import assert from 'node:assert/strict';
import sinon from 'sinon';
import { lookAtGate, type GateLook } from '../../../shared/flows/staged/checks.ts';
import { begun } from '../../../shared/staged/transitions.ts';
import { asked, definitionOf } from '../../staged/builders.ts';
import { EmptySeason } from './empty-season.ts';

const [STAGE] = definitionOf([{ name: 'raw', phases: ['phase_2_raw'], gate: { checks: ['checks/a.sql'] } }]).stages;
const GATE = STAGE!.gate!;
const definition = definitionOf([{ name: 'raw', phases: ['phase_2_raw'], gate: GATE }], [{ file: 'checks/a.sql', sql: '-- no box is empty\nSELECT 1 FROM box' }]);
const record = begun('whole-1', definition, asked('2024-01-01', '2024-01-20'));
const lookWith = (signal = new AbortController().signal): GateLook => ({ signal, keep: async () => undefined });

describe('flows/staged/checks', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => {
    sinon.restore();
    season.close();
  });

  it('asks the warehouse about the dates asked for, and keeps how many rows are wrong with the first of them', async () => {
    const check = sinon.stub(season.warehouse, 'check').resolves({ rows: 3, sample: [{ n: 1 }] });
    assert.deepEqual((await lookAtGate(season.site.engine, record, GATE, lookWith()))?.checks, [{ name: 'a', demands: 'no box is empty', table: season.site.engine.world.processor('Box').output.ref, outcome: { kind: 'offended', rows: 3, sample: [{ n: 1 }] } }]);
    const { from, to } = record.asked;
    const [about] = check.firstCall.args;
    assert.deepEqual(about.inputs.map(({ upstream, range }) => [upstream.name, range]), [['Box', { from, to }]]);
  });

  it('keeps why a check could not be run', async () => {
    sinon.stub(season.warehouse, 'check').rejects(new Error('no such column'));
    const [result] = (await lookAtGate(season.site.engine, record, GATE, lookWith()))?.checks ?? [];
    assert.ok(result?.outcome.kind === 'did_not_run', JSON.stringify(result));
    assert.match(result.outcome.message, /no such column/);
  });

  it('does not run a check whose table the pipeline does not have any more, and says why', async () => {
    const check = sinon.spy(season.warehouse, 'check');
    const gone = begun('whole-1', { ...definition, checks: [{ file: 'checks/a.sql', sql: 'SELECT 1 FROM boxes' }] }, asked('2024-01-01', '2024-01-20'));
    const [result] = (await lookAtGate(season.site.engine, gone, GATE, lookWith()))?.checks ?? [];
    assert.ok(result?.outcome.kind === 'did_not_run', JSON.stringify(result));
    assert.match(result.outcome.message, /unknown table boxes/);
    assert.equal(check.called, false);
  });

  it('judges nothing where it is stopped meanwhile: a check that was cut short says nothing of the data', async () => {
    const stop = new AbortController();
    sinon.stub(season.warehouse, 'check').callsFake(() => {
      stop.abort();
      return Promise.reject(new Error('stopped'));
    });
    assert.equal(await lookAtGate(season.site.engine, record, GATE, lookWith(stop.signal)), null);
  });
});
