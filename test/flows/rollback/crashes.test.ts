import assert from 'node:assert/strict';
import { dayOf } from '../../../shared/calendar/day.ts';
import { sweep } from '../../../shared/flows/sweep.ts';
import { callsUnderWay, Fuse } from '../../simulation/crash.ts';
import { miniBench } from '../../simulation/convergence.ts';
import { FROM, RollbackBench, scopeOf } from './bench.ts';

describe('flows/rollback/roll-back', () => {
  let bench: RollbackBench;
  beforeEach(async () => { bench = await RollbackBench.open(await miniBench(false)); });
  afterEach(() => bench.close());

  it('survives a crash between any two steps, of the backfill and of the rollback', async function crashes() {
    this.timeout(180_000);
    const before = await bench.tables();
    const day = dayOf(FROM);
    let [died, calls] = [0, 0];
    for (const when of [true, false]) {
      for (let call = 1; ; call += 1) {
        calls += 1;
        const start = await bench.start({ reprocess: 'completed', from: day, to: day }, `crash-${when}-${call}`);
        bench.runner.bad = 100 + calls;
        const fuse = new Fuse(call, when);
        await bench.reopen(fuse).catch(() => undefined);
        await bench.advance(start.id).catch(() => undefined);
        if (!fuse.blown) await bench.back(scopeOf(start.id)).catch(() => undefined);
        while (callsUnderWay() > 0) await new Promise((resolve) => { setImmediate(resolve); });
        await bench.reopen();
        await bench.advance(start.id);
        await sweep(bench.site.engine);
        const result = await bench.back(scopeOf(start.id));
        assert.deepEqual(result.cells.filter(({ outcome, decision }) => outcome === 'failed' || decision.kind === 'refuse'), [], `call ${call}`);
        assert.deepEqual(await bench.tables(), before, `call ${call}, ${when ? 'before' : 'after'} it took effect`);
        assert.deepEqual(await bench.site.store.openCells(), []);
        if (!fuse.blown) break;
        died += 1;
        // Each round starts from cells that nothing holds.
        bench.league.clock.advance(60_000);
      }
    }
    assert.ok(died > 60, `${died} crashes`);
  });
});
