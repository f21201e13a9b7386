import assert from 'node:assert/strict';
import { z } from 'zod';
import { reportMarkdown } from '../../scripts/output/backfill-report.ts';
import { backfillBrief, backfillJson } from '../../scripts/output/backfill-json.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import type { TriedAgain } from '../../shared/flows/staged/attempts.ts';
import type { World } from '../../shared/gaps/world.ts';
import { noted } from '../../shared/staged/journal.ts';
import type { BackfillRecord, NewFailure } from '../../shared/staged/record.ts';
import { evaluateGate } from '../../shared/staged/stage-gate.ts';
import { quotaPaused, resumed, skipped, stageEnded, takenOver, withFailures } from '../../shared/staged/transitions.ts';
import { accepted, CHAIN, complete, makePipeline, makeWorld, never } from '../core-builders.ts';
import { recordOf } from '../staged/builders.ts';

const shown = z.looseObject({
  progress: z.unknown(), stages: z.array(z.looseObject({ gate: z.looseObject({ tables: z.array(z.unknown()) }).nullable() })), failures: z.array(z.looseObject({ game_date: z.string(), became: z.string(), status: z.string() })),
});
const kim = { by: 'kim', reason: 'the source is mended' };
const STAGES = [
  { name: 'raw', phases: ['raw'], concurrency: 10, retries: 1, error_policy: 'continue', gate: { coverage_percent: 100, success_rate_percent: 99, max_nulls: 0, checks: ['checks/a.sql'] } },
  { name: 'computed', phases: ['analytics'], order: 'by_date' },
];
const failure = (date: string, changes: Partial<NewFailure> = {}): NewFailure => ({ processor: 'A', day: dayOf(date), category: 'processing', message: `the page of ${date} has no table`, runId: `run-${date}`, skipped: false, ...changes });

/** The first gate held on three dates of which one has been mended, one was accepted, one skipped, and then it passed. */
function lived(): { readonly world: World; readonly record: BackfillRecord } {
  const world = complete(makeWorld(makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-31' }] })));
  const dates = ['2024-01-03', '2024-01-04', '2024-01-08'];
  never(world, 'A', '2024-01-04', '2024-01-08', '2024-01-20');
  const checks = [{ name: 'a', demands: 'nothing is wrong', table: 'data.a', outcome: { kind: 'passed' } }] as const;
  const look = (record: BackfillRecord, at: number) => stageEnded(record, evaluateGate(world, record, record.definition.stages[0]!.gate!, checks, at), at);
  const failures = [...dates.map((date) => failure(date)), failure('2024-01-20', { category: 'infrastructure', message: 'connect ETIMEDOUT 10.0.0.7:443' })];
  const held = look(withFailures(recordOf(STAGES), failures, 5000), 6000);
  assert.equal(held.state, 'gate_held');
  accepted(world, 'A', '2024-01-08');
  const again = skipped(resumed(held, kim, 7_200_000), dayOf('2024-01-20'), { by: 'ann', reason: 'the league has lost it | for good' }, 7_300_000);
  const passed = look(withFailures(again, [failure('2024-01-04', { runId: 'second' })], 7_400_000), 7_500_000);
  return { world, record: passed };
}

describe('output/backfill-report', () => {
  const { world, record } = lived();
  const report = reportMarkdown(record, world, 7_600_000, []);

  it('says first how it stands, then what was asked, by whom and why', () => {
    assert.match(report, /^# Backfill whole-1\n\nIt \*\*is held by a gate\*\*, 2 h 06 min \(stood 2 h 01 min\) after its start: the gate after raw holds: data\.a: 96\.6 % of 30 dates \(1 missing\); at least 100 % is needed\. /);
    assert.match(report, /51 of 60 cells are complete now \(85 %\)\. Gates passed: 0 of 1; the one after raw holds\. 4 cells failed in spite of retries \(5 times in all\); 2 of them are complete now\. 1 date was skipped by hand\.\n/);
    assert.match(report, /\| By \| kim, at 1970-01-01 00:00:01 UTC \|\n\| Why \| the winter is missing \|\n\| Definition \| whole \(version h1\) \|\n\| Dates \| 2024-01-01 to 2024-01-31 \|/);
  });

  it('says first that its rows were taken back since', () => {
    const back = reportMarkdown(noted(record, 7_550_000, 'ann', 'rollback', 'it counted twice: 51 cells restored'), world, 7_600_000, []);
    assert.match(back, /It was \*\*rolled back\*\* at 1970-01-01 02:05:50 UTC by ann \(it counted twice: 51 cells restored\)\. 51 of 60 cells/);
  });

  it('tells every stage with how it ran, its times and figures', () => {
    assert.match(report, /\| raw \| raw; 10 at a time; one retry; on failure continue \| 1970-01-01 00:00:01 \|  \| 2 h 06 min \(stood 2 h 01 min\) \| 29 of 30 \(96\.6 %\) \| 1 \| holds \|/);
    assert.match(report, /\| computed \| analytics; date by date; 2 retries; on failure stop \| not begun \|  \|  \| .* \| none \|/);
  });

  it('puts failures that are alike together, with when and how often, the category and what became of each', () => {
    assert.match(report, /By category: processing \(3\); infrastructure \(1\)\. What became of them: tried again, complete now \(1\); unresolved, missing now \(1\); /);
    assert.match(report, /\| raw \| 2024-01-03 \| A \| processing \| the page of 2024-01-03 has no table \| 1970-01-01 00:00:05 \| tried again; complete now \|/);
    assert.match(report, /\| raw \| 2024-01-08 \| A \| processing \| .* \| tried again; accepted by a person \|/);
    assert.match(report, /\| raw \| 2024-01-04 \| A \| processing \| .* \| 1970-01-01 00:00:05 to 02:03:20, 2 times \| unresolved; missing now \|\n/);
    assert.equal(report.split('| 2024-01-04 | A |').length, 2);
    assert.match(report, /\| raw \| 2024-01-20 \| A \| infrastructure \| connect ETIMEDOUT 10\.0\.0\.7:443 \| 1970-01-01 00:00:05 \| date skipped by ann \|/);
  });

  it('stays readable with hundreds of failures', () => {
    const many = Array.from({ length: 300 }, (_, at) => failure(`2024-01-${String(1 + (at % 29)).padStart(2, '0')}`, { processor: at % 2 === 0 ? 'A' : 'B', runId: `run-${at}` }));
    const text = reportMarkdown(withFailures(recordOf(STAGES), many, 5000), world, 6000, []);
    const section = text.slice(text.indexOf('## Failures'), text.indexOf('## Skipped'));
    assert.ok(section.split('\n').length < 20, section);
    assert.match(text, /58 cells failed in spite of retries \(300 times in all\); /);
    assert.match(section, /By category: processing\. /);
    assert.match(section, /\d+ dates: 2024-01-01\.\.2024-01-03, /);
  });

  it('puts attempts that are alike together, which its own retries took up', () => {
    const attempt = (date: string, minute: number, changes: Partial<TriedAgain> = {}): TriedAgain => ({
      run_id: `run-${date}-${minute}`, processor_name: 'A', data_date: date, category: 'infrastructure', error_message: `connect ETIMEDOUT for ${date}`, attempt: 1, created_at: `2024-02-01T00:0${minute}:00Z`, outcome: 'succeeded', ...changes,
    });
    const text = reportMarkdown(record, world, 7_600_000, [attempt('2024-01-03', 1), attempt('2024-01-04', 2), attempt('2024-01-04', 3), attempt('2024-01-09', 4, { outcome: null })]);
    assert.match(text, /4 attempts failed and were tried again without a person:\n/);
    assert.match(text, /\| 2024-02-01 00:01:00 to 00:03:00, 3 times \| 2 dates: 2024-01-03\.\.2024-01-04 \| A \| infrastructure \| connect ETIMEDOUT for 2024-01-03 \(the first\) \| tried again by itself: succeeded \|\n/);
    assert.match(text, /\| 2024-02-01 00:04:00 \| 2024-01-09 \| A \| infrastructure \| connect ETIMEDOUT for 2024-01-09 \| tried again by itself \|\n/);
  });

  it('has skipped dates with who and why, in cells that a | does not end', () => {
    assert.match(report, /## Skipped dates\n\n.*\n.*\n\| 2024-01-20 \| ann \| 1970-01-01 02:01:40 \| the league has lost it \\\| for good \|/);
  });

  it('has gates with what was wanted, the figures, which dates lack, and the checks', () => {
    assert.match(report, /### After raw: holds, 1970-01-01 02:05:00 UTC\n\nWanted: every expected date of each critical table; no unresolved failure; a success rate of at least 99 %; no null in required columns; no stale, altered or suspect date; no row found by 1 check\.\n\nIt holds, because\n\n- data\.a: 96\.6 % of 30 dates/);
    assert.match(report, /\| data\.a \| A \| 29 of 30 \(1 accepted\) \| 96\.6 % \| 1 missing: 2024-01-04 \| 0 \|/);
    assert.match(report, /- checks\/a\.sql \(nothing is wrong\): 0 rows found/);
    assert.match(report, /To be known:\n\n- 1 accepted by a person: counted as complete\n- 1 left out with a reason: not counted/);
  });

  it('tells of a gate that had held before with its reasons, and with what people did then', () => {
    assert.match(report, /It held before:\n\n- 1970-01-01 00:00:06 UTC: data\.a: 90\.3 % of 31 dates \(3 missing\); at least 100 % is needed\. Then resumed by kim at 02:00:00 \(the source is mended\), skipped by ann at 02:01:40 \(2024-01-20: .*\)\.\n\n/);
    assert.match(report, /Of the cells that had ended by then, 100 % were complete; no failure was unresolved\./);
    assert.doesNotMatch(reportMarkdown(recordOf(STAGES), world, 6000, []), /held before/);
  });

  it('says what was asked for instead of what the definition has, where a stage ran by that', () => {
    const asked = { ...recordOf(STAGES).asked, errorPolicy: 'skip-deps', concurrency: 3, ramp: true, join: 'whole-0' } as const;
    const text = reportMarkdown({ ...recordOf(STAGES), asked }, world, 6000, []);
    assert.match(text, /\| raw \| raw; 3 at a time; one retry; on failure skip-deps \|/);
    assert.match(text, /\| In steps \| [^|]*--ramp[^|]*\|\n\| After \| whole-0, /);
  });

  it('says of a stage that it went by cascade', () => {
    const text = reportMarkdown(recordOf([{ name: 'dates', phases: ['raw', 'analytics'], order: 'by_date', cascade: true }]), world, 6000, []);
    assert.match(text, /\| dates \| raw, analytics; date by date; after the first phase by cascade; 2 retries; on failure stop \|/);
  });

  it('writes the instants within its own texts as it writes all others', () => {
    const text = reportMarkdown(quotaPaused(takenOver(recordOf(STAGES), { owner: 'host-7', heardAt: 60_000 }, 200_000), 'too many queries', 300_000, 200_000), world, 210_000, []);
    assert.match(text, /after its start: a quota is used up, and it goes on by itself at 1970-01-01 00:05:00 UTC: too many queries\./);
    assert.match(text, /\| taken over \| from host-7, of which nothing was heard since 1970-01-01 00:01:00 UTC: /);
    assert.doesNotMatch(text, /\dT\d/);
  });

  it('keeps cells apart that failed and that were skipped for want of them', () => {
    const left = failure('2024-01-05', { processor: 'B', category: 'defensive_block', message: 'reads A 2024-01-04, which is missing', runId: null, skipped: true });
    const text = reportMarkdown(withFailures(recordOf(STAGES), [failure('2024-01-04'), left], 5000), world, 6000, []);
    assert.match(text, /1 cell failed in spite of retries, 1 cell was skipped for want of what had failed; none of them is complete now\./);
  });

  it('ends with the journal', () => {
    assert.match(report, /## Journal\n\n[^]*\| 1970-01-01 02:00:00 \| kim \| resumed \| the source is mended \|\n\| 1970-01-01 02:01:40 \| ann \| skipped \| 2024-01-20: the league has lost it \\\| for good \|\n/);
  });

  it('says that nothing failed, and that no gate was reached, where that is so', () => {
    const text = reportMarkdown(recordOf(STAGES), world, 6000, []);
    assert.match(text, /Nothing failed for good\./);
    assert.match(text, /## Gates\n\nNone was reached\./);
  });

  it('has the same in JSON, with the fields of the list', () => {
    const json = backfillJson(record, world);
    const { id, asked, state, ...brief } = backfillBrief(record);
    assert.deepEqual({ ...json, ...brief, id, asked, state }, json);
    const { progress, stages, failures } = shown.parse(JSON.parse(JSON.stringify(json)));
    assert.deepEqual(progress, { expected: 60, complete: 51, failed: 1 });
    assert.deepEqual(stages[0]?.gate?.tables, [{
      processor: 'A', table: 'data.a', critical: true, expected: 30, complete: 28, accepted: 1, missing: 1, short: 0, stale: 0, altered: 0, suspect: 0, pending: 0, nulls: 0, left_out: 1, lacking: ['2024-01-04'],
    }]);
    assert.deepEqual(failures.map(({ game_date: date, became, status }) => [date, became, status]), [
      ['2024-01-03', 'retried', 'complete'], ['2024-01-04', 'retried', 'missing'], ['2024-01-08', 'retried', 'accepted'], ['2024-01-20', 'retried', 'missing'], ['2024-01-04', 'open', 'missing'],
    ]);
  });
});
