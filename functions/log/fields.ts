/** What stands beside a log line's message. Names are those of the messages: processor_name, game_date, run_id. */
export interface LogFields {
  /** The ask, or the message, that all of this goes back to: one id through every function. */
  readonly cause?: string;
  readonly request_id?: string;
  readonly processor_name?: string;
  readonly game_date?: string;
  readonly phase?: string;
  readonly run_id?: string;
  readonly backfill_id?: string;
  readonly message_id?: string;
  readonly subscription?: string;
  readonly delivery_attempt?: number;
  readonly outcome?: string;
  readonly category?: string;
  readonly command?: string | null;
  readonly trace?: TraceContext | null;
  readonly [field: string]: unknown;
}

/** Where the line belongs in Cloud Trace. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string | null;
  readonly sampled: boolean;
}
