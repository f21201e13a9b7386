import assert from 'node:assert/strict';
import { markOf, newsSince } from '../../shared/alerts/news.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { backfillRecordSchema, currentStage, hasEnded, type BackfillRecord, type GateResult } from '../../shared/staged/record.ts';
import { approved, begun, cancelled, paused, resumed, retried, skipped, stageEnded, stopped, takenOver, withFailures, type Person } from '../../shared/staged/transitions.ts';
import { Random, seeds } from '../simulation/random.ts';
import { asked, definitionOf, recordOf, TWO_STAGES } from './builders.ts';

const kim: Person = { by: 'kim', reason: 'because' };
const PASSED: GateResult = { at: 5, passed: true, reasons: [], notes: [], tables: [], successRate: 100, unresolved: 0, checks: [] };
const HELD: GateResult = { ...PASSED, passed: false, reasons: ['Box: 3 of 4 dates are complete'] };
const failure = (date: string, runId = 'r1') => ({ processor: 'Box', day: dayOf(date), category: 'processing', message: 'division by zero', runId, skipped: false }) as const;

describe('staged/transitions', () => {
  it('begins with the first stage, and keeps who asked for what and why', () => {
    const record = recordOf();
    assert.deepEqual([record.state, record.stage, record.stages[0]?.startedAt, record.stages[1]?.startedAt], ['running', 0, 1000, null]);
    assert.match(record.journal[0]?.text ?? '', /^whole over 2024-01-01 to 2024-01-31: the winter is missing$/);
  });

  it('goes from stage to stage, and ends after the last', () => {
    const second = stageEnded(recordOf(), PASSED, 10);
    assert.deepEqual([second.stage, second.state, second.stages[0]?.endedAt, second.stages[0]?.gate?.passed], [1, 'running', 10, true]);
    const end = stageEnded(second, null, 20);
    assert.deepEqual([end.state, end.endedAt, end.stages[1]?.endedAt], ['finished', 20, 20]);
  });

  it('holds at a gate that does not pass, and tries what failed again when it is resumed', () => {
    const held = stageEnded(withFailures(recordOf(), [failure('2024-01-03')], 9), HELD, 10);
    assert.deepEqual([held.state, held.stage, held.stages[0]?.endedAt], ['gate_held', 0, null]);
    assert.match(held.note, /the gate after raw holds: Box: 3 of 4 dates are complete/);
    const again = resumed(held, kim, 20);
    assert.deepEqual([again.state, currentStage(again).progress.round, currentStage(again).progress.retriedFrom, again.failures[0]?.became], ['running', 1, 1, 'retried']);
  });

  it('waits for approval before a stage that needs it', () => {
    const stages = [TWO_STAGES[0]!, { ...TWO_STAGES[1]!, needs_approval: true }];
    const waits = stageEnded(recordOf(stages), PASSED, 10);
    assert.deepEqual([waits.state, waits.stage, waits.stages[1]?.startedAt], ['waits_for_approval', 1, null]);
    assert.throws(() => resumed(waits, kim, 11), /backfill approve whole-1/);
    const goes = approved(waits, kim, 12);
    assert.deepEqual([goes.state, goes.stages[1]?.approvedBy, goes.stages[1]?.startedAt], ['running', 'kim', 12]);
  });

  it('keeps a failure once, however often it is seen, and both failures of a cell that was retried', () => {
    const once = withFailures(withFailures(recordOf(), [failure('2024-01-03')], 1), [failure('2024-01-03')], 2);
    assert.equal(once.failures.length, 1);
    const twice = withFailures(resumed(stopped(once, 'stop', 3), kim, 4), [failure('2024-01-03', 'r2')], 5);
    assert.deepEqual(twice.failures.map((entry) => entry.became), ['retried', 'open']);
  });

  it('stays as it is when another process takes it over, and says from whom', () => {
    const before = recordOf();
    const { journal, ...after } = takenOver(before, { owner: 'host-7', heardAt: 60_000 }, 200_000);
    assert.deepEqual({ ...after, journal: before.journal }, before);
    assert.deepEqual(journal.at(-1), { at: 200_000, by: 'smart-backfill', event: 'taken_over', text: 'from host-7, of which nothing was heard since 1970-01-01T00:01:00.000Z: it goes on from what stands in state' });
    assert.deepEqual(newsSince({ journal }, markOf(before.journal.at(-1)!)), [], 'nobody is alerted of it by itself');
  });

  it('has room for its failures within what one document holds', () => {
    const many = Array.from({ length: 3000 }, (_, index) => ({ ...failure('2024-01-03', `r${index}`), message: 'x'.repeat(2000) }));
    const record = withFailures(recordOf(), many, 1);
    assert.equal(record.failures.length + record.failuresLeftOut, 3000);
    assert.ok(JSON.stringify(record).length < 600_000);
  });

  it('says of a text for which there is no room that there was more of it', () => {
    const texts = [300, 301, 5000].map((length) => withFailures(recordOf(), [{ ...failure('2024-01-03'), message: 'é'.repeat(length / 2) }], 1).failures[0]?.message ?? '');
    assert.deepEqual(texts, ['é'.repeat(150), 'é'.repeat(150), `${'é'.repeat(148)}…`]);
    assert.equal(stopped(recordOf(), 'x'.repeat(401), 1).journal.at(-1)?.text, `${'x'.repeat(397)}…`);
  });

  it('fits into one document whatever was told of it, in any language', () => {
    const many = Array.from({ length: 3000 }, (_, index) => ({ ...failure('2024-01-03', `run-${index}-of-a-long-name`), message: '“é\n"'.repeat(500), skipped: true }));
    let record = withFailures(recordOf(), many, 1_700_000_000_000);
    for (let entry = 0; entry < 1000; entry += 1) record = stopped(record, 'é"'.repeat(2000), 1_700_000_000_000 + entry);
    assert.ok(Buffer.byteLength(JSON.stringify(record)) < 800_000, `${Buffer.byteLength(JSON.stringify(record))}`);
    assert.equal(record.journal[0]?.event, 'started');
  });

  it('keeps what is open of too many failures, and forgets what was tried again first', () => {
    const many = (run: string, count: number) => Array.from({ length: count }, (_, index) => failure('2024-01-03', `${run}${index}`));
    const first = withFailures(recordOf(), many('a', 650), 1);
    const second = withFailures(resumed(stopped(first, 'enough', 2), kim, 3), many('b', 650), 4);
    assert.deepEqual([second.failures.filter((entry) => entry.became === 'open').length, second.failures.length, second.failuresLeftOut], [650, 700, 600]);
  });

  it('takes a skipped date out, with its reason', () => {
    const record = skipped(withFailures(recordOf(), [failure('2024-01-03')], 1), dayOf('2024-01-03'), kim, 2);
    assert.deepEqual([record.failures[0]?.became, record.failures[0]?.note, record.skips[0]?.reason], ['skipped', 'because', 'because']);
    assert.equal(currentStage(record).progress.round, 1);
    assert.throws(() => skipped(record, dayOf('2024-01-03'), kim, 3), /skipped already, by kim: because/);
    assert.throws(() => skipped(record, dayOf('2024-02-03'), kim, 3), /does not have; allowed are dates of 2024-01-01 to 2024-01-31/);
  });

  const WRONG: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['resuming what is finished', () => resumed(stageEnded(stageEnded(recordOf(), PASSED, 1), null, 2), kim, 3), /received resume for backfill whole-1, which is finished/],
    ['cancelling twice', () => cancelled(cancelled(recordOf(), kim, 1), kim, 2), /received cancel for backfill whole-1, which is cancelled/],
    ['approving what does not wait', () => approved(recordOf(), kim, 1), /waits for none: it is running/],
    ['pausing twice', () => paused(paused(recordOf(), kim, 1), kim, 2), /is paused already/],
    ['pausing what has stopped', () => paused(stopped(recordOf(), 'Box failed', 1), kim, 2), /backfill whole-1 starts nothing as it is \(stopped\), and need not be paused: Box failed; to end it: smart-backfill backfill cancel whole-1/],
    ['resuming what runs', () => resumed(recordOf(), kim, 1), /is running; nothing is to be resumed; look on with: smart-backfill backfill watch whole-1/],
  ];
  for (const [what, act, message] of WRONG) it(`refuses ${what}`, () => { assert.throws(act, message); });

  for (const seed of seeds(200)) {
    it(`stays a record that can be kept and told of, whatever is done in whatever order (seed ${seed})`, () => {
      const random = new Random(seed);
      const stages = [{ ...TWO_STAGES[0]!, needs_approval: random.chance(0.3) }, { ...TWO_STAGES[1]!, needs_approval: random.chance(0.3) }];
      let record = begun('whole-1', definitionOf(stages), asked('2024-01-01', '2024-01-31'));
      for (let now = 2000; now < 2060 && !hasEnded(record); now += 1) {
        const before = record;
        const acts: readonly (() => BackfillRecord)[] = [
          () => paused(record, kim, now), () => resumed(record, kim, now), () => approved(record, kim, now), () => retried(record, kim, now),
          () => skipped(record, dayOf(`2024-01-${String(1 + random.below(31)).padStart(2, '0')}`), kim, now),
          () => (record.state === 'running' ? stageEnded(record, random.chance(0.5) ? HELD : PASSED, now) : record),
          () => (record.state === 'running' ? stopped(record, 'a failure', now) : record),
          () => (random.chance(0.05) ? cancelled(record, kim, now) : record),
        ];
        try {
          record = random.pick(acts)();
        } catch (error) {
          assert.match(String(error), /smart-backfill|allowed|already|nothing|is (?:stopped|gate held|waits)/);
          assert.equal(record, before);
        }
        assert.deepEqual(backfillRecordSchema.parse(JSON.parse(JSON.stringify(record))), record);
        assert.ok(record.stage >= before.stage, 'it never goes back to an earlier stage');
        if (record.stage > before.stage && before.stages[before.stage]?.endedAt === null) assert.notEqual(record.stages[before.stage]?.gate?.passed, false, 'no stage is left by a gate that holds');
        assert.equal(record.endedAt !== null, hasEnded(record));
      }
    });
  }
});
