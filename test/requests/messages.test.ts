import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { asPhaseComplete, parseBackfillRequest, parseTargetAnswer } from '../../shared/requests/decode.ts';
import { cascadeTriggerSchema, instantOf, messageJsonSchemas, targetInputSchema } from '../../shared/requests/messages.ts';

const request = { processor_name: 'PlayerGameSummaryProcessor', start_date: '2023-11-15', end_date: '2023-11-15' };
const complete = { phase: 'phase_2_raw', processor_name: 'NbacPlayerBoxscoreProcessor', game_date: '2023-11-15', status: 'success' };

function reasonOf(result: { kind: 'ok'; value: unknown } | { kind: 'refused'; reason: string }): string {
  assert.equal(result.kind, 'refused');
  return result.kind === 'refused' ? result.reason : '';
}
function valueOf<T>(result: { kind: 'ok'; value: T } | { kind: 'refused'; reason: string }): T {
  if (result.kind === 'refused') throw new Error(result.reason);
  return result.value;
}
const asRequest = (value: unknown) => parseBackfillRequest(JSON.stringify(value));
const asComplete = (value: unknown) => asPhaseComplete(JSON.parse(JSON.stringify(value)));

describe('a backfill request', () => {
  it('needs only a processor and its dates, and gets the documented defaults', () => {
    assert.deepEqual(valueOf(asRequest(request)), {
      ...request, is_backfill: true, trigger_reason: null, requested_at: null, requested_by: null, priority: 'normal', request_id: null, backfill_id: null,
      skip_downstream_trigger: true, reprocess: 'none', force: false, dry_run: false, reason: null, cause_id: null,
    });
  });

  it('takes the message that source document 003 publishes', () => {
    const value = valueOf(asRequest({ ...request, is_backfill: true, trigger_reason: 'auto_backfill', requested_at: '2023-11-16T04:10:00.123456' }));
    assert.equal(value.trigger_reason, 'auto_backfill');
  });

  it('keeps fields that it does not know', () => {
    assert.deepEqual(Reflect.get(valueOf(asRequest({ ...request, lookback: { days: [1, 2] } })), 'lookback'), { days: [1, 2] });
  });

  it('takes null for a field that was left out', () => {
    const value = valueOf(asRequest({ ...request, is_backfill: null, priority: null, request_id: null, force: null, game_date: null }));
    assert.deepEqual([value.is_backfill, value.priority, value.request_id, value.force], [true, 'normal', null, false]);
  });

  for (const name of ['game_date', 'data_date', 'analysis_date']) {
    it(`takes ${name} for one date`, () => {
      const value = valueOf(asRequest({ processor_name: 'P', [name]: '2023-11-15' }));
      assert.deepEqual([value.start_date, value.end_date], ['2023-11-15', '2023-11-15']);
      assert.equal(Object.hasOwn(value, name), false);
    });
  }

  const bad: readonly (readonly [what: string, message: unknown, says: RegExp])[] = [
    ['without anything', {}, /processor_name: missing/],
    ['without dates', { processor_name: 'P' }, /start_date: missing; send start_date and end_date/],
    ['without an end', { processor_name: 'P', start_date: '2023-11-15' }, /end_date: missing; for one date/],
    ['without a processor', { start_date: '2023-11-15', end_date: '2023-11-15' }, /processor_name: missing/],
    ['with an empty processor', { ...request, processor_name: '' }, /processor_name: ''/],
    ['with a number for a name', { ...request, processor_name: 5 }, /processor_name: 5: .*expected string/],
    ['with a date that does not exist', { ...request, end_date: '2023-02-30' }, /end_date: '2023-02-30': write a date as YYYY-MM-DD/],
    ['with a date written otherwise', { ...request, end_date: '11/15/2023' }, /end_date: '11\/15\/2023': write a date as YYYY-MM-DD, for example 2023-11-15;/],
    ['with a time for a date', { ...request, end_date: '2023-11-15T00:00:00' }, /write a date as YYYY-MM-DD/],
    ['with a number for a date', { ...request, end_date: 20231115 }, /end_date: 20231115: write a date as YYYY-MM-DD/],
    ['with a text for a flag', { ...request, force: 'true' }, /force: 'true': .*expected boolean/],
    ['with an unknown priority', { ...request, priority: 'urgent' }, /priority: 'urgent': .*"high"\|"normal"\|"low"/],
    ['with an unknown reprocess', { ...request, reprocess: 'all' }, /reprocess: 'all': .*"none"\|"failed"\|"completed"/],
    ['with two different dates', { processor_name: 'P', game_date: '2023-11-15', data_date: '2023-11-16' }, /are the same thing; here they differ/],
    ['with a date beside another range', { ...request, game_date: '2023-11-16' }, /another date than start_date and end_date/],
    ['that is a list', [request], /received \[.*a backfill request is a JSON object/],
    ['that is a text', 'backfill please', /received 'backfill please'; a backfill request is a JSON object/],
    ['that is null', null, /received null/],
  ];
  for (const [what, message, says] of bad) it(`${what} is refused, with what to do`, () => assert.match(reasonOf(asRequest(message)), says));

  it('with several mistakes is told all of them', () => {
    const reason = reasonOf(asRequest({ processor_name: 5, start_date: 'x', end_date: 'y', force: 1 }));
    for (const field of ['processor_name', 'start_date', 'end_date', 'force']) assert.match(reason, new RegExp(`${field}: `));
  });
});

describe('a phase-complete message', () => {
  it('gets the documented defaults', () => {
    assert.deepEqual(valueOf(asComplete(complete)), {
      ...complete, backfill_mode: false, skip_downstream_trigger: false, rows_processed: null, run_id: null, started_at: null, completed_at: null, backfill_id: null,
      code_version: null, error_message: null, cause_id: null,
    });
  });

  for (const name of ['data_date', 'analysis_date']) {
    it(`takes ${name} for game_date`, () => {
      const { game_date: date, ...rest } = complete;
      assert.equal(valueOf(asComplete({ ...rest, [name]: date })).game_date, date);
    });
  }

  it('takes times with and without a zone', () => {
    const value = valueOf(asComplete({ ...complete, started_at: '2023-11-16T04:10:00.123456', completed_at: '2023-11-16T05:10:00+01:00' }));
    assert.equal(instantOf(value.started_at ?? ''), Date.parse('2023-11-16T04:10:00.123Z'));
    assert.equal(instantOf(value.completed_at ?? ''), Date.parse('2023-11-16T04:10:00Z'));
  });

  const bad: readonly (readonly [what: string, message: unknown, says: RegExp])[] = [
    ['without a date', { ...complete, game_date: undefined }, /game_date: missing/],
    ['without a status', { ...complete, status: undefined }, /status: missing/],
    ['with an unknown status', { ...complete, status: 'done' }, /status: 'done': .*"success"\|"failed"\|"skipped"\|"no_data"/],
    ['with fewer than no rows', { ...complete, rows_processed: -1 }, /rows_processed: -1/],
    ['with half a row', { ...complete, rows_processed: 1.5 }, /rows_processed: 1.5/],
    ['with a time that is none', { ...complete, started_at: 'yesterday' }, /started_at: 'yesterday': write a time as/],
  ];
  for (const [what, message, says] of bad) it(`${what} is refused, with what to do`, () => assert.match(reasonOf(asComplete(message)), says));
});

describe("a target's messages", () => {
  it('are those of the processor contract', () => {
    const input = {
      ...request, run_id: 'r1', is_backfill: true, backfill_mode: true, skip_downstream_trigger: true, strict_mode: true, trigger_reason: 'auto_backfill', backfill_id: null,
    };
    assert.deepEqual(targetInputSchema.parse(input), input);
    const answer = valueOf(parseTargetAnswer('{"status": "failed", "error": {"type": "KeyError", "message": "points"}}'));
    assert.deepEqual([answer.status, answer.error, answer.rows_processed], ['failed', { type: 'KeyError', message: 'points' }, null]);
  });

  it('are refused where the answer is not one', () => {
    assert.match(reasonOf(parseTargetAnswer('<html>502</html>')), /received '<html>502<\/html>', which is not JSON/);
    assert.match(reasonOf(parseTargetAnswer('{"status": "ok"}')), /status: 'ok'/);
  });
});

describe('the JSON Schema of the messages', () => {
  const schemas = messageJsonSchemas();
  it('says what is required, what the defaults are, and that other fields are kept', () => {
    assert.deepEqual(schemas.backfill_request.required, ['processor_name']);
    assert.deepEqual(schemas.backfill_request.anyOf?.[0], { required: ['start_date', 'end_date'] });
    assert.deepEqual(schemas.backfill_request.additionalProperties, {});
    assert.deepEqual(schemas.phase_complete.required, ['phase', 'processor_name', 'status']);
    const property = schemas.backfill_request.properties?.['skip_downstream_trigger'];
    assert.equal(typeof property === 'object' && property.default, true);
  });
  it('can be written as JSON', () => assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(schemas))), ['backfill_request', 'phase_complete', 'target_input', 'target_answer', 'cascade_trigger']));
});

describe('docs/messages.md', () => {
  const page = readFileSync(new URL('../../docs/messages.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, block = '']) => block);

  it('shows messages that are taken', () => {
    valueOf(parseBackfillRequest(/--message \\\n\s*'([^']+)'/.exec(page)?.[1] ?? ''));
    valueOf(asPhaseComplete(JSON.parse(examples[0] ?? '')));
    targetInputSchema.parse(JSON.parse(examples[1] ?? ''));
    valueOf(parseTargetAnswer(examples[2] ?? ''));
    cascadeTriggerSchema.parse(JSON.parse(examples[3] ?? ''));
    for (const line of (examples[4] ?? '').trim().split('\n')) assert.equal(typeof JSON.parse(line), 'object');
  });

  it('names every field', () => {
    for (const schema of Object.values(messageJsonSchemas())) {
      for (const field of Object.keys(schema.properties ?? {})) assert.match(page, new RegExp(`[\`"]${field}[\`"]`), field);
    }
  });
});
