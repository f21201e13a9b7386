import type { Processor } from '../pipeline/pipeline.ts';
import { andOwnRows, columnList, quoted } from './bigquery-values.ts';

/**
 * A date's own rows replaced in one statement (P24), in a table that other rows of the date share or that has no partitions.
 * Also takes a date's rows away where there are none in their place: a partition without rows is none, and none can be copied.
 */
export function replacingSql(processor: Processor, table: string, stage: string, names: readonly string[] = processor.columns.map(({ name }) => name)): string {
  const columns = columnList(names);
  return `MERGE INTO ${table} AS held
USING ${stage} AS staged
ON FALSE
WHEN NOT MATCHED BY TARGET THEN INSERT (${columns}) VALUES (${columns})
WHEN NOT MATCHED BY SOURCE AND held.${quoted(processor.dateColumn)} = @game_date${andOwnRows(processor).replace(' AND `', ' AND held.`')} THEN DELETE`;
}
