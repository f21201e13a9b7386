import { logEvents, severities, type LogEventName, type Severity } from './events.ts';
import { currentFields } from './context.ts';
import type { LogFields, TraceContext } from './fields.ts';

export interface Logger {
  log(event: LogEventName, message: string, fields?: LogFields & { readonly severity?: Severity }): void;
}

export interface LoggerOptions {
  /** Names the project of traces; null: lines carry no trace. */
  readonly project: string | null;
  readonly function: string;
  /** The least severity that is written. */
  readonly level: Severity;
  /** Epoch milliseconds: of the machine, whatever clock the pipeline runs by. */
  readonly now: () => number;
  /** Takes one line, without its end. */
  readonly write: (line: string) => void;
}

/** An entry may have 256 KiB: https://cloud.google.com/logging/quotas#log-limits */
const MAX_TEXT = 8000;
const MAX_LINE_BYTES = 200 * 1024;

/** One JSON object a line, in the form that Cloud Logging reads from a function's stdout: https://cloud.google.com/logging/docs/structured-logging */
export function jsonLogger(options: LoggerOptions): Logger {
  const least = severities.indexOf(options.level);
  return {
    log(event, message, fields = {}) {
      const severity = fields.severity ?? logEvents[event].severity;
      if (severities.indexOf(severity) < least) return;
      const { trace, severity: _severity, ...rest } = { ...currentFields(), ...fields };
      const entry = { severity, message: clip(message), time: new Date(options.now()).toISOString(), event, function: options.function, ...traceFields(trace ?? null, options.project) };
      const whole = JSON.stringify({ ...entry, ...present(rest) });
      options.write(whole.length <= MAX_LINE_BYTES ? whole : JSON.stringify({ ...entry, truncated: true }));
    },
  };
}

function traceFields(trace: TraceContext | null, project: string | null): object {
  if (trace === null || project === null) return {};
  return {
    'logging.googleapis.com/trace': `projects/${project}/traces/${trace.traceId}`,
    ...(trace.spanId === null ? {} : { 'logging.googleapis.com/spanId': trace.spanId }),
    'logging.googleapis.com/trace_sampled': trace.sampled,
  };
}

function present(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null).map(([name, value]) => [name, typeof value === 'string' ? clip(value) : value]));
}

function clip(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}
