import assert from 'node:assert/strict';
import sinon from 'sinon';
import { formatDay } from '../../shared/calendar/day.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import { Engine } from '../../shared/flows/engine.ts';
import { backfillLease } from '../../shared/flows/leases.ts';
import { orderBackfill, startBackfill } from '../../shared/flows/staged/orders.ts';
import { coordinationTopicOf } from '../../shared/pipeline/topology.ts';
import { hasEnded, type Asked, type BackfillRecord } from '../../shared/staged/record.ts';
import { paused, resumed } from '../../shared/staged/transitions.ts';
import { ManualClock } from '../manual-clock.ts';
import { kim, SEASON_STAGES } from '../flows/staged/empty-season.ts';
import { AFTER_SEASON, cleanState, newState, type CleanState } from '../simulation/clean.ts';
import { Cluster, type ClusterOptions } from '../simulation/cluster.ts';
import { GAME_DAYS, SEASON } from '../simulation/mini-league.ts';
import { Random, replayable, seeds } from '../simulation/random.ts';
import { differences, inManualTime, Outside, rowsOf } from '../simulation/site.ts';
import { asked, definitionOf, type StageSketch } from '../staged/builders.ts';

const MINUTE_MS = 60_000;
/** Processors of the phases that go by cascade. */
const OF_DATES = /^(TeamForm|Context|Features|Ratings|Outlook) /;
const BY_CASCADE: StageSketch = { name: 'dates', phases: ['phase_3_analytics', 'phase_4_precompute'], order: 'by_date', cascade: true, gate: { coverage_percent: 100 } };
const broken = { type: 'ValueError', message: 'invalid literal for int()' };
const lost = { type: 'ConnectionError', message: 'connection reset by peer' };
const used = { type: 'Forbidden', message: 'Quota exceeded: Your project exceeded quota for concurrent queries' };

/** An empty season on functions of several instances, and a person at a terminal of her own. */
class Season {
  readonly state: CleanState;
  readonly cluster: Cluster;
  readonly clock: ManualClock;
  readonly outside: Outside;
  readonly warehouse: MemoryWarehouse;
  readonly terminal: Engine;

  private constructor(state: CleanState, random: Random, more: Partial<ClusterOptions>) {
    this.state = state;
    this.clock = new ManualClock(AFTER_SEASON);
    this.outside = new Outside();
    this.warehouse = new MemoryWarehouse(state.pipeline);
    this.cluster = new Cluster({
      pipeline: state.pipeline, databasePath: newState(state), warehouse: this.warehouse, clock: this.clock, outside: this.outside, random, instances: 2, stages: 2, duplicates: 0, kills: 0, asynchronous: new Set(), ...more,
    });
    this.terminal = new Engine({ ...this.cluster.instance('detector').engine.parts, store: this.cluster.store, warehouse: this.warehouse, clock: this.clock, owner: 'terminal' });
  }

  static async open(random: Random, more: Partial<ClusterOptions> = {}): Promise<Season> {
    return new Season(await cleanState(), random, more);
  }

  async start(stages: readonly StageSketch[] = SEASON_STAGES, changes: Partial<Asked> = {}): Promise<string> {
    const { id } = await startBackfill(this.terminal, definitionOf(stages), { ...asked('2024-01-01', '2024-01-20'), from: SEASON.from, to: SEASON.to, at: this.clock.now(), ...changes }, '2024');
    await this.ring(id);
    return id;
  }

  async order(id: string, change: (record: BackfillRecord, now: number) => BackfillRecord): Promise<void> {
    await orderBackfill(this.terminal, id, change);
    await this.ring(id);
  }

  ring(id: string | null): Promise<unknown> {
    return this.cluster.publish(coordinationTopicOf(this.state.pipeline), JSON.stringify({ trigger: id === null ? 'tick' : 'ordered', ...(id === null ? {} : { backfill_id: id }) }));
  }

  async record(id: string): Promise<BackfillRecord> {
    const record = await this.cluster.store.backfill(id);
    assert.ok(record);
    return record;
  }

  /** Ticks each minute; a person resumes what stops, and pauses it where she wants to. */
  async untilEnded(id: string, isPaused: () => boolean = () => false): Promise<void> {
    for (let minute = 0; minute < 600; minute += 1) {
      await this.ring(null);
      await this.clock.sleep(MINUTE_MS);
      const record = await this.record(id);
      if (hasEnded(record)) break;
      if (record.state !== 'running') await this.order(id, (current, now) => (current.state === 'running' || hasEnded(current) ? current : resumed(current, kim, now)));
      else if (isPaused()) await this.order(id, (current, now) => (current.state === 'running' ? paused(current, kim, now) : current));
    }
    await this.cluster.quiet();
  }

  /** What is not as it is to be at the end: rows, open requests, and cells whose rows were put in place more than once. */
  async wrong(): Promise<readonly string[]> {
    const effective = (await this.cluster.history.runs({ limit: 10_000 })).filter((run) => run.processing_decision === 'ran').map((run) => `${run.processor_name} ${run.data_date}`);
    assert.ok(effective.length >= this.state.rows.size / 2);
    return [
      ...differences(this.state.pipeline, await rowsOf(this.state.pipeline, this.warehouse), this.state.rows).map((cell) => `${cell} differs`),
      ...(await this.cluster.store.openCells()).map((record) => `${record.processor} ${formatDay(record.day)} is open`),
      ...effective.filter((cell, index) => effective.indexOf(cell) !== index).map((cell) => `${cell} ran twice`),
      ...this.cluster.thrown.map(String),
    ];
  }

  close(): void {
    this.cluster.close();
  }
}

describe('a staged backfill on several instances of each function', function () {
  this.timeout(60_000);

  it('goes on where its lease was taken and given back meanwhile, without a ring', async () => {
    const season = await Season.open(new Random(1), { stages: 1 });
    let runs = 0;
    season.outside.during = async (_, when) => {
      if (when === 'before' || (runs += 1) !== 8) return;
      const [held] = (await season.cluster.store.leases()).filter(({ name }) => name.startsWith('backfill:'));
      assert.ok(held);
      await season.terminal.change({ leases: [held.name] }, () => ({ writes: { leases: [{ ...held, owner: 'another' }] }, result: null }));
      await season.terminal.change({ leases: [held.name] }, () => ({ writes: { releaseLeases: [held.name] }, result: null }));
    };
    const id = await inManualTime(season.clock, season.start(SEASON_STAGES, { concurrency: 1 }));
    await inManualTime(season.clock, season.cluster.quiet());
    const record = await season.record(id);
    assert.equal(record.state, 'finished', JSON.stringify([record.note, record.failures]));
    assert.deepEqual(await season.wrong(), []);
    season.close();
  });

  it('says in the journal whom it was taken over from, when a lease has run out', async () => {
    const season = await Season.open(new Random(1));
    const { store } = season.cluster;
    season.outside.fail('Box 2024-01-05', broken, broken);
    const id = await inManualTime(season.clock, season.start());
    const diedAt = season.clock.now();
    await season.terminal.change({ leases: [backfillLease(id)] }, () => ({ writes: { leases: [{ name: backfillLease(id), owner: 'stages-of-yesterday', until: diedAt + 120_000, again: false, detail: '{}' }] }, result: null }));
    await inManualTime(season.clock, season.cluster.quiet());
    assert.deepEqual((await store.openCells()).length, 0, 'nobody else opens anything while its lease lasts');
    season.clock.set(diedAt + 120_000);
    await season.ring(null);
    await inManualTime(season.clock, season.cluster.quiet());
    const record = await season.record(id);
    assert.equal(record.state, 'gate_held');
    assert.deepEqual(record.journal.slice(0, 3).map(({ event, text }) => [event, event === 'taken_over' ? text : '']), [
      ['started', ''], ['stage_started', ''], ['taken_over', `from stages-of-yesterday, of which nothing was heard since ${new Date(diedAt).toISOString()}: it goes on from what stands in state`],
    ]);
    await season.order(id, (current, now) => resumed(current, kim, now));
    await inManualTime(season.clock, season.cluster.quiet());
    assert.equal((await season.record(id)).journal.filter(({ event }) => event === 'taken_over').length, 1, 'who left gave it back');
    season.close();
  });

  it('leaves a backfill that a quota has paused to the tick, which has it go on when it is time', async () => {
    const season = await Season.open(new Random(1), { stages: 1 });
    season.outside.fail('Box 2024-01-05', used);
    const id = await inManualTime(season.clock, season.start());
    await inManualTime(season.clock, season.cluster.quiet());
    const waits = await season.record(id);
    assert.equal(waits.state, 'paused');
    assert.deepEqual(await season.cluster.store.leases().then((all) => all.filter(({ name }) => name.startsWith('backfill:'))), [], 'nobody holds it meanwhile');
    const looked = sinon.spy(season.cluster.store, 'transact');
    let ticks = 0;
    for (; ticks < 10 && (await season.record(id)).state === 'paused'; ticks += 1) {
      looked.resetHistory();
      await inManualTime(season.clock, season.ring(null).then(() => season.clock.sleep(MINUTE_MS)).then(() => (season.clock.now() < (waits.goesOn?.at ?? 0) ? season.cluster.quiet() : undefined)));
      if ((await season.record(id)).state === 'paused') assert.ok(looked.callCount < 20, `${looked.callCount} changes in a minute in which nothing is to be done`);
    }
    assert.ok(ticks >= 3, `went on after ${ticks} minutes`);
    await inManualTime(season.clock, season.cluster.quiet());
    const record = await season.record(id);
    assert.equal(record.state, 'finished', JSON.stringify([record.note, record.failures]));
    assert.deepEqual(record.journal.filter(({ event }) => event === 'quota' || event === 'went_on').map(({ event }) => event), ['quota', 'went_on']);
    assert.deepEqual(await season.wrong(), []);
    looked.restore();
    season.close();
  });

  for (const seed of seeds(6)) {
    it(`goes on by rings alone, each cell once (seed ${seed})`, () => replayable(seed, 'staged backfill on several instances', async () => {
      const season = await Season.open(new Random(seed), { instances: 3, stages: 3 });
      let most = 0;
      season.outside.during = async () => { most = Math.max(most, (await season.cluster.store.openCells()).filter((cell) => cell.request?.backfillId !== null).length); };
      const id = await inManualTime(season.clock, season.start(SEASON_STAGES, { concurrency: 3 }));
      await inManualTime(season.clock, season.cluster.quiet());
      const record = await season.record(id);
      assert.equal(record.state, 'finished', JSON.stringify([record.note, record.failures]));
      assert.deepEqual(await season.wrong(), []);
      assert.ok(most <= 3, `${most} of its requests were open at a time`);
      assert.deepEqual(await season.cluster.store.leases(), []);
      season.close();
    }));

    it(`goes by cascade from date to date, each cell once, where instances die and messages come twice (P4, P14; seed ${seed})`, () => replayable(seed, 'staged backfill on several instances', async () => {
      const random = new Random(seed + 900);
      const season = await Season.open(random, { kills: 0.6, duplicates: 0.3, skewMs: 4000, asynchronous: new Set(random.chance(0.5) ? ['Box', 'Ratings'] : []), invocationMs: 540_000 });
      for (let count = random.below(3); count > 0; count -= 1) season.outside.fail(`${random.pick(['TeamForm', 'Context', 'Features'])} ${formatDay(random.pick(GAME_DAYS))}`, random.pick([broken, lost]));
      const id = await inManualTime(season.clock, season.start([...SEASON_STAGES.slice(0, 2), BY_CASCADE]));
      await inManualTime(season.clock, season.untilEnded(id));
      const record = await season.record(id);
      assert.equal(record.state, 'finished', `${season.cluster.killed} killed; ${record.note}`);
      assert.deepEqual(await season.wrong(), [], `${season.cluster.killed} killed`);
      const cascades = (await season.cluster.store.cascades(SEASON.from, SEASON.to)).filter(({ phase }) => phase === 'phase_3_analytics');
      assert.ok(cascades.length > 10 && cascades.every((cascade) => cascade.backfillId === id && cascade.releasedAt !== null), 'each cascade carries its id');
      const dates = season.outside.started.filter((cell) => OF_DATES.test(cell)).map((cell) => cell.slice(-10));
      assert.deepEqual(dates, dates.toSorted(), 'no date begins before the one before it is verified');
      season.close();
    }));

    it(`goes on in the next invocation when the time of one is used up (seed ${seed})`, () => replayable(seed, 'staged backfill on several instances', async () => {
      // The mini pipeline's processors may take eight minutes.
      const season = await Season.open(new Random(seed), { invocationMs: 490_000, longestRunMs: 120_000 });
      const id = await inManualTime(season.clock, season.start());
      await inManualTime(season.clock, season.cluster.quiet());
      const record = await season.record(id);
      assert.equal(record.state, 'finished', JSON.stringify([record.note, record.failures]));
      assert.deepEqual(await season.wrong(), []);
      season.close();
    }));

    it(`ends right when instances die, messages come twice and late, clocks differ, and a person pauses it (P4, P14; seed ${seed})`, () => replayable(seed, 'staged backfill on several instances', async () => {
      const random = new Random(seed);
      const asynchronous = new Set(random.chance(0.5) ? ['Box', 'Ratings'] : []);
      const season = await Season.open(random, { kills: 0.6, duplicates: 0.3, skewMs: 4000, asynchronous, invocationMs: 540_000 });
      for (let count = random.below(5); count > 0; count -= 1) season.outside.fail(`${random.pick(['BoxPage', 'TeamForm', 'Context', 'Features'])} ${formatDay(random.pick(GAME_DAYS))}`, random.pick([broken, lost]));
      const id = await inManualTime(season.clock, season.start());
      await inManualTime(season.clock, season.untilEnded(id, () => random.chance(0.1)));
      const record = await season.record(id);
      assert.equal(record.state, 'finished', `${season.cluster.killed} killed; ${record.note}`);
      assert.deepEqual(await season.wrong(), [], `${season.cluster.killed} killed`);
      season.close();
    }));
  }
});
