import { InputError } from '../failures/errors.ts';

/** Limits of a message's attributes: https://cloud.google.com/pubsub/quotas#resource_limits */
const MAX_ATTRIBUTES = 100;
const MAX_KEY_BYTES = 256;
export const MAX_VALUE_BYTES = 1024;

/** Throws an InputError that names the attribute which Pub/Sub would refuse together with the whole batch it is in. */
export function checkAttributes(topic: string, attributes: Readonly<Record<string, string>>): void {
  const entries = Object.entries(attributes);
  if (entries.length > MAX_ATTRIBUTES) throw new InputError(`received ${entries.length} attributes for a message to '${topic}'; at most ${MAX_ATTRIBUTES} are allowed; put the rest into the body`);
  for (const [key, value] of entries) {
    const allowed = key !== '' && !key.startsWith('goog') && Buffer.byteLength(key) <= MAX_KEY_BYTES;
    if (!allowed) throw new InputError(`received an attribute named '${key.slice(0, 40)}' for a message to '${topic}'; a name has 1 to ${MAX_KEY_BYTES} bytes and does not begin with 'goog'`);
    const bytes = Buffer.byteLength(value);
    if (bytes > MAX_VALUE_BYTES) throw new InputError(`received ${bytes} bytes in the attribute '${key}' for a message to '${topic}'; at most ${MAX_VALUE_BYTES} are allowed; put it into the body`);
  }
}

/** The longest beginning of a text that an attribute can hold, cut between characters. */
export function fittingValue(text: string): string {
  if (Buffer.byteLength(text) <= MAX_VALUE_BYTES) return text;
  let kept = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_VALUE_BYTES - Buffer.byteLength('…')) break;
    kept += character;
  }
  return `${kept}…`;
}
