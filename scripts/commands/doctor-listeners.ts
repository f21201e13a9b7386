import { completionListeners, type ListListeners, type Listener, type TopicListeners } from '../../shared/pipeline/listeners.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { Check } from './doctor-check.ts';

/** Services that still listen to a completion topic: they start the next phase whatever the router decides. */
export async function listenerChecks(pipeline: Pipeline, list: ListListeners): Promise<readonly Check[]> {
  try {
    const checks = (await completionListeners(pipeline, list)).map(checkOf);
    if (checks.some(({ result }) => result !== 'ok')) return checks;
    return [{ name: 'listeners', result: 'ok', found: `the phase router alone listens to ${checks.length === 1 ? 'the completion topic' : `the ${checks.length} completion topics`}`, mend: null }];
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return [{ name: 'listeners', result: 'note', found: `subscriptions of the completion topics could not be listed: ${why}`, mend: 'grant roles/pubsub.viewer on the project to whoever runs this, and run it again' }];
  }
}

function checkOf({ phase, topic, exists, hasRouter, others }: TopicListeners): Check {
  const name = `listeners of ${topic}`;
  if (!exists) return { name, result: 'wrong', found: `there is no topic ${topic}`, mend: 'apply the Terraform of this pipeline (docs/deploy.md), or correct completion_topic in pipeline.yaml' };
  if (!hasRouter) return { name, result: 'wrong', found: `the phase router does not listen: nothing is known of ${phase.name}'s completions`, mend: 'apply the Terraform of this pipeline (docs/deploy.md)' };
  if (others.length === 0) return { name, result: 'ok', found: 'the phase router alone', mend: null };
  const named = others.map(inWords).join(', ');
  if (phase.mode === 'enforce') {
    return { name, result: 'wrong', found: `${named} too: enforce cannot hold back what they start`, mend: `repoint or remove them, or set mode: observe for ${phase.name} (docs/adopt.md, Enforce)` };
  }
  return { name, result: 'note', found: `${named} too: as it should be in ${phase.mode} mode`, mend: `before mode: enforce, repoint or remove them (docs/adopt.md, Enforce)` };
}

function inWords({ subscription, deliversTo }: Listener): string {
  return `${subscription} (${deliversTo === null ? 'pulled' : `to ${deliversTo}`})`;
}
