import { join } from 'node:path';
import type { QualityCheck } from '../pipeline/checks.ts';
import type { Pipeline, Processor } from '../pipeline/pipeline.ts';
import { mistakeMessage, type Problem } from '../pipeline/problems.ts';
import { positionAt, sqlTokens, type TextPosition } from '../pipeline/sql-tokens.ts';
import { checkQuery } from './duckdb-check-rows.ts';
import { Connections } from './duckdb-connections.ts';
import { messageOf } from './duckdb-errors.ts';
import { ColumnsError, inputName } from '../rows/staged-rows.ts';
import { Staging } from './duckdb-staging.ts';
import { ensureTables } from './duckdb-tables.ts';
import { translate, translateWithInputs } from './googlesql.ts';

/** Whether SQL can work at all, before a date is run: it is translated, and planned on empty tables of a database in memory. */

/** Every `.sql` file of a definition that no date could be run with, and every check that could not, with what is allowed. */
export async function checkSql(pipeline: Pipeline, checks: readonly QualityCheck[] = []): Promise<readonly Problem[]> {
  const checked = pipeline.processors.filter(({ target }) => 'bigquery_sql' in target);
  if (checked.length === 0 && checks.length === 0) return [];
  const connections = await Connections.open(':memory:', { connections: 1, memoryLimit: null });
  try {
    return await connections.turn(async (session) => {
      await ensureTables(session, pipeline.processors);
      const staging = new Staging(translateWithInputs);
      const problems: Problem[] = [];
      for (const processor of checked) {
        const inputs = processor.upstreams.flatMap(({ upstream, columns }) => {
          const found = pipeline.byName.get(upstream);
          return found ? [{ upstream: found, columns, range: null }] : [];
        });
        try {
          await staging.check(session, processor, inputs);
        } catch (thrown) {
          problems.push(await problemOf(pipeline, processor, thrown));
        }
      }
      for (const check of checks) {
        try {
          await session.run(`DESCRIBE ${await checkQuery(translateWithInputs, { sql: check.sql, inputs: check.reads.map((upstream) => ({ upstream, columns: null, range: null })) })}`);
        } catch (thrown) {
          const allowed = check.reads.map((upstream) => `${inputName(upstream)} (${upstream.fingerprintColumns.join(', ')})`).join('; ');
          problems.push(await engineProblem({ file: join(pipeline.directory, check.file), sql: check.sql, allowed, hint: 'correct the query' }, thrown));
        }
      }
      return problems;
    });
  } finally {
    await connections.close();
  }
}

/** What is wrong with one `.sql` text by itself, where its definition can't be compiled: its syntax. */
export async function checkSqlText(file: string, sql: string): Promise<readonly Problem[]> {
  try {
    await translate(sql);
    return [];
  } catch (thrown) {
    return [await translationProblem(file, sql, messageOf(thrown))];
  }
}

const POSITION = /\bline (\d+), column (\d+):? ?/i;

async function translationProblem(file: string, sql: string, thrown: string): Promise<Problem> {
  const isSyntax = thrown.startsWith('this is no GoogleSQL');
  const message = isSyntax ? await parseError(sql) ?? thrown : thrown;
  const [all = '', line, column] = POSITION.exec(message) ?? [];
  // Only what is wrong: the rest of the text repeats the query.
  const [what = ''] = message.replace(all, '').replace(/^.*?Parse error at /, '').split('; received:');
  const where = line === undefined || column === undefined ? positionAt(sql, sql.trimEnd().length) : { line: Number(line), column: Number(column) };
  return {
    file, ...where, message: isSyntax
      ? mistakeMessage({ what: `this is no GoogleSQL: ${what}`, received: excerpt(sql, where), allowed: 'one SELECT, with or without WITH clauses', hint: 'correct the text' })
      : what,
  };
}

/** What the parser says of the text as it is written: the translation's positions are those of its rewritten form. */
async function parseError(sql: string): Promise<string | undefined> {
  const { Dialect, transpile } = await import('@polyglot-sql/sdk');
  return transpile(sql, Dialect.BigQuery, Dialect.DuckDB).error;
}

async function problemOf(pipeline: Pipeline, processor: Processor, thrown: unknown): Promise<Problem> {
  const sql = processor.sql ?? '';
  const file = join(pipeline.directory, 'bigquery_sql' in processor.target ? processor.target.bigquery_sql : '');
  const columns = processor.columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  if (thrown instanceof ColumnsError) {
    return { file, line: 1, column: 1, message: mistakeMessage({ what: `the query does not return the columns of ${processor.output.ref}: ${thrown.wrong}`, received: `the query of ${processor.name}`, allowed: columns, hint: "name its columns as 'columns' declares them, or change the declaration" }) };
  }
  const inputs = processor.upstreams.flatMap((edge) => {
    const upstream = pipeline.byName.get(edge.upstream);
    return upstream ? [`${inputName(upstream)} (${(edge.columns ?? upstream.fingerprintColumns).join(', ')})`] : [];
  });
  const allowed = inputs.length === 0 ? 'no input: none is declared' : inputs.join('; ');
  return engineProblem({ file, sql, allowed, hint: 'correct the query, or declare what it reads under upstream' }, thrown);
}

/** What a translation or DuckDB complained of, at its place in the file. */
async function engineProblem({ file, sql, allowed, hint }: { readonly file: string; readonly sql: string; readonly allowed: string; readonly hint: string }, thrown: unknown): Promise<Problem> {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  const message = messageOf(cause);
  if (!/^\w[\w ]* Error: /.test(message)) return translationProblem(file, sql, message);
  // DuckDB's own positions are those of the translated text: the name that it complains of is looked for in the file.
  const [what = ''] = message.split(/\n|\s*Candidate bindings/);
  const said = what.replace(/[.!]+$/, '');
  const named = /"([^"]+)"|\bname ([\w.]+)/.exec(what);
  const where = positionOf(sql, named?.[1] ?? named?.[2]);
  return { file, ...where, message: mistakeMessage({ what: said, received: excerpt(sql, where), allowed, hint }) };
}

/** Where a name first stands in a query. */
function positionOf(sql: string, name: string | undefined): TextPosition {
  const last = name?.split('.').at(-1)?.toLowerCase();
  const token = sqlTokens(sql).find(({ kind, text }) => (kind === 'word' || kind === 'quoted') && text.replaceAll('`', '').split('.').at(-1)?.toLowerCase() === last);
  return token ? positionAt(sql, token.offset) : { line: 1, column: 1 };
}

const MOST_SHOWN = 80;

function excerpt(sql: string, { line }: TextPosition): string {
  const text = sql.split('\n')[line - 1]?.trim() ?? '';
  return text === '' ? 'the end of the query' : `'${text.slice(0, MOST_SHOWN)}'`;
}
