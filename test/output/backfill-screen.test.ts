import assert from 'node:assert/strict';
import { plainLine, screenLines } from '../../scripts/output/backfill-screen.ts';
import { Pace } from '../../scripts/output/pace.ts';
import { styleOf, widthOf } from '../../scripts/output/style.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import { evaluateGate } from '../../shared/staged/stage-gate.ts';
import { answerOf, cutShort } from '../../shared/staged/gate-answers.ts';
import { answered, nextRound, stageEnded, withFailures } from '../../shared/staged/transitions.ts';
import { change, CHAIN, complete, failureOf, makePipeline, makeWorld, never } from '../core-builders.ts';
import { recordOf } from '../staged/builders.ts';

const STAGES = [{ name: 'raw', phases: ['raw'], error_policy: 'continue', gate: { coverage_percent: 80, no_unresolved_failures: false } }, { name: 'analytics', phases: ['analytics'], order: 'by_date', gate: { coverage_percent: 100 } }];
const plain = styleOf({ colour: false }, 79);

function running() {
  const world = complete(makeWorld(makePipeline({ ...CHAIN, seasons: [{ name: 'winter', from: '2024-01-01', to: '2024-01-05' }] })));
  for (const name of ['B', 'A']) never(world, name, '2024-01-04');
  change(world, 'A', '2024-01-04', { failure: failureOf({ message: `ValueError: the page of 2024-01-04 has no table, ${'and this goes on '.repeat(9)}` }) });
  const failed = withFailures(recordOf(STAGES), [{ processor: 'A', day: dayOf('2024-01-04'), category: 'processing', message: failureOf().message, runId: 'r', skipped: false }], 4000);
  const record = stageEnded(failed, evaluateGate(world, failed, failed.definition.stages[0]!.gate!, [], 5000), 5000);
  const pace = new Pace();
  pace.at(0, 0);
  pace.at(4000, 8);
  return { record, world, pace, running: [{ processor: 'B', day: dayOf('2024-01-04') }], now: 66_000 };
}

describe('output/backfill-screen', () => {
  it('shows stages, gates, a bar, the rate, the time left, what runs and what failed', () => {
    assert.deepEqual(screenLines(running(), plain), [
      '',
      'whole-1  running for 1 min 05 s',
      'STAGE      STATE    COMPLETE        FAILED        TOOK  GATE',
      'raw        done       4 of 5  80 %       1       4.0 s  passed',
      'analytics  running    3 of 5  60 %          1 min 01 s  not yet',
      '████████████████░░░░ 7 of 10 cells 70 %, 1 failed, 2/s, about 1.0 s left',
      'now     B 2024-01-04',
      'failed  1 cell; the last:',
      '  2024-01-04 A (processing): division by zero',
    ]);
  });

  it('says how many of a gate\'s checks have answered while it is looked at', () => {
    const view = running();
    const checks = ['a', 'b'].map((name) => `checks/${name}.sql`);
    const gated = recordOf([STAGES[0]!, { ...STAGES[1]!, gate: { checks } }]);
    const looking = answered(answered({ ...view.record, definition: gated.definition }, answerOf(checks[0]!, 'rows', 5, { kind: 'passed' })), cutShort(undefined, checks[1]!, 'rows', 6));
    assert.match(screenLines({ ...view, record: looking }, plain).join('\n'), /\nanalytics +running .* looked at: 1 of 2/);
    assert.match(screenLines({ ...view, record: nextRound(looking) }, plain).join('\n'), /\nanalytics +running .* not yet\n/, 'another look begins with none');
  });

  it('has no line that is wider than the terminal, with colours and without', () => {
    for (const columns of [59, 79, 139]) {
      for (const colour of [true, false]) {
        const view = running();
        const failures = view.record.failures.map((failure) => ({ ...failure, message: 'and this goes on '.repeat(20) }));
        const lines = screenLines({ ...view, record: { ...view.record, failures }, running: Array.from({ length: 30 }, () => view.running[0]!) }, styleOf({ colour }, columns));
        assert.deepEqual(lines.filter((line) => widthOf(line) > columns), []);
        // oxlint-disable-next-line no-control-regex -- an ANSI sequence begins with a control character
        assert.equal(lines.some((line) => /\u001B/.test(line)), colour);
      }
    }
  });

  it('fits a terminal of 24 lines however many stages and failures there are', () => {
    const view = running();
    const stages = Array.from({ length: 30 }, (_, at) => ({ name: `stage_${at}`, phases: ['raw'] }));
    const many = { ...recordOf(stages), stage: 20, failures: Array.from({ length: 50 }, () => view.record.failures[0]!) };
    const lines = screenLines({ ...view, record: many }, plain);
    assert.ok(lines.length <= 22, String(lines.length));
    assert.ok(lines.some((line) => line.startsWith('stage_20 ')), 'the stage that it is in is shown');
  });

  it('says the same in one line for a pipe', () => {
    assert.equal(plainLine(running()), 'whole-1: stage analytics, 7 of 10 cells 70 %, 1 failed, 2/s, about 1.0 s left');
  });

  it('gives no rate and no estimate while nothing runs', () => {
    assert.equal(plainLine({ ...running(), running: [] }), 'whole-1: stage analytics, 7 of 10 cells 70 %, 1 failed, nothing runs at the moment');
  });

  it('gives no estimate while the calendar is filled: how much there is to do is known then', () => {
    const view = running();
    const record = recordOf([{ name: 'preflight', phases: ['raw'], calendar_first: true }, { name: 'raw', phases: ['raw'] }]);
    assert.match(plainLine({ ...view, record }), /cells 80 %, 1 failed, 2\/s, calendar first$/);
  });
});
