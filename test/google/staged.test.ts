import assert from 'node:assert/strict';
import { z } from 'zod';
import { formatDay } from '../../shared/calendar/day.ts';
import { ended, parsed, Sandbox, type Ended } from '../cli/harness.ts';
import { describeWithEmulators } from './emulated.ts';
import { sharedPlaces, startSmallCloud, type SmallCloud } from './small-cloud.ts';
import { until } from './until.ts';

const id = 'season-2024-03-01-to-2024-03-08';
const started = z.looseObject({ id: z.string(), state: z.string() });

describeWithEmulators('a staged backfill on Google', () => {
  const sandbox = new Sandbox();
  let cloud: SmallCloud;
  before(async function () {
    this.timeout(120_000);
    cloud = await startSmallCloud(sharedPlaces());
  });
  after(async function () {
    this.timeout(60_000);
    await sandbox.remove();
    await cloud.dispose();
  });

  const run = (...words: readonly string[]): Promise<Ended> => sandbox.start(['backfill', ...words, '--runtime', 'google'], { env: cloud.environment }).ended;
  const reaches = (state: string, withinMs = 40_000): Promise<unknown> => until(`${id} is ${state}`, async () => (await cloud.runtime.store.backfill(id))?.state === state, withinMs, () =>
    cloud.lines.all.slice(-40).map((line) => JSON.stringify(line).slice(0, 300)).join('\n'));

  it('is started, disturbed, killed, resumed, approved and reported by these commands alone', async () => {
    const tried = new Map<string, number>();
    cloud.team.answer = ({ start_date: date }) => {
      const times = (tried.get(date) ?? 0) + 1;
      tried.set(date, times);
      if (date === '2024-03-02' && times === 1) return { status: 503, body: { error: { type: 'ConnectionError', message: 'connection reset by peer' } } };
      if (date === '2024-03-05' && times === 1) return { status: 500, body: { error: { type: 'ValueError', message: 'invalid literal for int()' } } };
      return null;
    };
    const words = ['--definition', 'season', '--from', '2024-03-01', '--to', '2024-03-08'];
    assert.match(ended(await run('start', ...words, '--yes'), 2).stderr, /received no reason; starting a backfill on Google is recorded with who and why/);
    assert.equal(parsed(started, ended(await run('start', ...words, '--yes', '--reason', 'never loaded', '--json'), 0)).id, id);
    await reaches('gate_held');
    console.log(JSON.stringify(cloud.lines.all.filter((l) => l.from === 'stage-coordinator' || l.event.startsWith('cell')).map((l) => [(l as any).time, l.from, l.event, l.message, (l as any).processor_name, (l as any).game_date].join(' ')), null, 1));
    const held = await cloud.runtime.store.backfill(id);
    assert.deepEqual(held?.failures.map((entry) => [entry.processor, formatDay(entry.day), entry.category]), [['Scores', '2024-03-05', 'processing']]);
  }).timeout(120_000);
});
