import { once } from 'node:events';
import { z } from 'zod';
import type { BigQuery } from '@google-cloud/bigquery';
import { formatDay, type Day } from '../../../shared/calendar/day.ts';
import { InputError, NeverRetryError } from '../../../shared/failures/errors.ts';
import type { Processor } from '../../../shared/pipeline/pipeline.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { linesOf } from '../../../shared/rows/json-lines.ts';

/** Where raw rows go. */
export interface DateTables {
  /** The date has these rows and no others when the promise resolves; on an error it has those that it had. */
  replace(processor: Processor, day: Day, rows: readonly Row[]): Promise<void>;
}

const fieldSchema = z.looseObject({ name: z.string(), type: z.string() });
const tableSchema = z.object({
  schema: z.object({ fields: z.array(fieldSchema) }),
  timePartitioning: z.object({ type: z.string(), field: z.string().optional() }).optional(),
});

/**
 * A date's partition is replaced as a whole by one load job. Never by streamed rows (P18): for up to 90 minutes they
 * could be neither replaced nor rolled back, and a count by partition would not see them.
 */
export class LoadedTables implements DateTables {
  readonly #client: () => Promise<BigQuery>;
  readonly #location: string;

  constructor(client: () => Promise<BigQuery>, location: string) {
    this.#client = client;
    this.#location = location;
  }

  async replace(processor: Processor, day: Day, rows: readonly Row[]): Promise<void> {
    const { output } = processor;
    if (output.kind !== 'table') throw new InputError(`${processor.name} lands files in ${output.folder}; only tables are loaded`);
    const client = await this.#client();
    const dataset = client.dataset(output.dataset);
    const [metadata] = await dataset.table(output.table).getMetadata();
    const fields = fieldsOf(processor, metadata);
    const partition = dataset.table(`${output.table}$${formatDay(day).replaceAll('-', '')}`, { location: this.#location });
    // The client chooses the job's id: a second load of the same date puts the same rows there, so it may run.
    const upload = partition.createWriteStream({
      jobPrefix: 'nba-sources_',
      sourceFormat: 'NEWLINE_DELIMITED_JSON',
      // The table's own, modes and all: a truncating load would otherwise put another in its place.
      schema: { fields },
      // A table that is not there was not made by Terraform: made here, it would lack its partitions and clusters.
      createDisposition: 'CREATE_NEVER',
      writeDisposition: 'WRITE_TRUNCATE',
    });
    await finished(upload, linesOf(rows));
  }
}

/** A job that fails destroys the stream with its error. */
async function finished(upload: NodeJS.WritableStream, text: string): Promise<void> {
  const complete = once(upload, 'complete');
  upload.end(text);
  await complete;
}

function fieldsOf(processor: Processor, metadata: unknown): z.infer<typeof fieldSchema>[] {
  const { schema, timePartitioning } = tableSchema.parse(metadata);
  const { ref } = processor.output;
  if (timePartitioning?.type !== 'DAY' || timePartitioning.field !== processor.dateColumn) {
    const found = timePartitioning ? `partitioned by ${timePartitioning.type} of ${timePartitioning.field ?? 'the load time'}` : 'not partitioned';
    throw new NeverRetryError(`${ref} is ${found}; a date can be replaced only where it is partitioned by DAY of ${processor.dateColumn}: make the table anew with the schema in terraform/`);
  }
  const columns = new Set(schema.fields.map(({ name }) => name));
  const missing = processor.columns.filter(({ name }) => !columns.has(name)).map(({ name }) => name);
  if (missing.length > 0) throw new NeverRetryError(`${ref} lacks the columns ${missing.join(', ')}, which ${processor.name} writes; it has ${[...columns].join(', ')}: add them (terraform apply)`);
  return schema.fields;
}
