import { formatDay } from '../../shared/calendar/day.ts';
import type { Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { work } from '../../shared/flows/work.ts';
import { cellName, windowDays, type DatesOf } from './mini-pipeline.ts';
import type { Random } from './random.ts';
import { TOPICS, type Outside, type Site } from './site.ts';

/** Changes a date as another program would; null takes all its rows away. */
export type ChangeRows = (processor: Processor, day: CellKey['day'], rows: readonly Row[] | null) => Promise<void> | void;

export interface DamageKit {
  readonly pipeline: Pipeline;
  /** Every cell that there is. */
  readonly cells: readonly CellKey[];
  readonly dates: DatesOf;
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  readonly change: ChangeRows;
  readonly random: Random;
}

export interface Damage {
  readonly cell: CellKey;
  readonly kind: string;
}

export const rowDamages = ['missing', 'short', 'doubled', 'altered'] as const;

/** Takes away, thins, doubles or alters rows of one cell. */
export async function damageRows(kit: DamageKit, cell: CellKey, kind: (typeof rowDamages)[number]): Promise<Damage> {
  const { pipeline, rows, change, random } = kit;
  const processor = pipeline.byName.get(cell.processor);
  if (!processor) throw new RangeError(`received ${cell.processor}`);
  const clean = rows.get(cellName(cell)) ?? [];
  const damaged = damagedRows(processor, clean, kind, random);
  await change(processor, cell.day, damaged.length === 0 ? null : damaged);
  return { cell, kind };
}

function damagedRows(processor: Processor, clean: readonly Row[], kind: (typeof rowDamages)[number], random: Random): readonly Row[] {
  switch (kind) {
    case 'missing':
      return [];
    case 'short': {
      const games = [...new Set(clean.map((row) => row['game_id']))];
      const lost = games[random.below(games.length)];
      return clean.filter((row) => row['game_id'] !== lost);
    }
    case 'doubled':
      return [...clean, ...clean.slice(0, 1)];
    case 'altered': {
      const column = processor.columns.find(({ name, type }) => (type === 'INT64' && name !== 'status' && name !== 'game_status') || name === 'home')?.name ?? 'team';
      return clean.map((row, index) => (index === 0 ? { ...row, [column]: otherThan(row[column], random) } : row));
    }
  }
}

function otherThan(value: Row[string] | undefined, random: Random): string | number {
  return typeof value === 'number' ? value + 1 + random.below(9) : 'XYZ';
}

const FAILURES = [
  { type: 'ValueError', message: 'invalid literal for int() with base 10' },
  { type: 'ConnectionError', message: 'connection reset by peer' },
  { type: 'MemoryError', message: 'out of memory' },
] as const;

/** A run of a cell that fails, as often as it is tried. */
export async function failRun(site: Site, outside: Outside, random: Random, cell: CellKey): Promise<Damage> {
  const failure = random.pick(FAILURES);
  outside.fail(cellName(cell), failure, failure, failure);
  await ask(site, cell, { reprocess: 'completed' });
  return { cell, kind: `failed:${failure.type}` };
}

/** Computes a cell by force while one of its inputs is gone; then somebody brings the input back, or nobody does. */
export async function forceOnIncomplete(site: Site, kit: DamageKit, cell: CellKey): Promise<Damage[]> {
  const { pipeline, rows, change, random } = kit;
  const edges = pipeline.byName.get(cell.processor)?.upstreams ?? [];
  const inputs = edges.flatMap((edge) => windowDays(pipeline, edge, cell.day, kit.dates).map((day) => ({ processor: edge.upstream, day })));
  if (inputs.length === 0) return [];
  const input = random.pick(inputs);
  const damage = await damageRows(kit, input, random.pick(rowDamages));
  await site.engine.reread();
  await ask(site, cell, { reprocess: 'completed', force: true });
  const upstream = pipeline.byName.get(input.processor);
  if (upstream && random.chance(0.5)) await change(upstream, input.day, rows.get(cellName(input)) ?? null);
  return [damage, { cell, kind: 'forced' }];
}

/** Publishes a person's request for one date and has it worked off. */
export async function ask(site: Site, { processor, day }: CellKey, more: Readonly<Record<string, unknown>>): Promise<void> {
  await site.bus.publish(TOPICS.requests, JSON.stringify({ processor_name: processor, start_date: formatDay(day), end_date: formatDay(day), ...more }));
  await site.deliver();
}

/** Works off what became due, as the sweep of a running system would: an hour of ticks. */
export async function settle(site: Site, clock: { advance(milliseconds: number): void }): Promise<void> {
  for (let tick = 0; tick < 12; tick += 1) {
    clock.advance(5 * 60_000);
    await work(site.engine, { signal: site.stop.signal });
  }
}
