import type { Day } from '../calendar/day.ts';
import { turnOf } from '../cascade/turn.ts';
import type { World } from '../gaps/world.ts';
import type { Phase, Pipeline } from '../pipeline/pipeline.ts';
import type { CellKey, CellRecord } from '../requests/cell.ts';
import { hasEnded, roundAsked, takesDate, takesProcessor, type BackfillRecord } from './record.ts';
import type { BackfillDefinition } from './schema.ts';

/** Staged backfills and the router's cascades: what of a stage comes by cascade, and which cascades wait for a backfill. */

/** The phase whose cascade opens a cell of a stage; null: the coordinator opens it by itself. */
export function cascadeTo(world: World, record: BackfillRecord, stage: number, { processor, day }: CellKey): Phase | null {
  const definition = record.definition.stages[stage];
  const { phase } = world.processor(processor);
  if (!definition?.cascade || definition.phases[0] === phase.name) return null;
  // The first date of a season makes nothing ready that looks forward to it: no cascade comes to such a cell.
  return turnOf(world, world.processor(processor), day) === null ? null : world.pipeline.phases[phase.index - 1] ?? null;
}

/** Whether runs of a phase in this stage start anything: its last phase does not, nor does a stage that does not cascade. */
export function startsNext(record: BackfillRecord, stage: number, phase: Pick<Phase, 'name'>): boolean {
  const definition = record.definition.stages[stage];
  return definition?.cascade === true && definition.phases.at(-1) !== phase.name && definition.phases.includes(phase.name);
}

/** The backfill whose cascading stage has asked for a cell: known from state, whatever the run's own message says. */
export function cascadingBackfill(open: readonly BackfillRecord[], cell: CellRecord, phase: Pick<Phase, 'name'>): BackfillRecord | null {
  return open.find((record) => !hasEnded(record) && startsNext(record, record.stage, phase) && roundAsked(record, record.stage, cell.recentAsks) >= 0) ?? null;
}

/** The open backfill that has a cell among its own. */
export function backfillWith(pipeline: Pipeline, open: readonly BackfillRecord[], { processor, day }: CellKey): BackfillRecord | null {
  const phase = pipeline.byName.get(processor)?.phase.name ?? '';
  return open.find((record) => !hasEnded(record) && takesDate(record, day) && takesProcessor(record.asked, processor) && record.definition.stages.some((stage) => stage.phases.includes(phase))) ?? null;
}

/**
 * The open backfill for whose gate a live cascade has to wait, and the stage with that gate: the last one, from where it is
 * now, that fills all dates of the phase or of the phase that the cascade starts.
 */
export function holderOf(pipeline: Pipeline, open: readonly BackfillRecord[], phase: Phase, days: readonly Day[]): { readonly id: string; readonly stage: string } | null {
  const names = [phase, pipeline.phases[phase.index + 1]].flatMap((one) => one ?? []);
  for (const record of open) {
    if (hasEnded(record) || !days.some((day) => takesDate(record, day)) || !names.some((one) => one.processors.some((name) => takesProcessor(record.asked, name)))) continue;
    const stage = record.definition.stages.slice(record.stage).findLast((one) => one.dates === 'all' && names.some(({ name }) => one.phases.includes(name)));
    if (stage) return { id: record.id, stage: stage.name };
  }
  return null;
}

/** Why a definition can't be run here: a cascade has to be this program's own, and to start requests. Null: it can. */
export function whyNotCascading(pipeline: Pipeline, { name, stages }: BackfillDefinition): string | null {
  for (const stage of stages) {
    for (const [index, given] of stage.cascade ? stage.phases.entries() : []) {
      const phase = pipeline.phases.find((one) => one.name === given);
      if (!phase) continue;
      const what = `stage ${stage.name} of ${name} cascades`;
      if (index < stage.phases.length - 1 && phase.mode !== 'enforce') return `${what}, and ${given} is in ${phase.mode} mode, in which this program starts nothing; set its mode to enforce in pipeline.yaml, or take a definition that does not cascade`;
      if (index > 0 && phase.cascadeTopic !== null) return `${what}, and ${given} is started by the topic ${phase.cascadeTopic} (cascade_target), whose runs no backfill can wait for; take a definition that does not cascade`;
    }
  }
  return null;
}
