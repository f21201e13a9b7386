import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { fillingSql, queryWithInputs } from '../../shared/google/bigquery-inputs.ts';
import type { InputRange } from '../../shared/ports/warehouse.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';
import { named, nov15, nov16 } from '../contract/warehouse-under-test.ts';

const relation = (dataset: string, table: string): string => `\`p.${dataset}.${table}\``;
const squeezed = (text: string): string => text.replace(/\s+/g, ' ').trim();

function queryOf(sql: string, range: InputRange['range'] = { from: nov15, to: nov16 }, columns: InputRange['columns'] = ['player_id', 'points']) {
  const pipeline = warehousePipeline({ sql });
  return queryWithInputs(named(pipeline, 'Summary'), nov16, [{ upstream: named(pipeline, 'Boxscores'), columns, range }], relation);
}

const CLAUSE = '`boxscores` AS ( SELECT `player_id`, `points` FROM `p.raw.boxscores` WHERE `game_date` BETWEEN @from_0 AND @to_0 )';

describe("A processor's query in BigQuery", () => {
  it('reads each input cut to its window and columns', () => {
    const { sql, parameters } = queryOf('SELECT 1 FROM boxscores');
    assert.equal(squeezed(sql), `WITH ${CLAUSE} SELECT 1 FROM boxscores`);
    assert.deepEqual(parameters.map(({ name, parameterType, parameterValue }) => [name, parameterType.type, parameterValue.value]), [
      ['game_date', 'DATE', '2023-11-16'], ['from_0', 'DATE', '2023-11-15'], ['to_0', 'DATE', '2023-11-16'],
    ]);
  });
  it('keeps its own clauses after the inputs', () => {
    assert.equal(squeezed(queryOf('-- WITH what?\nWITH best AS (SELECT 1) SELECT * FROM best').sql), `WITH ${CLAUSE}, best AS (SELECT 1) SELECT * FROM best`);
    assert.equal(squeezed(queryOf('with recursive n AS (SELECT 1) SELECT * FROM n').sql), `WITH RECURSIVE ${CLAUSE}, n AS (SELECT 1) SELECT * FROM n`);
    assert.equal(squeezed(queryOf('WITH recursive AS (SELECT 1) SELECT * FROM recursive').sql), `WITH ${CLAUSE}, recursive AS (SELECT 1) SELECT * FROM recursive`);
  });
  it('gives no row of a window that is empty, and still filters partitions', () => {
    const { parameters } = queryOf('SELECT 1 FROM boxscores', null);
    const value = (wanted: string): string => parameters.find(({ name }) => name === wanted)?.parameterValue.value ?? '';
    assert.ok(dayOf(value('from_0')) > dayOf(value('to_0')), `${value('from_0')} to ${value('to_0')}`);
  });
  it('reads the fingerprinted columns where its edge names none: no volatile one', () => {
    const { sql } = queryOf('SELECT 1 FROM boxscores', { from: nov15, to: nov16 }, null);
    assert.match(sql, /`remark`/);
    assert.doesNotMatch(sql, /processed_at/);
  });
  it('loses a semicolon at its end, and keeps a comment there from hiding what follows', () => {
    assert.equal(fillingSql(named(warehousePipeline(), 'Schedule'), '`p.s.t`', 'SELECT 1 -- one'), [
      'INSERT INTO `p.s.t` (`game_date`, `game_id`, `game_status`, `season_type`)',
      'SELECT CAST(`game_date` AS DATE), CAST(`game_id` AS STRING), CAST(`game_status` AS INT64), CAST(`season_type` AS STRING)',
      'FROM (', 'SELECT 1 -- one', ') AS produced',
    ].join('\n'));
    assert.ok(queryOf('SELECT 1 FROM boxscores;\n').sql.endsWith('SELECT 1 FROM boxscores'));
  });
});
