import { z } from 'zod';
import type { Analyzer } from './analyzer.ts';

/** A statement with the tables and parameters that it may name, as the analyzer takes it. */

/** GoogleSQL's scalar types that this project uses, by their kinds in ZetaSQL's protos. */
const KINDS = {
  INT64: 'TYPE_INT64', FLOAT64: 'TYPE_DOUBLE', NUMERIC: 'TYPE_NUMERIC', STRING: 'TYPE_STRING', BOOL: 'TYPE_BOOL', DATE: 'TYPE_DATE', TIMESTAMP: 'TYPE_TIMESTAMP', JSON: 'TYPE_JSON',
} as const;
export type ScalarType = keyof typeof KINDS;
export type SqlType = ScalarType | `ARRAY<${ScalarType}>`;

export interface SqlTable {
  /** As the statement names it, without backticks. */
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
}

export interface Statement {
  /** For people: which statement of what. */
  readonly title: string;
  readonly sql: string;
  readonly tables: readonly SqlTable[];
  readonly parameters: Readonly<Record<string, SqlType>>;
  /** What a query has to give: these columns, each of a type that its column takes. Null: whatever it gives. */
  readonly gives: readonly { readonly name: string; readonly type: ScalarType }[] | null;
}

export interface Language {
  readonly options: object;
}

/** All that GoogleSQL has, for any kind of statement, without the types that BigQuery does not have. */
export async function languageOf(analyzer: Analyzer): Promise<Language> {
  const features = z.looseObject({ enabledLanguageFeatures: z.array(z.unknown()) }).parse(await analyzer.call('getLanguageOptions', { maximumFeatures: true }));
  return { options: { ...features, productMode: 'PRODUCT_EXTERNAL', supportedStatementKinds: [] } };
}

export function requestOf({ options }: Language, { tables, parameters }: Pick<Statement, 'tables' | 'parameters'>): { readonly options: object; readonly simpleCatalog: object } {
  return {
    options: {
      languageOptions: options, errorMessageMode: 'ERROR_MESSAGE_MULTI_LINE_WITH_CARET', defaultTimezone: 'UTC', parameterMode: 'PARAMETER_NAMED',
      queryParameters: Object.entries(parameters).map(([name, type]) => ({ name, type: typeOf(type) })),
    },
    simpleCatalog: {
      name: 'tables', builtinFunctionOptions: { languageOptions: options },
      table: tables.map(({ name, columns }) => ({ name, column: columns.map((column) => ({ name: column.name, type: typeOf(column.type) })) })),
    },
  };
}

const scalars = new Map(Object.entries(KINDS));

function typeOf(type: SqlType): object {
  const element = /^ARRAY<(.+)>$/.exec(type)?.[1];
  if (element !== undefined) return { typeKind: 'TYPE_ARRAY', arrayType: { elementType: { typeKind: scalars.get(element) } } };
  return { typeKind: scalars.get(type) };
}
