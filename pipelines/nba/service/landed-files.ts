import { formatDay, type Day } from '../../../shared/calendar/day.ts';
import { InputError } from '../../../shared/failures/errors.ts';
import type { ObjectStore } from '../../../shared/google/objects-store.ts';
import type { Processor } from '../../../shared/pipeline/pipeline.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { linesOf, rowsOfLines } from '../../../shared/rows/json-lines.ts';
import { byKey } from '../../../shared/rows/row-order.ts';

/** Landed dates, `<folder>/game_date=YYYY-MM-DD/<folder>.jsonl`: the layout of the embedded runtime. */

/** Replaces a date. One that holds these very bytes is left alone, so that its version changes only when its rows do. */
export async function land(store: ObjectStore, processor: Processor, day: Day, rows: readonly Row[]): Promise<void> {
  const name = nameOf(processor, day);
  const bytes = Buffer.from(linesOf(rows));
  const present = await store.read(name);
  if (present !== null && bytes.equals(present.bytes)) return;
  await store.write(name, bytes, 'any');
}

/** In the order of their key; null where the date was never landed, which is not the same as landed without rows. */
export async function landedRows(store: ObjectStore, processor: Processor, day: Day): Promise<readonly Row[] | null> {
  const name = nameOf(processor, day);
  const present = await store.read(name);
  return present && [...rowsOfLines(new TextDecoder().decode(present.bytes), name)].sort(byKey(processor.key));
}

function nameOf({ name, output }: Processor, day: Day): string {
  if (output.kind !== 'landing') throw new InputError(`${name} writes ${output.ref}, which is no landing folder`);
  return `${output.folder}/game_date=${formatDay(day)}/${output.folder}.jsonl`;
}
