import { formatDay, type Day } from '../calendar/day.ts';

/** Named parameters of a query, as the API takes them. A value that is null is left out. */
export interface QueryParameter {
  readonly name: string;
  readonly parameterType: { readonly type: string; readonly arrayType?: { readonly type: string } };
  readonly parameterValue: { readonly value?: string; readonly arrayValues?: readonly { readonly value: string }[] };
}

export type ScalarType = 'DATE' | 'STRING' | 'INT64';

export function parameter(name: string, type: ScalarType, value: string | null): QueryParameter {
  return { name, parameterType: { type }, parameterValue: value === null ? {} : { value } };
}

export function dateParameter(name: string, day: Day): QueryParameter {
  return parameter(name, 'DATE', formatDay(day));
}

export function arrayParameter(name: string, type: ScalarType, values: readonly string[]): QueryParameter {
  return { name, parameterType: { type: 'ARRAY', arrayType: { type } }, parameterValue: { arrayValues: values.map((value) => ({ value })) } };
}

export function dateArrayParameter(name: string, days: readonly Day[]): QueryParameter {
  return arrayParameter(name, 'DATE', days.map(formatDay));
}
