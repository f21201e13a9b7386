import type { FailureCategory } from './category.ts';

/** What one row of a table says of a failure. */
export interface Verdict {
  readonly category: FailureCategory;
  /** False: nothing that is tried again by itself can mend it, so it ends and is alerted at once. */
  readonly retry?: false;
  /** True: paused until the quota resets; how long, its message says. */
  readonly quota?: true;
  /** Why it is of that kind: shown with the failure. */
  readonly why: string;
}

/** A verdict on texts. The first row that matches decides. */
export interface PatternRule extends Verdict {
  readonly rule: string;
  readonly pattern: RegExp;
}
