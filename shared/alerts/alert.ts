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
