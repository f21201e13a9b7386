import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';

/**
 * A pipeline's definition for a local cloud: the same, but for the day from which gaps are filled by themselves. On the day
 * of its first detection a new system has adopted nothing older, and here all of the data is older.
 */
export function writeLocalPipeline(directory: string, into: string, detectFrom: string): void {
  mkdirSync(into, { recursive: true });
  const document = parseDocument(readFileSync(join(directory, 'pipeline.yaml'), 'utf8'));
  document.setIn(['settings', 'detect_from'], detectFrom);
  writeFileSync(join(into, 'pipeline.yaml'), String(document));
  for (const part of ['sql', 'checks', 'processors', 'backfills.yaml']) if (existsSync(join(directory, part))) cpSync(join(directory, part), join(into, part), { recursive: true });
}
