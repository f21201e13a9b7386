import { count, counted, instant } from '../output/words.ts';
import type { Session } from '../session.ts';
import type { Check } from './doctor-check.ts';

const LONG_WAIT_MS = 24 * 3_600_000;

/** What the state says, in either runtime. */
export async function commonChecks(session: Session): Promise<readonly Check[]> {
  const { store, engine, kind } = session.runtime;
  const now = engine.parts.clock.now();
  const checks: Check[] = [];
  const { paused, adoptedOn } = await store.controls();
  checks.push(paused
    ? { name: 'paused', result: 'wrong', found: `by ${paused.by} since ${instant(paused.at)} UTC: ${paused.reason}`, mend: session.command('resume') }
    : { name: 'paused', result: 'ok', found: 'no', mend: null });
  const open = await store.openCells();
  const waiting = open.filter(({ request }) => request?.waitingSince && now - request.waitingSince > LONG_WAIT_MS);
  checks.push({
    name: 'requests', result: waiting.length > 0 ? 'wrong' : 'ok', found: `${count(open.length)} open${waiting.length > 0 ? `, ${count(waiting.length)} of them waiting for more than a day` : ''}`,
    mend: waiting.length > 0 ? session.command('requests', 'list') : null,
  });
  const unsent = (await store.unsent(1000)).length;
  if (unsent > 0) checks.push({ name: 'outbox', result: 'note', found: `${counted(unsent, 'message')} committed and not yet published`, mend: kind === 'google' ? 'the functions publish them with their next invocation' : session.command('up') });
  checks.push({ name: 'adopted on', result: 'ok', found: adoptedOn === null ? 'not yet: the first detection is the day of adoption' : new Date(adoptedOn * 86_400_000).toISOString().slice(0, 10), mend: null });
  return checks;
}

export function modeChecks({ pipeline }: Session): readonly Check[] {
  const meaning = { observe: 'decides and logs what it would have held, holds and queues nothing', assist: 'fills gaps, holds nothing', enforce: 'fills gaps and holds cascades' };
  return pipeline.phases.map((phase) => ({ name: `mode of ${phase.name}`, result: 'ok', found: `${phase.mode}: ${meaning[phase.mode]}`, mend: null }));
}
