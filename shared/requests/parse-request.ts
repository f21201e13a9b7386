import { processorNamed } from '../pipeline/adoption.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { parseBackfillRequest, type Decoded } from './decode.ts';
import type { BackfillRequest } from './messages.ts';

/** A backfill request that may name its processor by an alias. An unknown name is left as it is, to be refused with what is known. */
export function parseRequest(pipeline: Pipeline, body: string | Uint8Array): Decoded<BackfillRequest> {
  const parsed = parseBackfillRequest(body);
  if (parsed.kind === 'refused') return parsed;
  const processor = processorNamed(pipeline, parsed.value.processor_name);
  return processor ? { kind: 'ok', value: { ...parsed.value, processor_name: processor.name } } : parsed;
}
