import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { dayOf } from '../../shared/calendar/day.ts';
import { Connections } from '../../shared/embedded/duckdb-connections.ts';
import { measured, measuringSql } from '../../shared/embedded/duckdb-measure.ts';
import { chunksOf, SQL_TYPES } from '../../shared/embedded/duckdb-values.ts';
import { checkedRows } from '../../shared/rows/checked-rows.ts';
import { coverageOfRows } from '../../shared/gaps/row-fingerprint.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { named } from '../contract/warehouse-under-test.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';

const nov15 = dayOf('2023-11-15');

/** Rows such as make statistics differ: none, all alike, with and without nulls, beyond ASCII, at the ends of a type. */
const row: fc.Arbitrary<Row> = fc.record({
  game_date: fc.constant('2023-11-15'),
  game_id: fc.constantFrom('A', 'B', 'Ω€', ''),
  player_id: fc.constantFrom(1, 2, 127, 128, '9223372036854775807', null),
  points: fc.constantFrom(0, 1, 70_000, null),
  minutes: fc.constantFrom(0, 30.5, '12345678901234567890.123456789', null),
  rating: fc.constantFrom(0, 0.1, -3, 1e300, null),
  starter: fc.constantFrom(true, false, null),
  tip_off: fc.constantFrom('2023-11-15T00:00:00Z', '1969-12-31T23:59:59.999999Z', null),
  remark: fc.constantFrom('ascii', 'naïve 🏀', '\u001f', null),
  processed_at: fc.constant(null),
});

describe('Measuring a stage', () => {
  it('with the plan of another content gives what a fresh plan gives, and what the rows say', async function measuring() {
    this.timeout(60_000);
    const boxscores = named(warehousePipeline(), 'Boxscores');
    const connections = await Connections.open(':memory:', { connections: 1, memoryLimit: null });
    try {
      await connections.turn(async (session) => {
        await session.run(`CREATE TEMP TABLE stage (${boxscores.columns.map(({ name, type }) => `${name} ${SQL_TYPES[type]}`).join(', ')})`);
        const statement = measuringSql(boxscores, 'stage', '');
        await fc.assert(fc.asyncProperty(fc.array(row, { maxLength: 6 }), async (rows) => {
          await session.run('DELETE FROM stage');
          const checked = checkedRows(boxscores, nov15, rows);
          await session.append('stage', chunksOf(boxscores.columns, checked));
          const kept = measured(boxscores, await session.prepared(statement)).get(nov15);
          assert.deepEqual(kept, measured(boxscores, await session.run(statement)).get(nov15));
          const { rows: count, games, duplicates, nulls } = coverageOfRows(boxscores, checked);
          const coverage = kept?.coverage ?? { rows: 0, games: {}, duplicates: 0, nulls: 0 };
          assert.deepEqual(
            { count: coverage.rows, games: { ...coverage.games }, duplicates: coverage.duplicates, nulls: coverage.nulls },
            { count, games: { ...games }, duplicates, nulls },
          );
        }), { numRuns: 150 });
      });
    } finally {
      await connections.close();
    }
  });
});
