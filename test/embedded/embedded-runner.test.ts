import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { dayOf } from '../../shared/calendar/day.ts';
import { EmbeddedRunner, type EmbeddedRunnerOptions } from '../../shared/embedded/embedded-runner.ts';
import { InputError, NeverRetryError } from '../../shared/failures/errors.ts';
import type { Processor } from '../../shared/pipeline/pipeline.ts';
import { orderFor, processorRunnerContract } from '../contract/processor-runner.ts';
import { named } from '../contract/warehouse-under-test.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';

const pipelineDirectory = fileURLToPath(new URL('./runner-targets', import.meta.url));
const nov15 = dayOf('2023-11-15');

function runner(options: Partial<EmbeddedRunnerOptions> = {}): EmbeddedRunner {
  return new EmbeddedRunner({ pipelineDirectory, sourceDirectory: '/nowhere', graceMilliseconds: 300, ...options });
}

function withTarget(target: Processor['target'], timeoutSeconds = 30, sourceCheck: string | null = null): Processor {
  return { ...named(warehousePipeline(), 'Summary'), target, timeoutSeconds, sourceCheck };
}

const inProcess = (name: string, timeoutSeconds?: number) => withTarget({ in_process: `./targets.ts#${name}` }, timeoutSeconds);
const command = (behaviour: string, timeoutSeconds?: number) =>
  withTarget({ command: [process.execPath, '--disable-warning=ExperimentalWarning', 'command.ts', behaviour] }, timeoutSeconds);

processorRunnerContract('EmbeddedRunner, in process,', () => ({ runner: runner(), processor: inProcess }));
processorRunnerContract('EmbeddedRunner, by command,', () => ({ runner: runner(), processor: command }));

describe('EmbeddedRunner', () => {
  describe('in process', () => {
    it('names a function that is missing, and those that are there', async () => {
      await assert.rejects(runner().run(orderFor(inProcess('copy_input'))), (thrown) => thrown instanceof InputError && /targets\.ts#copy_input.*does not export; it exports .*copies_input/.test(thrown.message));
    });
    it('takes no value for a function', async () => {
      await assert.rejects(runner().run(orderFor(inProcess('notAFunction'))), InputError);
    });
    it('names a module that is missing', async () => {
      await assert.rejects(runner().run(orderFor(withTarget({ in_process: './nowhere.ts#run' }))), (thrown) => thrown instanceof NeverRetryError && /nowhere\.ts cannot be loaded/.test(thrown.message));
    });
    it('prefers a registered function', async () => {
      const registry = new Map([['./targets.ts#fails', async () => ({ status: 'no_data', message: 'registered' } as const)]]);
      assert.deepEqual(await runner({ registry }).run(orderFor(inProcess('fails'))), { kind: 'no_data', message: 'registered' });
    });
    it('keeps the code of a system error, which says what to do', async () => {
      const registry = new Map([['Summary', async () => { throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }); }]]);
      const answer = await runner({ registry }).run(orderFor(inProcess('fails')));
      assert.ok(answer.kind === 'failed' && answer.error.message.includes('ECONNREFUSED'));
    });
  });

  describe('a command', () => {
    it('that was killed is told by its signal', async () => {
      const answer = await runner().run(orderFor(command('kills_itself')));
      assert.ok(answer.kind === 'failed');
      assert.match(answer.error.message, /killed by signal SIGKILL/);
    });
    it('that does not heed SIGTERM is killed', async () => {
      const started = performance.now();
      const answer = await runner().run(orderFor(command('hangs_stubbornly', 1)));
      assert.ok(answer.kind === 'failed' && answer.error.type === 'Timeout');
      assert.ok(performance.now() - started < 20_000);
    });
    it('may write megabytes', async () => {
      const answer = await runner().run(orderFor(command('writes_much')));
      assert.ok(answer.kind === 'rows', JSON.stringify(answer));
      assert.equal(answer.rows.length, 60_000);
    });
    it('need not read its input, however long', async () => {
      const rows = Array.from({ length: 50_000 }, (_, row) => ({ row, text: 'x'.repeat(50) }));
      assert.deepEqual(await runner().run(orderFor(command('ignores_input'), { read: async () => rows })), { kind: 'no_data', message: 'never read' });
    });
    it('that is not installed is told', async () => {
      const answer = await runner().run(orderFor(withTarget({ command: ['no-such-program-here'] })));
      assert.ok(answer.kind === 'failed');
      assert.match(answer.error.message, /ENOENT/);
    });
    it('that says nothing has not answered', async () => {
      const answer = await runner().run(orderFor(command('does_nothing')));
      assert.ok(answer.kind === 'failed' && answer.error.type === 'InvalidAnswer');
    });
    it('without rows is not an empty date unless it says so', async () => {
      const answer = await runner().run(orderFor(withTarget({ command: ['echo', '{"status":"success","rows":[]}'] })));
      assert.deepEqual(answer, { kind: 'rows', rows: [] });
    });
  });

  describe('a source check', () => {
    const asked = (check: string | null, at = nov15) => runner().sourceHas(withTarget({ in_process: './targets.ts#fails' }, 30, check), at);
    it('answers for the date', async () => {
      assert.equal(await asked('./targets.ts#sourceHas'), 'has_data');
      assert.equal(await asked('./targets.ts#sourceHas', dayOf('2023-11-16')), 'no_data');
    });
    it('is unknown where none is declared', async () => { assert.equal(await asked(null), 'unknown'); });
    it('is refused where it answers something else', () => assert.rejects(asked('./targets.ts#sourceNonsense'), /answered "perhaps"; allowed are has_data, no_data, unreachable/));
  });

  for (const [kind, target] of [['http', { http: 'https://example.com' }], ['cloud_run_job', { cloud_run_job: 'job' }], ['pubsub', { pubsub: 'topic' }]] as const) {
    it(`says that ${kind} targets run on Google only`, () => assert.rejects(runner().run(orderFor(withTarget(target))), new RegExp(`kind ${kind}: such targets run on Google only`)));
  }
});
