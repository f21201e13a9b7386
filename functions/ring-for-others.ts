import type { Worked } from '../shared/flows/work.ts';
import type { HandlerDeps } from './deps.ts';
import { ring } from './doorbell.ts';

/**
 * Rows that have changed make their readers stale, what ended may let a plan go on, and what there was no time for has to
 * be taken up by somebody: the detector looks, in a run of its own.
 */
export async function ringForOthers({ bus, detectionTopic, time }: Pick<HandlerDeps, 'bus' | 'detectionTopic' | 'time'>, worked: readonly Worked[]): Promise<void> {
  const [first] = worked.filter(({ outcome }) => outcome === 'ran' || outcome === 'failed' || outcome === 'cut_off');
  if (first) await ring(bus, detectionTopic, { trigger: 'repaired', day: first.day, cause: first.cause });
  else if (time?.ranOut) await ring(bus, detectionTopic, { trigger: 'goes_on', day: null, cause: null });
}
