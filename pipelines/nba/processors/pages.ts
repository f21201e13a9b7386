import { join } from 'node:path';
import { leagueSite, type LeagueSite, type SiteGame, type SitePlayerLine, type SiteTeamLine } from './league-site.ts';
import { teamLinesOf } from './team-lines.ts';

/** One page of the league's site for one date: the rows it shows. */

export type SiteAddress = { readonly pipelineDirectory: string; readonly gameDate: string };

export async function schedulePage({ pipelineDirectory, gameDate }: SiteAddress): Promise<readonly SiteGame[]> {
  return (await siteOf(pipelineDirectory)).schedule.get(gameDate) ?? [];
}

export async function playerPage({ pipelineDirectory, gameDate }: SiteAddress): Promise<readonly SitePlayerLine[]> {
  return (await siteOf(pipelineDirectory)).playerLines.get(gameDate) ?? [];
}

/** Playoffs from their own archive; the regular season's are summed from the players' lines. */
export async function teamPage({ pipelineDirectory, gameDate }: SiteAddress): Promise<readonly SiteTeamLine[]> {
  const site = await siteOf(pipelineDirectory);
  return [...teamLinesOf(site.playerLines.get(gameDate) ?? []), ...(site.playoffTeamLines.get(gameDate) ?? [])];
}

function siteOf(pipelineDirectory: string): Promise<LeagueSite> {
  return leagueSite(join(pipelineDirectory, 'data'));
}
