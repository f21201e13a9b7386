import { z } from 'zod';
import { pipelineSchema } from './schema.ts';

/** The definition's JSON Schema, for editors (pipelines/pipeline.schema.json) and for naming what is allowed in messages. */
export function pipelineJsonSchema(): z.core.JSONSchema.JSONSchema {
  return {
    title: 'smart-backfill pipeline',
    description: 'The definition of a date-partitioned pipeline: see docs/pipeline-yaml.md.',
    ...z.toJSONSchema(pipelineSchema, { io: 'input' }),
  };
}

/** The text of pipelines/pipeline.schema.json. */
export function pipelineJsonSchemaText(): string {
  return `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`;
}
