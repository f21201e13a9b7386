import assert from 'node:assert/strict';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import { openAsk } from '../../../shared/flows/open.ts';
import { orderBackfill } from '../../../shared/flows/staged/orders.ts';
import { cancelled, paused, resumed } from '../../../shared/staged/transitions.ts';
import { askOf } from '../../core-builders.ts';
import { EmptySeason, kim, lost, RAW, SEASON_STAGES } from './empty-season.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const used = { type: 'Forbidden', message: 'Quota exceeded: Your project exceeded quota for concurrent queries' };
const usedToday = { type: 'Forbidden', message: 'Quota exceeded: Your table exceeded quota for imports or query appends per table' };
const full = { type: 'MemoryError', message: 'Resources exceeded during query execution' };

/** Seasons whose raw phases are their backfill's but for the last date, which stands for daily work. */
describe('A staged backfill beside daily work', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(1); });
  afterEach(() => season.close());

  const DAILY = dayOf('2024-01-20');
  let asks = 0;
  async function daily(): Promise<void> {
    asks += 1;
    const ask = askOf({ id: `daily-${asks}`, by: 'scheduler', at: season.clock.now(), reprocess: 'completed', isBackfill: false });
    await season.site.engine.ensure(DAILY, DAILY);
    await openAsk(season.site.engine, ask, [{ processor: 'SchedulePage', day: DAILY }]);
  }
  const isDaily = (cell: string): boolean => cell === 'SchedulePage 2024-01-20';

  it('with one slot gives the next to what daily work has queued meanwhile', async () => {
    const { id } = await season.start(RAW, { exclude: [DAILY], concurrency: 5 });
    const order: string[] = [];
    season.outside.during = async (cell, when) => {
      if (when !== 'before') return;
      order.push(cell);
      if ([3, 12, 21, 30].includes(order.length)) await daily();
    };
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.deepEqual(order.flatMap((cell, index) => (isDaily(cell) ? [index] : [])), [3, 12, 21, 30], 'each right after the cell that ran when it came');
  });

  it('has a slot once an hour, and not more, while daily work never ends', async () => {
    const { id } = await season.start(RAW, { exclude: [DAILY], concurrency: 5 });
    const started = season.clock.now();
    const own: number[] = [];
    let days = 0;
    season.outside.during = async (cell, when) => {
      if (when === 'before' && !isDaily(cell)) own.push(season.clock.now() - started);
      if (when === 'before' && isDaily(cell)) {
        days += 1;
        // Each takes twenty minutes, and the next is asked for before it has ended.
        season.clock.advance(20 * MINUTE);
        if (season.clock.now() - started < 12 * HOUR) await daily();
      }
    };
    await daily();
    assert.equal((await season.advance(id))?.state, 'finished');
    const meanwhile = own.filter((at) => at > 0 && at < 12 * HOUR);
    assert.ok(days > 30, `${days} daily runs`);
    for (let hour = 1; hour < 11; hour += 1) {
      const inHour = meanwhile.filter((at) => at >= hour * HOUR && at < (hour + 1) * HOUR + 20 * MINUTE);
      assert.ok(inHour.length >= 1, `none in hour ${hour}: ${meanwhile.map((at) => at / MINUTE).join()}`);
    }
    assert.ok(meanwhile.length <= 25, `${meanwhile.length} in twelve hours: daily work goes first`);
  });
});

describe('A staged backfill that meets a limit', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  it('is paused by a used-up quota, shows until when, goes on by itself then, and redoes nothing', async () => {
    season.outside.fail('Box 2024-01-05', used);
    const { id } = await season.start(RAW);
    let seen = '';
    const ended = season.advance(id);
    const looks = (async () => {
      while (seen === '') {
        await season.clock.sleep(30_000);
        const record = await season.site.store.backfill(id);
        if (record?.state === 'paused') {
          seen = record.note;
          assert.deepEqual(await season.openCells(), [], 'nothing of it is tried meanwhile');
        }
        if (record?.state === 'finished') return;
      }
    })();
    const record = await ended;
    await looks;
    assert.match(seen, /^a quota is used up, and it goes on by itself at 2024-01-25T17:0\d:\d\d\.\d{3}Z: Box 2024-01-05: .*Quota exceeded/);
    assert.equal(record?.state, 'finished');
    const events = record?.journal.filter((entry) => entry.event === 'quota' || entry.event === 'went_on') ?? [];
    assert.deepEqual(events.map((entry) => entry.event), ['quota', 'went_on']);
    assert.equal((events[1]?.at ?? 0) - (events[0]?.at ?? 0), 5 * MINUTE);
    assert.deepEqual(record?.failures, [], 'a quota is no failure');
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
  });

  it('waits to the next day for a daily quota; a person may have it go on before', async () => {
    season.outside.fail('Box 2024-01-05', usedToday, usedToday);
    const { id } = await season.start(RAW);
    const waiting = season.advance(id);
    for (let turn = 0; turn < 5000 && (await season.site.store.backfill(id))?.state !== 'paused'; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
    await season.order(id, (record, now) => resumed(record, kim, now));
    const record = await waiting;
    assert.equal(record?.state, 'finished');
    const [first, byHand, second, on] = record?.journal.filter((entry) => ['quota', 'resumed', 'went_on'].includes(entry.event)) ?? [];
    assert.deepEqual([first?.event, byHand?.event, second?.event, on?.event], ['quota', 'resumed', 'quota', 'went_on']);
    assert.equal(new Date(on?.at ?? 0).toISOString(), '2024-01-26T08:00:00.000Z', 'midnight in California');
  });

  it('slows a whole processor down that has met a limit, and speeds up again step by step', async () => {
    const { slots } = season.state.pipeline.byName.get('Box')!;
    season.outside.fail('Box 2024-01-05', full);
    const { id } = await season.start(RAW);
    const most = new Map<number, number>();
    let met = 0;
    season.outside.during = async (cell, when) => {
      if (!cell.startsWith('Box ') || when !== 'before') return;
      if (cell === 'Box 2024-01-05' && met === 0) {
        met = season.clock.now();
        return;
      }
      season.clock.advance(MINUTE);
      const held = (await season.site.store.slots()).find(({ processor }) => processor === 'Box')?.holders.length ?? 0;
      const since = Math.floor((season.clock.now() - met) / (5 * MINUTE));
      if (met > 0) most.set(since, Math.max(most.get(since) ?? 0, held));
    };
    assert.equal((await season.advance(id))?.state, 'finished');
    assert.equal(most.get(1), 1, 'in the second five minutes');
    assert.equal(most.get(2), slots, 'after ten');
  });

  it('tries a transient failure again as the definition says, and is not paused by it', async () => {
    season.outside.fail('Box 2024-01-03', lost, lost, lost);
    const { id } = await season.start([RAW[0]!, { ...RAW[1]!, retries: 3, retry_delay_seconds: 90 }]);
    const times: number[] = [];
    season.outside.during = (cell, when) => { if (when === 'before' && cell === 'Box 2024-01-03') times.push(season.clock.now()); };
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished');
    assert.equal(times.length, 4);
    assert.ok(times.slice(1).every((at, index) => at - (times[index] ?? 0) >= 90_000), times.join());
  });
});

describe('A second backfill over the same cells', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  it('joins the first: waits until that has ended, takes up what it left, and redoes nothing', async () => {
    season.outside.down = (cell) => (cell === 'BoxPage 2024-01-08' ? { type: 'no_data', message: 'nothing yet' } : null);
    const first = await season.start(RAW);
    await assert.rejects(season.start(SEASON_STAGES), /join it \(--join whole-2024: this one takes up what that one leaves/);
    const second = await season.start(SEASON_STAGES, { join: first.id });
    const joined = season.advance(second.id);
    assert.equal((await season.advance(first.id))?.state, 'gate_held');
    assert.match((await season.site.store.backfill(second.id))?.note ?? '', /^waits for backfill whole-2024/);
    assert.equal(season.outside.started.some((cell) => cell.startsWith('TeamForm')), false, 'nor does it begin with other cells');
    season.outside.down = () => null;
    const before = new Set(season.outside.runs);
    await season.order(first.id, (record, now) => cancelled(record, kim, now));
    const record = await joined;
    assert.equal(record?.state, 'finished');
    assert.deepEqual(record?.journal.map((entry) => entry.event).slice(0, 4), ['started', 'stage_started', 'waits', 'went_on']);
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
    assert.ok(before.size > 60);
  });

  it('joins only an open one that it has cells in common with', async () => {
    const first = await season.start(RAW, { to: dayOf('2024-01-08') });
    await assert.rejects(season.start(RAW, { join: 'another' }), /received --join another, which there is not; allowed are whole-2024$/);
    await assert.rejects(season.start(RAW, { join: first.id, from: dayOf('2024-01-10') }), /received --join whole-2024, which has no cell in common with this one; no open backfill has a cell in common with this one: leave --join out/);
    await season.order(first.id, (record, now) => cancelled(record, kim, now));
    await assert.rejects(season.start(RAW, { join: first.id }), /received --join whole-2024, which is cancelled/);
  });

  it('may be joined itself, and the third waits for the first also where the second is cancelled', async () => {
    const first = await season.start(RAW);
    const second = await season.start(RAW, { join: first.id });
    await assert.rejects(season.start(RAW), new RegExp(`join it \\(--join ${second.id}:`));
    const third = await season.start(RAW, { join: second.id });
    await season.order(second.id, (record, now) => cancelled(record, kim, now));
    season.outside.down = (cell) => (cell === 'BoxPage 2024-01-08' ? { type: 'no_data', message: 'nothing yet' } : null);
    const waiting = season.advance(third.id);
    assert.equal((await season.advance(first.id))?.state, 'gate_held');
    assert.match((await season.site.store.backfill(third.id))?.note ?? '', /^waits for backfill whole-2024, /);
    season.outside.down = () => null;
    await season.order(first.id, (record, now) => cancelled(record, kim, now));
    assert.equal((await waiting)?.state, 'finished');
  });

  it('may be paused and cancelled while it waits', async () => {
    const first = await season.start(RAW);
    const second = await season.start(RAW, { join: first.id });
    const waiting = season.advance(second.id);
    await orderBackfill(season.site.engine, second.id, (record, now) => paused(record, kim, now));
    assert.equal((await waiting)?.state, 'paused');
    await season.order(second.id, (record, now) => cancelled(record, kim, now));
    assert.equal((await season.advance(first.id))?.state, 'finished');
  });
});

describe('A ramp', () => {
  let season: EmptySeason;
  beforeEach(async () => { season = await EmptySeason.open(); });
  afterEach(() => season.close());

  const daysOf = (cells: readonly string[]): string => cells.map((cell) => cell.slice(-10)).toSorted().at(-1) ?? '';

  it('takes one date, then seven days, then the rest, each when those before are good, and writes that down', async () => {
    const { id } = await season.start(SEASON_STAGES, { ramp: true });
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished', record?.note);
    assert.deepEqual(await season.wrong(), []);
    assert.equal(new Set(season.outside.runs).size, season.outside.runs.length);
    const steps = record?.journal.filter((entry) => entry.event === 'ramp').map((entry) => entry.text);
    assert.deepEqual(steps, ['raw', 'analytics', 'precompute'].flatMap((stage) => [`stage ${stage}: the first date is good; it goes on with the first 7 days`, `stage ${stage}: the first 7 days are good; it goes on with all dates`]));
  });

  it('holds like a gate where few dates are not good, and takes no others before that is mended', async () => {
    season.outside.fail('Box 2024-01-05', { type: 'ValueError', message: 'invalid literal for int()' });
    const { id } = await season.start(SEASON_STAGES, { ramp: true });
    const held = await season.advance(id);
    assert.equal(held?.state, 'gate_held');
    assert.match(held?.note ?? '', /^stage raw holds after the first 7 days: raw\.box: [\d.]+ % of \d dates/);
    assert.equal(daysOf(season.outside.started.filter((cell) => cell.startsWith('Box '))), '2024-01-07');
    assert.deepEqual(season.site.alerts.filter(({ severity }) => severity === 'critical').map(({ event }) => event), ['backfill_ramp_held'], 'people are told at once');
    await season.order(id, (record, now) => resumed(record, kim, now));
    const record = await season.advance(id);
    assert.equal(record?.state, 'finished');
    assert.deepEqual(record?.journal.map((entry) => entry.event).filter((event) => event.startsWith('ramp')).slice(0, 4), ['ramp', 'ramp_held', 'ramp', 'ramp']);
    assert.deepEqual(await season.wrong(), []);
  });

  it('holds without a gate where anything has failed', async () => {
    season.outside.fail('Box 2024-01-01', { type: 'ValueError', message: 'invalid literal for int()' });
    const { id } = await season.start([{ ...RAW[0]!, phases: ['phase_1_scrapers'] }, { name: 'raw', phases: ['phase_1_scrapers', 'phase_2_raw'], error_policy: 'continue', calendar_first: true }], { ramp: true });
    const record = await season.advance(id);
    assert.deepEqual([record?.state, record?.note], ['gate_held', 'stage raw holds after the first date: 1 failure is unresolved']);
    assert.equal(formatDay(record?.failures[0]?.day ?? dayOf('2024-01-20')), '2024-01-01');
  });
});
