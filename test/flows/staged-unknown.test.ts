import assert from 'node:assert/strict';
import { unknownBackfill } from '../../shared/flows/staged-orders.ts';

describe('a backfill that there is not', () => {
  const known = (...ids: readonly string[]) => ids.map((id) => ({ id }));
  const many = Array.from({ length: 25 }, (_, index) => ({ id: `season-${index}` }));
  const CASES: readonly (readonly [what: string, id: string, ids: readonly { readonly id: string }[], message: string])[] = [
    ['where none was started', 'season', [], "received the backfill 'season', which there is not; none was started yet; see: smart-backfill backfill start --help"],
    ['is misspelt', 'seasn-2024', known('season-2024', 'by_date-2021'), "received the backfill 'seasn-2024', which there is not; did you mean season-2024? allowed are season-2024, by_date-2021; see: smart-backfill backfill list"],
    ['is the start of several ids', 'season', known('season-2024', 'by_date-2021', 'season-2024-2'), "received the backfill 'season', which there is not; give the whole id; allowed are season-2024, season-2024-2 and 1 more; see: smart-backfill backfill list"],
    ['is like none', 'x', many.slice(0, 2), "received the backfill 'x', which there is not; allowed are season-0, season-1; see: smart-backfill backfill list"],
  ];
  for (const [what, id, ids, message] of CASES) it(what, () => assert.equal(unknownBackfill(id, ids).message, message));

  it('names no more than a screen of them', () => assert.match(unknownBackfill('x', many).message, /season-19 and 5 more; see/));
});
