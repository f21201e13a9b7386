import { processorNamed } from '../pipeline/adoption.ts';
import type { MessageMap, Pipeline } from '../pipeline/pipeline.ts';
import type { CompletionField } from '../pipeline/schema-adoption.ts';
import { asPhaseComplete, excerpt, isObject, parseMessage, type Decoded } from './decode.ts';
import { completionStatuses, dateNames, type PhaseComplete } from './messages.ts';

/**
 * Completion messages of a pipeline that runs already, read as ours. Services that know nothing of this system go on
 * sending what they always sent: the definition's `message_map` and `aliases` say what of it means what.
 */

export type ParsedCompletion =
  | Decoded<PhaseComplete>
  /** Of a processor that the definition leaves out on purpose (`message_map.ignore`): nothing is to be made of it. */
  | { readonly kind: 'ignored'; readonly processorName: string };

type Fields = Record<string, unknown>;

/**
 * `topic` is where it was published, null where that is not known: the phase of that topic has its own map, and is the
 * message's phase where it names none. `processor_name` of the result is the processor's own name. Never throws.
 */
export function parseCompletion(pipeline: Pipeline, topic: string | null, body: string | Uint8Array): ParsedCompletion {
  const parsed = parseMessage(body);
  if (parsed.kind === 'refused') return parsed;
  if (!isObject(parsed.value)) return asPhaseComplete(parsed.value);
  const ofTopic = pipeline.phases.find((phase) => phase.completionTopic === topic);
  const map = ofTopic?.messageMap ?? pipeline.messageMap;
  const message = readThrough(map, { ...parsed.value });
  const named = message['processor_name'];
  if (typeof named === 'string') {
    if (map.ignore.has(named)) return { kind: 'ignored', processorName: named };
    const processor = processorNamed(pipeline, named);
    if (processor) message['processor_name'] = processor.name;
    message['phase'] ??= ofTopic?.name ?? processor?.phase.name;
  } else {
    message['phase'] ??= ofTopic?.name;
  }
  const checked = asPhaseComplete(message);
  if (checked.kind === 'ok' || !hasEntries(map)) return checked;
  return { kind: 'refused', reason: `${checked.reason}; message_map made of it ${excerpt(message)}: complete message_map in pipeline.yaml where something of it is not read` };
}

/** The message with our names and values; what no map names stays as it is. */
function readThrough(map: MessageMap, received: Fields): Fields {
  const message: Fields = { ...received };
  const mapped = new Set<CompletionField>();
  // Two of their names may stand for one field of ours; the first that is there counts.
  for (const [theirs, ours] of map.fields) {
    const value = valueOf(received, theirs);
    if (value === undefined || value === null || mapped.has(ours)) continue;
    mapped.add(ours);
    message[ours] = inForm(ours, value);
  }
  // The date that the definition names is the date, whatever else the message says of dates.
  if (mapped.has('game_date')) for (const name of dateNames) if (name !== 'game_date') delete message[name];
  for (const name of dateNames) if (message[name] !== undefined) message[name] = dashed(message[name]);
  const phase = message['phase'];
  if (typeof phase === 'string') message['phase'] = map.phases.get(phase) ?? phase;
  message['status'] = statusOf(map, message['status']);
  return message;
}

/** A field by its name, or by a path with dots that leads to it. */
function valueOf(message: Fields, path: string): unknown {
  if (Object.hasOwn(message, path)) return message[path];
  let value: unknown = message;
  for (const step of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

function statusOf(map: MessageMap, status: unknown): unknown {
  if (status === undefined || status === null) return map.defaultStatus ?? status;
  if (!hasEntries(map) || (typeof status !== 'string' && typeof status !== 'number' && typeof status !== 'boolean')) return status;
  const word = String(status).toLowerCase();
  return map.statuses.get(word) ?? completionStatuses.find((ours) => ours === word) ?? status;
}

const TEXTS: ReadonlySet<CompletionField> = new Set(['phase', 'processor_name', 'run_id', 'backfill_id', 'code_version', 'error_message']);
const TIMES: ReadonlySet<CompletionField> = new Set(['started_at', 'completed_at']);

/** A mapped value as our field has it: ids that are numbers, counts that are text, times as Python's `str()` writes them. */
function inForm(field: CompletionField, value: unknown): unknown {
  if (TEXTS.has(field) && typeof value === 'number') return String(value);
  if (field === 'rows_processed' && typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  if (TIMES.has(field) && typeof value === 'string') return value.replace(/^(\d{4}-\d{2}-\d{2}) /, '$1T');
  return value;
}

/** YYYYMMDD, as text or number, with dashes. */
function dashed(date: unknown): unknown {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(typeof date === 'number' ? String(date) : typeof date === 'string' ? date : '') ?? [];
  return year === undefined ? date : `${year}-${month}-${day}`;
}

function hasEntries({ fields, statuses, defaultStatus, phases }: MessageMap): boolean {
  return fields.size > 0 || statuses.size > 0 || defaultStatus !== null || phases.size > 0;
}
