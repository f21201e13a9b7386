import type { Day } from '../calendar/day.ts';
import { classify } from '../failures/classify.ts';
import type { QualityCheck } from '../pipeline/checks.ts';
import type { CheckFigures } from '../staged/gate.ts';
import type { Engine } from './engine.ts';

/** A check that takes longer is stopped: an invocation on Google has 520 s, and has to read coverage first. */
const CHECK_SECONDS = 480;
const ROWS_SHOWN = 5;

/**
 * Runs one check over the rows of [from, to], for whichever gate. Whatever goes wrong with it, the gate is told that it did
 * not run; only who aborted hears of it by a throw.
 */
export async function runCheck(engine: Engine, { name, demands, sql, reads, of }: QualityCheck, range: { readonly from: Day; readonly to: Day }, signal: AbortSignal | undefined): Promise<CheckFigures> {
  const about = { name, demands, table: of.output.ref };
  try {
    const inputs = reads.map((upstream) => ({ upstream, columns: null, range: { from: range.from, to: range.to } }));
    const { rows, sample } = await engine.parts.warehouse.check({ name, sql, inputs, timeoutSeconds: CHECK_SECONDS }, ROWS_SHOWN, signal);
    return { ...about, outcome: rows === 0 ? { kind: 'passed' } : { kind: 'offended', rows, sample } };
  } catch (thrown) {
    signal?.throwIfAborted();
    return { ...about, outcome: { kind: 'did_not_run', message: classify(thrown).message.replace(`the check ${name}: `, '') } };
  }
}
