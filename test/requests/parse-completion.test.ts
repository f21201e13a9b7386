import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PhaseComplete } from '../../shared/requests/messages.ts';
import { parseCompletion } from '../../shared/requests/parse-completion.ts';
import { parseRequest } from '../../shared/requests/parse-request.ts';
import { changed, pipelineOf } from '../pipeline/fixture.ts';

const plain = pipelineOf();
const mapped = pipelineOf(changed(
  ['processors:\n', `message_map:
  fields: {processor: processor_name, proc: processor_name, date: game_date, state: status, meta.job: run_id, rows: rows_processed, ended: completed_at}
  statuses: {OK: success, DONE: success, ERROR: failed, EMPTY: no_data, 0: success, true: success}
  ignore: [newsletter]
processors:
`],
  ['completion_topic: analytics-complete}', 'completion_topic: analytics-complete, message_map: {fields: {which: processor_name}, statuses: {OK: skipped}, default_status: success, phases: {analytics: phase_3_analytics}}}'],
  ['    table: raw.boxscore\n', '    table: raw.boxscore\n    aliases: [box, nba.boxscore]\n'],
));

function valueOf(topic: string | null, message: unknown, pipeline = mapped): PhaseComplete {
  const parsed = parseCompletion(pipeline, topic, JSON.stringify(message));
  if (parsed.kind !== 'ok') throw new Error(JSON.stringify(parsed));
  return parsed.value;
}

function reasonOf(topic: string | null, message: unknown, pipeline = mapped): string {
  const parsed = parseCompletion(pipeline, topic, JSON.stringify(message));
  if (parsed.kind !== 'refused') throw new Error(JSON.stringify(parsed));
  return parsed.reason;
}

describe('a completion message of a running pipeline', () => {
  it('is read with the fields, values, aliases and topic that the definition names', () => {
    const value = valueOf('raw-complete', { processor: 'box', date: '20231115', state: 'OK', rows: '12', meta: { job: 4711 }, ended: '2023-11-16 04:10:00', colour: 'red' });
    const { phase, processor_name: name, game_date: date, status, run_id: run, rows_processed: rows, completed_at: at } = value;
    assert.deepEqual({ phase, name, date, status, run, rows, at }, { phase: 'phase_2_raw', name: 'Boxscore', date: '2023-11-15', status: 'success', run: '4711', rows: 12, at: '2023-11-16T04:10:00' });
    assert.equal(Reflect.get(value, 'colour'), 'red');
  });

  for (const [state, status] of [['DONE', 'success'], ['done', 'success'], ['ERROR', 'failed'], ['EMPTY', 'no_data'], ['SKIPPED', 'skipped'], [0, 'success'], [true, 'success']] as const) {
    it(`means ${status} by ${JSON.stringify(state)}`, () => {
      assert.equal(valueOf('raw-complete', { proc: 'Schedule', date: 20231115, state }).status, status);
    });
  }

  it('is a message of ours too: their services can change one at a time', () => {
    const value = valueOf('raw-complete', { phase: 'phase_2_raw', processor_name: 'Boxscore', data_date: '2023-11-15', status: 'success' });
    assert.deepEqual([value.processor_name, value.game_date, value.status], ['Boxscore', '2023-11-15', 'success']);
  });

  it("has the phase's own map laid over the pipeline's, by the topic that it came from", () => {
    const value = valueOf('analytics-complete', { which: 'Summary', date: '2023-11-15', state: 'OK', phase: 'analytics' });
    assert.deepEqual([value.phase, value.status], ['phase_3_analytics', 'skipped']);
    assert.equal(valueOf('analytics-complete', { which: 'Summary', date: '2023-11-15' }).status, 'success', 'default_status');
    assert.match(reasonOf('raw-complete', { which: 'Boxscore', date: '2023-11-15', state: 'OK' }), /processor_name: missing/);
  });

  it("without a known topic gets its processor's phase", () => {
    assert.equal(valueOf(null, { processor: 'nba.boxscore', date: '2023-11-15', state: 'OK' }).phase, 'phase_2_raw');
  });

  it('has the date that the map names, whatever else it says of dates', () => {
    assert.equal(valueOf('raw-complete', { processor: 'box', date: '20231115', analysis_date: '2023-11-01', state: 'OK' }).game_date, '2023-11-15');
    assert.match(reasonOf('raw-complete', { processor: 'box', data_date: '20231115', analysis_date: '2023-11-01', state: 'OK' }), /here they differ/);
  });

  it('is ignored where the definition leaves its processor out by name, and refused later where it does not', () => {
    assert.deepEqual(parseCompletion(mapped, 'raw-complete', '{"processor": "newsletter", "date": "x"}'), { kind: 'ignored', processorName: 'newsletter' });
    assert.equal(valueOf('raw-complete', { processor: 'stranger', date: '20231115', state: 'OK' }).processor_name, 'stranger');
  });

  it('is refused with what was made of it', () => {
    assert.match(reasonOf('raw-complete', { processor: 'box', date: '20231115', state: 'WEIRD' }), /status: 'WEIRD'.*message_map made of it .*complete message_map/);
    assert.match(reasonOf('raw-complete', { processor: 'box', date: '20231315', state: 'OK' }), /game_date: '2023-13-15'|write a date/);
    assert.match(reasonOf('raw-complete', ['box']), /is a JSON object/);
  });

  it('is taken as strictly as ever where there is no map', () => {
    assert.match(reasonOf('raw-complete', { processor_name: 'Boxscore', game_date: '2023-11-15', status: 'SUCCESS' }, plain), /status: 'SUCCESS'/);
    assert.doesNotMatch(reasonOf('raw-complete', { processor_name: 'Boxscore' }, plain), /message_map/);
    assert.equal(valueOf('raw-complete', { processor_name: 'Boxscore', game_date: '20231115', status: 'success' }, plain).phase, 'phase_2_raw');
  });

  it('never throws, whatever it is', () => {
    for (const pipeline of [plain, mapped]) {
      fc.assert(fc.property(fc.json(), fc.constantFrom('raw-complete', 'analytics-complete', 'other', null), (body, topic) => { parseCompletion(pipeline, topic, body); }));
      fc.assert(fc.property(fc.uint8Array(), (bytes) => { parseCompletion(pipeline, null, bytes); }));
      fc.assert(fc.property(fc.dictionary(fc.constantFrom('processor', 'proc', 'date', 'state', 'meta', 'phase', 'status', 'game_date'), fc.jsonValue()), (message) => {
        parseCompletion(pipeline, 'raw-complete', JSON.stringify(message));
      }));
    }
  });
});

describe('a backfill request that names an alias', () => {
  it('means the processor', () => {
    const parsed = parseRequest(mapped, JSON.stringify({ processor_name: 'nba.boxscore', game_date: '2023-11-15' }));
    assert.equal(parsed.kind === 'ok' ? parsed.value.processor_name : parsed.reason, 'Boxscore');
  });

  it('is left as it is where nothing has that name', () => {
    const parsed = parseRequest(mapped, JSON.stringify({ processor_name: 'Boxscores', game_date: '2023-11-15' }));
    assert.equal(parsed.kind === 'ok' ? parsed.value.processor_name : parsed.reason, 'Boxscores');
  });
});
