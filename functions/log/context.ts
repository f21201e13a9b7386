import { AsyncLocalStorage } from 'node:async_hooks';
import type { LogFields } from './fields.ts';

/** What every line says that is written while one message is worked on, wherever in the program: an instance works on several at a time. */
const fieldsOfMessage = new AsyncLocalStorage<LogFields>();

export function withFields<T>(fields: LogFields, run: () => T): T {
  return fieldsOfMessage.run(fields, run);
}

export function currentFields(): LogFields {
  return fieldsOfMessage.getStore() ?? {};
}
