import assert from 'node:assert/strict';
import { dayOf, formatDay, type Day } from '../../shared/calendar/day.ts';
import type { Pipeline, Processor } from '../../shared/pipeline/pipeline.ts';
import type { Row, Warehouse, WriteClaim } from '../../shared/ports/warehouse.ts';

export interface WarehouseUnderTest {
  readonly warehouse: Warehouse;
  /** Rows of a date as another program leaves them; null takes them away. */
  outside(processor: Processor, day: Day, rows: readonly Row[] | null): Promise<void>;
  /** Closes it and opens the same data, perhaps with another definition. */
  reopen(pipeline: Pipeline): Promise<WarehouseUnderTest>;
  dispose(): Promise<void>;
}

export interface WarehouseCapabilities {
  /** Runs SQL processors. If not, why. */
  readonly sql: true | string;
  /** Keeps its data over closing and opening. If not, why. */
  readonly durable: true | string;
}

export const nov15 = dayOf('2023-11-15');
export const nov16 = dayOf('2023-11-16');

export function named(pipeline: Pipeline, name: string): Processor {
  const processor = pipeline.byName.get(name);
  assert.ok(processor, `no processor ${name}`);
  return processor;
}

export function boxscore(player: number, change: Row = {}, at: Day = nov15): Row {
  return {
    game_date: formatDay(at), game_id: player < 100 ? 'A' : 'B', player_id: player, points: player * 2, minutes: 30.5, rating: player / 7, starter: player % 2 === 0,
    tip_off: '2023-11-16T00:30:00.000Z', remark: null, processed_at: '2023-11-16T08:00:00.000Z', ...change,
  };
}

export function claimOf(processor: Processor, at: Day, generation = 1, runId = `run-${generation}`): WriteClaim {
  return { processor, day: at, generation, token: generation, runId };
}
