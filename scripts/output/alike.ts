import type { CellKey } from '../../shared/requests/cell.ts';

/** Cells of which the same is to be told. */
export interface Alike<T extends CellKey> {
  readonly first: T;
  readonly of: readonly T[];
}

/** Cells that are alike, in the order of the first of each. */
export function grouped<T extends CellKey>(cells: readonly T[], keyOf: (cell: T) => string): readonly Alike<T>[] {
  return [...Map.groupBy(cells, keyOf).values()].flatMap((of) => (of[0] === undefined ? [] : [{ first: of[0], of }]));
}

/** Texts differ by the cell, the dates, ids and figures that they name; what they say is the same. */
export function kindOf(reason: string): string {
  return reason.replaceAll(/[\w-]*\d[\w-]*/g, '#');
}
