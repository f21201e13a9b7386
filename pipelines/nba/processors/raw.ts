import type { z } from 'zod';
import type { ProcessorFunction, ProcessorInput } from '../../../shared/ports/processor.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { landedGame, landedPlayerLine, landedTeamLine } from './landed.ts';

/** Phase 2: turns a date's landed rows into the typed rows of a raw table. */

/** The archive holds played games only and no status; 3 is the league's word for final. */
const FINAL = 3;

/** An empty landing is a day without games. `processed_at` is the only column of all tables that tells when it was made. */
export const loadSchedule: ProcessorFunction = async (input) => {
  const games = await landed(input, 'NbacScheduleScraper', landedGame);
  const processedAt = new Date().toISOString();
  return { status: 'success', rows: games.map((game) => ({ ...game, game_status: FINAL, processed_at: processedAt })) };
};

export const loadPlayerBoxscore: ProcessorFunction = (input) => load(input, 'NbacPlayerBoxscoreScraper', landedPlayerLine);

export const loadTeamBoxscore: ProcessorFunction = (input) => load(input, 'NbacTeamBoxscoreScraper', landedTeamLine);

async function load<T extends Row>(input: ProcessorInput, scraper: string, shape: z.ZodType<T>): ReturnType<ProcessorFunction> {
  const rows = await landed(input, scraper, shape);
  if (rows.length === 0) return { status: 'no_data', message: `nothing of ${input.gameDate} has been landed by ${scraper}` };
  return { status: 'success', rows };
}

async function landed<T>(input: ProcessorInput, scraper: string, shape: z.ZodType<T>): Promise<readonly T[]> {
  input.signal.throwIfAborted();
  const rows = await input.read(scraper);
  return rows.map((row, index) => {
    const parsed = shape.safeParse(row);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue ? `${issue.path.join('.')}: ${issue.message}` : parsed.error.message;
    throw new Error(`row ${index + 1} that ${scraper} landed for ${input.gameDate} has a wrong shape: ${where}; land the date again`);
  });
}
