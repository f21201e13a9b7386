/** One thing that `doctor` looked at. */
export interface Check {
  readonly name: string;
  /** `note`: worth knowing, nothing is wrong. */
  readonly result: 'ok' | 'note' | 'wrong';
  readonly found: string;
  /** What a person does about it. */
  readonly mend: string | null;
}
