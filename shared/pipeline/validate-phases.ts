import { enumerated, shown, type Mistake } from './problems.ts';
import type { PipelineDefinition } from './schema.ts';
import { targetsOf } from './targets.ts';

/** Phases, topics and the pipeline's zone. */
export function phaseMistakes(definition: PipelineDefinition): readonly Mistake[] {
  return [...zoneMistakes(definition), ...topicMistakes(definition), ...orderMistakes(definition), ...emptyMistakes(definition)];
}

function zoneMistakes({ time_zone: zone }: PipelineDefinition): readonly Mistake[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone }).format(0);
    return [];
  } catch {
    return [{ path: ['time_zone'], what: `unknown time zone ${zone}`, received: shown(zone), allowed: 'a name of the IANA time zone database', hint: 'write for example America/New_York or UTC' }];
  }
}

/** A topic serves one purpose: a listener that meets another kind of message on it would fail on each. */
function topicMistakes(definition: PipelineDefinition): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const usedFor = new Map<string, string>();
  const claim = (topic: string, use: string, path: readonly PropertyKey[]): void => {
    const other = usedFor.get(topic);
    if (other === undefined) usedFor.set(topic, use);
    else mistakes.push({ path, what: `topic ${topic} is used twice`, received: `${shown(topic)}, already ${other}`, allowed: 'a topic of its own', hint: 'name another topic' });
  };
  for (const [key, topic] of Object.entries(definition.topics)) claim(topic, `topics.${key}`, ['topics', key]);
  for (const [index, phase] of definition.phases.entries()) claim(phase.completion_topic, `the completion topic of ${phase.name}`, ['phases', index, 'completion_topic']);
  for (const [index, { cascade_target: target }] of definition.phases.entries()) {
    const other = target === 'requests' ? undefined : usedFor.get(target.topic);
    if (target === 'requests' || other === undefined) continue;
    mistakes.push({
      path: ['phases', index, 'cascade_target', 'topic'], what: `a cascade cannot be published to ${target.topic}`,
      received: `${shown(target.topic)}, which is ${other}`, allowed: 'requests, or a topic that only triggers the next phase', hint: 'name a topic of its own',
    });
  }
  for (const [name, { target }] of Object.entries(definition.processors)) {
    const { googleTarget } = targetsOf(target);
    if (!googleTarget || !('pubsub' in googleTarget)) continue;
    const other = usedFor.get(googleTarget.pubsub);
    if (other === undefined) continue;
    mistakes.push({
      path: ['processors', name, 'target'], what: `${name} cannot be started by a message to ${googleTarget.pubsub}`, received: `${shown(googleTarget.pubsub)}, which is ${other}`,
      allowed: 'a topic that only its service listens to', hint: 'name a topic of its own',
    });
  }
  const { backfill_worker: worker, phase_router: router } = definition.subscriptions;
  if (worker === router) mistakes.push({ path: ['subscriptions', 'phase_router'], what: `subscription ${router} is used twice`, received: shown(router), allowed: 'a subscription of its own', hint: 'name another subscription' });
  return mistakes;
}

function orderMistakes({ phases }: PipelineDefinition): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  for (const [index, phase] of phases.entries()) {
    const first = phases.findIndex((other) => other.name === phase.name);
    if (first < index) mistakes.push({ path: ['phases', index, 'name'], what: `phase ${phase.name} is defined twice`, received: shown(phase.name), allowed: 'each phase once', hint: 'rename or remove one' });
    const before = phases.slice(0, index).find((other) => !other.backfillable);
    if (phase.backfillable && before) {
      mistakes.push({
        path: ['phases', index, 'name'], what: `phase ${phase.name} follows ${before.name}, which is never backfilled`, received: 'backfillable: true (the default)',
        allowed: 'backfillable: false, since its inputs could never be refilled', hint: `write backfillable: false, or move it before ${before.name}`,
      });
    }
    if (phase.name === 'phase_5_predictions' && phase.backfillable) {
      mistakes.push({
        path: ['phases', index, 'name'], what: 'phase_5_predictions looks forward and is never backfilled', received: 'backfillable: true (the default)',
        allowed: 'backfillable: false', hint: 'write backfillable: false',
      });
    }
  }
  return mistakes;
}

function emptyMistakes({ processors, phases }: PipelineDefinition): readonly Mistake[] {
  if (Object.keys(processors).length > 0) return [];
  return [{ path: ['processors'], what: 'there are no processors', received: 'an empty mapping', allowed: 'at least one processor', hint: `define a processor of ${enumerated(phases.map(({ name }) => name))}` }];
}
