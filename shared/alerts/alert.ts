import { z } from 'zod';

/** What a person is told. Never sent for something that will be retried by itself. */
export const alertSchema = z.object({
  severity: z.enum(['info', 'warning', 'critical']),
  event: z.string(),
  title: z.string(),
  lines: z.array(z.string()).readonly(),
  /** The command that would mend it, if there is one. */
  command: z.string().nullable(),
  /** Epoch milliseconds. */
  at: z.number(),
}).readonly();
export type Alert = z.infer<typeof alertSchema>;
export type Severity = Alert['severity'];

const order: readonly Severity[] = ['info', 'warning', 'critical'];

export function gravest(severities: readonly Severity[]): Severity {
  return severities.reduce<Severity>((most, next) => (order.indexOf(next) > order.indexOf(most) ? next : most), 'info');
}

/** An alert as programs read it: in the file, and on the alerts topic. `at` is RFC 3339. */
export function messageOf({ severity, event, title, lines, command, at }: Alert) {
  return { severity, event, title, lines, command, at: new Date(at).toISOString() };
}
