import type { ProcessorFunction, ProcessorInput, ProcessorResult, SourceCheck } from '../../../shared/ports/processor.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { outageOf, type Page } from './outages.ts';
import { playerPage, schedulePage, teamPage, type SiteAddress } from './pages.ts';

/** Phase 1: fetches a date's page of the league's site and lands its rows as they are. */

type ReadPage = (address: SiteAddress) => Promise<readonly Row[]>;

/** The schedule answers for every day: one without games has an empty page. */
export const landSchedule: ProcessorFunction = (input) => land(input, 'schedule', schedulePage);

export const landPlayerBoxscore: ProcessorFunction = (input) => land(input, 'player_boxscore', playerPage);

export const landTeamBoxscore: ProcessorFunction = (input) => land(input, 'team_boxscore', teamPage);

export const hasSchedule: SourceCheck = (input) => has(input, 'schedule', schedulePage);

export const hasPlayerBoxscore: SourceCheck = (input) => has(input, 'player_boxscore', playerPage);

export const hasTeamBoxscore: SourceCheck = (input) => has(input, 'team_boxscore', teamPage);

async function land(input: ProcessorInput, page: Page, read: ReadPage): Promise<ProcessorResult> {
  input.signal.throwIfAborted();
  const outage = await outageOf(input.sourceDirectory, page, input.gameDate);
  if (outage === 'down') {
    return { status: 'failed', error: { type: 'ConnectionError', message: `Connection timeout: the league's site did not answer for ${page} of ${input.gameDate}` } };
  }
  const rows = outage === 'no_data' ? [] : await read(input);
  if (rows.length > 0 || mayBeEmpty(page, outage)) return { status: 'success', rows };
  return { status: 'no_data', message: `the league's site has no ${page} for ${input.gameDate}` };
}

async function has(input: Parameters<SourceCheck>[0], page: Page, read: ReadPage): ReturnType<SourceCheck> {
  const outage = await outageOf(input.sourceDirectory, page, input.gameDate);
  if (outage === 'down') return 'unreachable';
  if (outage === 'no_data') return 'no_data';
  return mayBeEmpty(page, outage) || (await read(input)).length > 0 ? 'has_data' : 'no_data';
}

function mayBeEmpty(page: Page, outage: 'no_data' | undefined): boolean {
  return page === 'schedule' && outage === undefined;
}
