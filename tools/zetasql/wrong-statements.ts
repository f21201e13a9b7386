import type { Statement } from './request.ts';

/** Statements that must be refused, each with what the analyzer has to say of it: so that a check that finds nothing is known to look. */
export const wrongStatements: readonly { readonly statement: Statement; readonly says: RegExp }[] = [
  { statement: wrong('a column that is not there', 'SELECT game_date, score FROM games'), says: /Unrecognized name: score \[at 1:19\]/ },
  { statement: wrong('a table that is not declared', 'SELECT game_date, points FROM players'), says: /Table not found: players.*\[at 1:31\]/s },
  { statement: wrong('a parameter that is not declared', 'SELECT game_date, points FROM games WHERE game_date = @date'), says: /Query parameter 'date' not found/ },
  { statement: wrong('types that do not compare', "SELECT game_date, points FROM games WHERE points = 'ten'"), says: /Could not cast literal "ten" to type INT64|No matching signature for operator =/ },
  { statement: wrong("DuckDB's way to write it", 'SELECT game_date, points::BIGINT AS points FROM games'), says: /Syntax error/ },
  { statement: wrong('a column that is not grouped', 'SELECT game_date, SUM(points) AS points, team FROM games GROUP BY game_date'), says: /neither grouped nor aggregated/ },
  { statement: wrong('columns under other names', 'SELECT game_date, points AS score FROM games'), says: /it lacks the column points; it gives a column score/ },
  { statement: wrong('a column of another type', 'SELECT game_date, CAST(points AS STRING) AS points FROM games'), says: /its column points is STRING, declared is INT64/ },
];

function wrong(title: string, sql: string): Statement {
  const columns = [{ name: 'game_date', type: 'DATE' }, { name: 'points', type: 'INT64' }] as const;
  return { title, sql, tables: [{ name: 'games', columns: [...columns, { name: 'team', type: 'STRING' }] }], parameters: { game_date: 'DATE' }, gives: columns };
}
