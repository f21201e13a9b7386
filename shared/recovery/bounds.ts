import type { LeftOutCode, Outage } from './plan.ts';

export interface BoundedOutages {
  readonly within: readonly Outage[];
  readonly over: readonly { readonly outage: Outage; readonly code: LeftOutCode; readonly reason: string }[];
}

/**
 * The bounds of automatic work. An outage of more root-cause dates than `auto_backfill_threshold` is left to a person;
 * the others are taken in date order while the missing and short cells they explain stay within `max_plan_cells`.
 */
export function boundOutages(outages: readonly Outage[], settings: { readonly auto_backfill_threshold: number; readonly max_plan_cells: number }): BoundedOutages {
  const within: Outage[] = [];
  const over: { outage: Outage; code: LeftOutCode; reason: string }[] = [];
  let cells = 0;
  for (const outage of outages) {
    if (outage.days.length > settings.auto_backfill_threshold) {
      over.push({ outage, code: 'over_threshold', reason: `${outage.days.length} dates in a row, over the threshold of ${settings.auto_backfill_threshold}` });
    } else if (cells + outage.cells > settings.max_plan_cells) {
      over.push({ outage, code: 'over_plan_cells', reason: `explains ${outage.cells} cells, with ${cells} before it over the ${settings.max_plan_cells} of one plan` });
    } else {
      cells += outage.cells;
      within.push(outage);
    }
  }
  return { within, over };
}
