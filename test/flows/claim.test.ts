import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { classify } from '../../shared/failures/classify.ts';
import { claimCell, LEASE_MS, type Claim } from '../../shared/flows/claim.ts';
import { finishFailed } from '../../shared/flows/finish.ts';
import { openAsk } from '../../shared/flows/open.ts';
import { sweep } from '../../shared/flows/sweep.ts';
import { askOf } from '../core-builders.ts';
import { WholeSeason } from '../simulation/season.ts';

const DATES = ['2024-01-08', '2024-01-09', '2024-01-12'] as const;
const [first, second, third] = DATES;

describe('a claim', () => {
  let season: WholeSeason;
  beforeEach(async () => {
    season = await WholeSeason.open();
    for (const date of DATES) season.write('Box', date, null);
    const { engine } = season.site;
    await engine.refresh(dayOf(first), dayOf(third));
    await openAsk(engine, askOf({ id: 'by-hand', by: 'kim', at: season.clock.now() }), DATES.map((date) => ({ processor: 'Box', day: dayOf(date) })));
  });
  afterEach(() => season.close());

  const claimed = async (date: string): Promise<Claim | null> => {
    const outcome = await claimCell(season.site.engine, { processor: 'Box', day: dayOf(date) });
    return outcome.kind === 'claimed' ? outcome.claim : null;
  };

  it('finds no slot once the table has as many runs as it may, whoever asks (P23)', async () => {
    assert.equal(season.site.processor('Box').slots, 2);
    assert.ok(await claimed(first));
    assert.ok(await claimed(second));
    assert.equal(await claimed(third), null);
    assert.deepEqual(await season.open(), [`Box ${first} processing`, `Box ${second} processing`, `Box ${third} queued`]);
  });

  it('whose process died is queued again by the sweep, without a message (P4)', async () => {
    assert.ok(await claimed(first));
    assert.equal((await sweep(season.site.engine)).requeued, 0, 'its lease lasts');
    season.clock.advance(LEASE_MS);
    assert.equal((await sweep(season.site.engine)).requeued, 1);
    assert.equal((await season.record('Box', first)).request?.state, 'queued');
  });

  it('that was taken over records nothing any more (P8, P17)', async () => {
    const zombie = await claimed(first);
    season.clock.advance(LEASE_MS);
    await sweep(season.site.engine);
    const taken = await claimed(first);
    assert.ok(zombie && taken);
    assert.ok(taken.lease.token > zombie.lease.token);
    await finishFailed(season.site.engine, zombie, classify(new Error('found out too late')), 'digest');
    const { request, failure } = await season.record('Box', first);
    assert.deepEqual([request?.lease?.token, failure], [taken.lease.token, null]);
    assert.deepEqual((await season.site.store.slots()).flatMap(({ holders }) => holders.map(({ token }) => token)), [taken.lease.token], 'nor is the slot of the other freed');
  });
});
