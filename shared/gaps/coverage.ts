/**
 * What the warehouse holds for one cell. Absent altogether where there is not one row.
 * `fingerprint` covers the whole row, `views` the named columns of each view that some edge reads.
 */
export interface Coverage {
  readonly rows: number;
  /** Rows of each expected key (game) that has any; null where the processor's expectations know no games. */
  readonly games: Readonly<Record<string, number>> | null;
  /** Rows beyond the first of each key. */
  readonly duplicates: number;
  /** Nulls counted over the required columns. */
  readonly nulls: number;
  readonly fingerprint: string;
  readonly views: Readonly<Record<string, string>>;
}
