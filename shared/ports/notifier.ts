/** What a person is told. Never sent for something that will be retried by itself. */
export interface Alert {
  readonly severity: 'info' | 'warning' | 'critical';
  readonly event: string;
  readonly title: string;
  readonly lines: readonly string[];
  /** The command that would mend it, if there is one. */
  readonly command: string | null;
  readonly at: number;
}

export interface Notifier {
  /** Never throws: an alert that can't be delivered must not fail the work it tells of. */
  notify(alert: Alert): Promise<void>;
}
