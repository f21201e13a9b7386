import { z } from 'zod';
import type { FailureCategory } from '../../shared/failures/category.ts';

/** What a cell's runs end with, and how often; `times` null: until somebody mends it. */
export const troubleSchema = z.object({ type: z.string(), message: z.string(), times: z.int().positive().nullable() });
export type Trouble = z.infer<typeof troubleSchema>;

/** `stage`: a cell is about to be computed; `staged`: its rows lie beside the table; `promote`, `promoted`: before and after they go in. */
export const moments = ['stage', 'staged', 'promote', 'promoted'] as const;
export type Moment = (typeof moments)[number];

/** What processors, engines and services say, a text of each category. */
export const errors: Readonly<Record<FailureCategory, Omit<Trouble, 'times'>>> = {
  infrastructure: { type: 'ConnectionError', message: 'Connection timeout: the league\'s site did not answer' },
  data_availability: { type: 'no_data', message: 'the league\'s site has nothing for this date yet' },
  processing: { type: 'ValueError', message: 'division by zero in usage_rate' },
  resource_exhausted: { type: 'Error', message: 'Out of Memory Error: failed to allocate data of size 256.0 MiB' },
  defensive_block: { type: 'DependencyError', message: 'gap detected: 2 dates of the lookback are missing' },
  invalid_request: { type: 'invalid_request', message: 'invalid_request: the service takes no date after its season' },
};
