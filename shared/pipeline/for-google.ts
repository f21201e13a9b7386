import { InputError } from '../failures/errors.ts';
import type { Pipeline, Processor } from './pipeline.ts';

/** The pipeline with the targets of Google's runtime. Throws an InputError that names the processors that have none. */
export function forGoogle(pipeline: Pipeline): Pipeline {
  const without = pipeline.processors.filter(({ googleTarget }) => googleTarget === null);
  if (without.length > 0) {
    throw new InputError(`${without.map(({ name }) => name).join(', ')} can be run in the embedded runtime only; give each a target for Google: target: { embedded: …, google: { http: … } } (docs/pipeline-yaml.md)`);
  }
  const processors = pipeline.processors.map((processor): Processor => ({ ...processor, target: processor.googleTarget ?? processor.target }));
  const byName = new Map(processors.map((processor) => [processor.name, processor]));
  const byAlias = new Map([...pipeline.byAlias].map(([alias, processor]) => [alias, byName.get(processor.name) ?? processor]));
  return { ...pipeline, processors, byName, byAlias };
}
