import { z } from 'zod';
import budgetFile from './budget.json' with { type: 'json' };
import type { Built } from './build-functions.ts';

/** Most that a function may have: what is larger starts later. A new dependency that doubles a bundle is to be noticed. */
export const budget = z.object({ bundle_bytes: z.int().positive(), archive_bytes: z.int().positive() }).parse(budgetFile);

/** What is over the budget, in words; empty where nothing is. */
export function overBudget(functions: readonly Pick<Built, 'name' | 'bundleBytes' | 'archive' | 'parts'>[], most = budget): readonly string[] {
  return functions.flatMap(({ name, bundleBytes, archive: { bytes }, parts }) => {
    const largest = parts.slice(0, 5).map((part) => `${part.name} ${part.bytes}`).join(', ');
    const over = (what: string, is: number, may: number): string[] => (is > may ? [`the ${what} of ${name} has ${is} bytes; the budget is ${may} (scripts/build/budget.json); the largest parts are ${largest}: leave out what is not used, or raise the budget and say why`] : []);
    return [...over('bundle', bundleBytes, most.bundle_bytes), ...over('zip', bytes.byteLength, most.archive_bytes)];
  });
}
