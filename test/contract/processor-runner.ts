import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import type { ProcessorRunner, RunOrder } from '../../shared/ports/processor-runner.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { Cases, type Exceptions } from './exceptions.ts';

/** What a target of the suite does when it is run. */
export type TargetBehaviour = 'copies_input' | 'has_no_data' | 'fails' | 'crashes' | 'hangs' | 'answers_nonsense' | 'echoes_order';

export interface RunnerUnderTest {
  readonly runner: ProcessorRunner;
  /** A processor whose target behaves so. */
  processor(behaviour: TargetBehaviour, timeoutSeconds: number): Processor;
  /** Of targets that write their tables themselves: the order that the target got last. Theirs has no rows to show it in. */
  readonly heard?: () => Row | undefined;
}

const inputRows: readonly Row[] = [{ game_date: '2023-11-15', player_id: 1, points: 20 }, { game_date: '2023-11-15', player_id: 2, points: null }];

export function orderFor(processor: Processor, change: Partial<RunOrder> = {}): RunOrder {
  const day = dayOf('2023-11-15');
  return {
    processor, day, runId: 'run-1', isBackfill: true, skipDownstreamTrigger: true, strictMode: true, triggerReason: 'auto_backfill', backfillId: null,
    read: async (upstream) => (upstream === 'Boxscores' ? inputRows : []), inputs: [{ upstream: 'Boxscores', range: { from: day, to: day } }],
    signal: new AbortController().signal, ...change,
  };
}

export function processorRunnerContract(name: string, open: () => RunnerUnderTest, exceptions: Exceptions = {}): void {
  describe(`${name} keeps the processor runner's contract`, () => {
    const under = open();
    const cases = new Cases(exceptions);
    const { must } = cases;
    const run = (behaviour: TargetBehaviour, timeoutSeconds = 30, change: Partial<RunOrder> = {}) => under.runner.run(orderFor(under.processor(behaviour, timeoutSeconds), change));

    must('hands back rows made of the declared inputs', async () => {
      assert.deepEqual(await run('copies_input'), { kind: 'rows', rows: inputRows });
    });

    must('tells the target what it is to do', async () => {
      const answer = await run('echoes_order');
      const told = under.heard ? [under.heard()] : answer.kind === 'rows' && answer.rows;
      assert.deepEqual(told, [{ processor: 'Summary', date: '2023-11-15', run: 'run-1', backfill: true, skip: true, strict: true, reason: 'auto_backfill', id: null }]);
    });

    must('tells no data from a failure', async () => {
      assert.deepEqual(await run('has_no_data'), { kind: 'no_data', message: 'the page is empty' });
    });

    must("hands on the target's own error", async () => {
      assert.deepEqual(await run('fails'), { kind: 'failed', error: { type: 'ValueError', message: 'no column FGM' } });
    });

    must('says how a target crashed', async () => {
      // Answered or thrown: both are classified by what they say.
      const said = await run('crashes').then((answer) => (answer.kind === 'failed' ? answer.error.message : answer.kind), String);
      assert.match(said, /cannot read the page/);
    });

    must('refuses an answer that is none', async () => {
      const answer = await run('answers_nonsense');
      assert.ok(answer.kind === 'failed');
      assert.equal(answer.error.type, 'InvalidAnswer');
    });

    must('ends a target that hangs when its time is over', async () => {
      const started = performance.now();
      const answer = await run('hangs', 0.3);
      assert.deepEqual(answer, { kind: 'failed', error: { type: 'Timeout', message: 'Summary for 2023-11-15 timed out: it was stopped after 0.3 s (timeout_seconds)' } });
      assert.ok(performance.now() - started < 20_000);
    });

    must('ends a target that is cancelled', async () => {
      const answer = await run('hangs', 30, { signal: AbortSignal.timeout(200) });
      assert.ok(answer.kind === 'failed');
      assert.equal(answer.error.type, 'Cancelled');
    });

    must('says that nothing runs on once it has answered', async () => {
      assert.equal(await under.runner.cancel(under.processor('copies_input', 30), 'run-1'), null);
    });

    it('names only cases that there are as exceptions', () => {
      assert.deepEqual(cases.unknown(), []);
    });
  });
}
