import { appendFile } from 'node:fs/promises';
import { messageOf } from '../alerts/alert.ts';
import type { Channel } from './channels.ts';

/** One JSON object a line, at the end of a file. */
export function alertFile(path: string): Channel {
  return { name: 'file', deliver: (alert, signal) => (signal.aborted ? Promise.reject(new Error('ended')) : appendFile(path, `${JSON.stringify(messageOf(alert))}\n`)) };
}
