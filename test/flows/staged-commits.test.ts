import assert from 'node:assert/strict';
import sinon from 'sinon';
import { EmptySeason } from './staged-season.ts';

const LANES = 4;

describe('the commits of a staged backfill', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(LANES); });
  afterEach(() => season.close());

  it('are one a cell, that of its claim: its opening and its end go with the next', async () => {
    const { store } = season.site;
    const transact = sinon.spy(store, 'transact');
    const { id } = await season.start();
    await season.advance(id);
    const cells = season.outside.runs.length;
    const counts = { now: 0, with_next: 0 };
    for (const [reads, , durable = 'now'] of transact.args) if ((reads.cells ?? []).length > 0) counts[durable] += 1;
    assert.ok(cells > 20, String(cells));
    // What comes by cascade is opened by its own commit, and waits are decided by theirs.
    assert.ok(counts.now <= 1.5 * cells, `${counts.now} for ${cells} cells`);
    assert.ok(counts.with_next >= cells, `${counts.with_next} for ${cells} cells`);
  });

  it('end right where the process is killed between two of them: ends that are not on the disk are read off the markers', async () => {
    const { id } = await season.start();
    let runs = 0;
    const kill = Promise.withResolvers<void>();
    season.outside.during = async (_cell, when) => {
      if (when === 'before' && (runs += 1) === 12) kill.resolve();
    };
    const gone = season.advance(id).catch(() => null);
    await kill.promise;
    season.site.stop.abort();
    await season.reopen();
    await gone;
    await season.advance(id);
    assert.deepEqual(await season.wrong(), []);
    const twice = season.outside.runs.filter((cell, index) => season.outside.runs.indexOf(cell) !== index);
    assert.ok(twice.length <= LANES, `no more is run twice than ran: ${twice.join(', ')}`);
    assert.equal((await season.site.store.backfill(id))?.state, 'finished');
  });
});
