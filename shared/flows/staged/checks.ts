import type { World } from '../../gaps/world.ts';
import { checkName, compileCheck, type QualityCheck } from '../../pipeline/checks.ts';
import { mistakeMessage } from '../../pipeline/problems.ts';
import type { CheckFigures } from '../../staged/gate.ts';
import { answerOf, answersOf, cutShort, rowsRead } from '../../staged/gate-answers.ts';
import type { BackfillRecord, GateAnswer } from '../../staged/record.ts';
import type { GateDefinition } from '../../staged/schema.ts';
import type { Engine } from '../engine.ts';
import { runCheck } from '../run-check.ts';

export interface GateLook {
  readonly signal: AbortSignal;
  /** Makes an answer durable: whoever goes on with this look does not ask again. */
  readonly keep: (answer: GateAnswer) => Promise<void>;
}

/** What a gate is judged by: the world of this moment, and what its checks say of these very rows. */
export interface Looked {
  readonly world: World;
  readonly checks: readonly CheckFigures[];
}

/**
 * Reads everything, and runs a gate's queries, as the backfill was started with, over all dates asked for. One that fails is
 * a figure with its error: the gate holds on it. After the last of them all is read again, and what reads other rows by then
 * is asked once more. Null: `signal` has aborted, and nothing can be judged yet.
 */
export async function lookAtGate(engine: Engine, record: BackfillRecord, gate: GateDefinition, { signal, keep }: GateLook): Promise<Looked | null> {
  const checks = gate.checks.flatMap((file) => compiled(engine, record, file));
  const answers = new Map(answersOf(record).map((answer) => [answer.file, answer]));
  while (!signal.aborted) {
    const world = await engine.refresh(record.asked.from, record.asked.to);
    let asked = 0;
    for (const { check } of checks) {
      if (!check) continue;
      const of = rowsRead(world, check, record.asked);
      const before = answers.get(check.file);
      if (before?.of === of && before.outcome !== null) continue;
      // It was the check before that took too long.
      if (signal.aborted) return null;
      const answer = await ask(engine, record, check, { of, before, signal });
      answers.set(check.file, answer);
      await keep(answer);
      if (answer.outcome === null) return null;
      asked += 1;
    }
    if (asked === 0) return { world, checks: checks.flatMap(({ figures }) => figures(answers)) };
  }
  return null;
}

interface Compiled {
  /** Null: it can't be run. */
  readonly check: QualityCheck | null;
  readonly figures: (answers: ReadonlyMap<string, GateAnswer>) => CheckFigures[];
}

function compiled({ pipeline }: Engine, { definition }: BackfillRecord, file: string): Compiled[] {
  const kept = definition.checks.find((candidate) => candidate.file === file);
  const name = checkName(file);
  if (!kept || name === null) return [];
  // The pipeline may be another than when the backfill was started.
  const result = compileCheck(name, kept.sql, pipeline);
  if (result.kind === 'wrong') return [{ check: null, figures: () => [{ name, demands: name, table: '', outcome: { kind: 'did_not_run', message: result.mistakes.map(mistakeMessage).join('; ') } }] }];
  const { check } = result;
  return [{
    check,
    figures: (answers) => {
      const outcome = answers.get(check.file)?.outcome ?? null;
      return outcome ? [{ name, demands: check.demands, table: check.of.output.ref, outcome }] : [];
    },
  }];
}

interface Asking {
  readonly of: string;
  readonly before: GateAnswer | undefined;
  readonly signal: AbortSignal;
}

async function ask(engine: Engine, { asked }: BackfillRecord, check: QualityCheck, { of, before, signal }: Asking): Promise<GateAnswer> {
  const { clock } = engine.parts;
  try {
    const { outcome } = await runCheck(engine, check, asked, signal);
    return answerOf(check.file, of, clock.now(), outcome);
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    return cutShort(before, check.file, of, clock.now());
  }
}
