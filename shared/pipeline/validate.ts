import type { Mistake } from './problems.ts';
import type { PipelineDefinition } from './schema.ts';
import { adoptionMistakes } from './validate-adoption.ts';
import { calendarMistakes } from './validate-calendar.ts';
import { graphMistakes } from './validate-graph.ts';
import { phaseMistakes } from './validate-phases.ts';
import { processorMistakes } from './validate-processors.ts';
import { upstreamMistakes } from './validate-upstreams.ts';
import { windowMistakes } from './validate-windows.ts';

/**
 * All that a schema cannot say of a definition: what its parts mean to each other. `doubtful` names processors whose own
 * shape is wrong: they exist, but what they say is not judged, so that one mistake is not reported as several.
 */
export function validateDefinition(definition: PipelineDefinition, doubtful: ReadonlySet<string> = new Set()): readonly Mistake[] {
  return [
    ...phaseMistakes(definition),
    ...calendarMistakes(definition, doubtful),
    ...processorMistakes(definition, doubtful),
    ...upstreamMistakes(definition, doubtful),
    ...windowMistakes(definition, doubtful),
    ...graphMistakes(definition),
    ...adoptionMistakes(definition, doubtful),
  ];
}
