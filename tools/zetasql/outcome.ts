import { z } from 'zod';
import type { Analyzer } from './analyzer.ts';
import { SqlRefused } from './analyzer.ts';
import { requestOf, type Language, type ScalarType, type Statement } from './request.ts';

/** What the analyzer makes of a statement: null where it is right, else what is wrong, in words. */
export async function mistakeIn(analyzer: Analyzer, language: Language, statement: Statement): Promise<string | null> {
  try {
    const answer = answerSchema.parse(await analyzer.call('analyze', { sqlStatement: statement.sql, ...requestOf(language, statement) }));
    return statement.gives === null ? null : otherColumns(statement.gives, answer.resolvedStatement?.resolvedQueryStmtNode?.outputColumnList ?? null);
  } catch (thrown) {
    if (thrown instanceof SqlRefused) return thrown.message;
    throw thrown;
  }
}

const answerSchema = z.object({
  resolvedStatement: z.object({
    resolvedQueryStmtNode: z.object({ outputColumnList: z.array(z.object({ name: z.string(), column: z.object({ type: z.object({ typeKind: z.number() }) }) })) }).nullish(),
  }).nullish(),
});

/** By the numbers of ZetaSQL's type.proto. */
const KIND_NAMES: ReadonlyMap<number, string> = new Map([[2, 'INT64'], [5, 'BOOL'], [7, 'FLOAT64'], [8, 'STRING'], [10, 'DATE'], [16, 'ARRAY'], [17, 'STRUCT'], [19, 'TIMESTAMP'], [23, 'NUMERIC'], [26, 'JSON']]);

/** Types that a column takes without losing what they say. */
const TAKES: Readonly<Partial<Record<ScalarType, readonly string[]>>> = { FLOAT64: ['FLOAT64', 'INT64', 'NUMERIC'], NUMERIC: ['NUMERIC', 'INT64', 'FLOAT64'] };

function otherColumns(declared: NonNullable<Statement['gives']>, given: readonly { readonly name: string; readonly column: { readonly type: { readonly typeKind: number } } }[] | null): string | null {
  if (given === null) return 'it is no query';
  const found = new Map(given.map(({ name, column }) => [name, KIND_NAMES.get(column.type.typeKind) ?? `type ${column.type.typeKind}`]));
  const wrong = [
    ...declared.flatMap(({ name, type }) => {
      const there = found.get(name);
      if (there === undefined) return [`it lacks the column ${name}`];
      return (TAKES[type] ?? [type]).includes(there) ? [] : [`its column ${name} is ${there}, declared is ${type}`];
    }),
    ...[...found.keys()].filter((name) => !declared.some((column) => column.name === name)).map((name) => `it gives a column ${name} that is not declared`),
  ];
  return wrong.length > 0 ? wrong.join('; ') : null;
}
