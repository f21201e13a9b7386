import type { ProcessorFunction, SourceCheck } from '../../../shared/ports/processor.ts';

/** Targets of the runner's tests. */

export const copies_input: ProcessorFunction = async (input) => ({ status: 'success', rows: await input.read('Boxscores') });

export const has_no_data: ProcessorFunction = async () => ({ status: 'no_data', message: 'the page is empty' });

export const fails: ProcessorFunction = async () => ({ status: 'failed', error: { type: 'ValueError', message: 'no column FGM' } });

export const crashes: ProcessorFunction = async () => { throw new TypeError('cannot read the page'); };

export const hangs: ProcessorFunction = () => new Promise(() => undefined);

export const answers_nonsense = async (): Promise<unknown> => ({ status: 'success', rows: 'many' });

export const echoes_order: ProcessorFunction = async ({ processorName, gameDate, runId, isBackfill, skipDownstreamTrigger, strictMode, triggerReason, backfillId }) => ({
  status: 'success',
  rows: [{ processor: processorName, date: gameDate, run: runId, backfill: isBackfill, skip: skipDownstreamTrigger, strict: strictMode, reason: triggerReason, id: backfillId }],
});

export const sourceHas: SourceCheck = async ({ gameDate }) => (gameDate === '2023-11-15' ? 'has_data' : 'no_data');

export const sourceNonsense = async (): Promise<unknown> => 'perhaps';

export const notAFunction = 7;
