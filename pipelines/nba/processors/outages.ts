import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * How the league's site is to fail, for tests, drills and the demo: `outages.json` in the source's folder, read again on
 * each question, so that an outage begins and ends while the pipeline runs.
 *
 *     {"player_boxscore": {"2023-12-05": "no_data", "2023-12-06": "down"}}
 */

export const pages = ['schedule', 'player_boxscore', 'team_boxscore'] as const;
export type Page = (typeof pages)[number];

/** `no_data`: the site answers that it has nothing. `down`: it does not answer. */
const outageSchema = z.enum(['no_data', 'down']);
export type Outage = z.infer<typeof outageSchema>;

const gameDate = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, { error: 'write a date as YYYY-MM-DD' });
export const outagesSchema = z.partialRecord(z.enum(pages), z.record(gameDate, outageSchema));

/** What is wrong with a page on a date now; undefined where nothing is, or where there is no such file. */
export async function outageOf(sourceDirectory: string, page: Page, date: string): Promise<Outage | undefined> {
  const file = join(sourceDirectory, 'outages.json');
  const text = await textOf(file);
  if (text === undefined) return undefined;
  const outages = outagesSchema.safeParse(parsed(text, file));
  if (!outages.success) throw new Error(`${file}: ${z.prettifyError(outages.error)}`);
  return outages.data[page]?.[date];
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file}: received text that is not JSON; write {"player_boxscore": {"2023-12-05": "no_data"}}`, { cause: error });
  }
}
