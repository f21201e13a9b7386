import { z } from 'zod';

const lineSchema = z.looseObject({ severity: z.string(), message: z.string(), event: z.string().optional(), time: z.string().optional(), cause: z.string().optional(), processor: z.string().optional(), processor_name: z.string().optional(), game_date: z.string().optional() });

/** A structured log line for a terminal; text that is none as it is. Null for an empty one. */
export function renderLogLine(from: string, line: string): string | null {
  if (line.trim() === '') return null;
  const parsed = read(line);
  if (!parsed) return `${from.padEnd(15)} ${line}`;
  const { severity, event = '', message, cause } = parsed;
  return `${from.padEnd(15)} ${severity.toLowerCase().padEnd(7)} ${event.padEnd(20)} ${message}${cause === undefined ? '' : `  [cause ${cause}]`}`;
}

function read(line: string): z.infer<typeof lineSchema> | null {
  if (!line.startsWith('{')) return null;
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
