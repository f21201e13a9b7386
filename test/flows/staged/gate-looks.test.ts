import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dayOf } from '../../../shared/calendar/day.ts';
import { MemoryWarehouse } from '../../../shared/embedded/memory-warehouse.ts';
import { startBackfill } from '../../../shared/flows/staged/orders.ts';
import type { DataCheck, OffendingRows } from '../../../shared/ports/warehouse.ts';
import { resumed } from '../../../shared/staged/transitions.ts';
import { currentStage, type BackfillRecord } from '../../../shared/staged/record.ts';
import { SEASON } from '../../simulation/mini-league.ts';
import { cellName, cellsOf } from '../../simulation/mini-pipeline.ts';
import { asked, definitionOf } from '../../staged/builders.ts';
import { EmptySeason, kim } from './empty-season.ts';

const CHECKS = ['a', 'b', 'c'] as const;
/** A stage that has nothing to run: what its gate's checks read is no part of it. */
const LOOKED_AT = { name: 'looked_at', phases: ['phase_1_scrapers'], gate: { doubtful: 'show', checks: CHECKS.map((name) => `checks/${name}.sql`) } };
const DEFINITION = definitionOf([LOOKED_AT], CHECKS.map((name) => ({ file: `checks/${name}.sql`, sql: 'SELECT 1 FROM box' })));
const MOST_POINTS = 1000;

/** A warehouse whose checks take minutes, of which an invocation has so many. Each finds box scores that nobody can have. */
class SlowChecks extends MemoryWarehouse {
  readonly asked: string[] = [];
  readonly takes = new Map<string, number>();
  minutes = Infinity;
  end: () => void = () => undefined;
  during: (name: string) => void = () => undefined;

  override async check({ name, inputs }: DataCheck): Promise<OffendingRows> {
    this.asked.push(name);
    const takes = this.takes.get(name) ?? 1;
    if (takes > this.minutes) {
      this.end();
      throw new Error('the invocation is over');
    }
    this.minutes -= takes;
    const { upstream, range } = inputs[0]!;
    this.during(name);
    const wrong = (await this.rows(upstream, range!, null)).filter(({ points }) => Number(points) > MOST_POINTS);
    return { rows: wrong.length, sample: wrong.slice(0, 1).map(({ team, points }) => ({ team: team ?? null, points: points ?? null })) };
  }
}

class Looks {
  readonly season: EmptySeason;
  readonly warehouse: SlowChecks;
  readonly id: string;
  #points = 100;

  private constructor(season: EmptySeason, warehouse: SlowChecks, id: string) {
    this.season = season;
    this.warehouse = warehouse;
    this.id = id;
  }

  static async open(): Promise<Looks> {
    const warehouses: SlowChecks[] = [];
    const season = await EmptySeason.open(4, (pipeline) => {
      const warehouse = new SlowChecks(pipeline);
      warehouses.push(warehouse);
      return warehouse;
    });
    const { pipeline, rows } = season.state;
    for (const cell of cellsOf(pipeline)) warehouses[0]!.outside(pipeline.byName.get(cell.processor)!, cell.day, rows.get(cellName(cell)) ?? null);
    const { id } = await startBackfill(season.site.engine, DEFINITION, { ...asked('2024-01-01', '2024-01-20'), from: SEASON.from, to: SEASON.to, at: season.clock.now() }, '2024');
    return new Looks(season, warehouses[0]!, id);
  }

  /** One invocation of so many minutes, in a process of its own. */
  async invocation(minutes: number): Promise<BackfillRecord> {
    await this.season.reopen();
    const { site } = this.season;
    this.warehouse.minutes = minutes;
    this.warehouse.end = () => site.stop.abort();
    const record = await this.season.advance(this.id);
    assert.ok(record);
    return record;
  }

  /** Another program changes a box score: to one that nobody can have, or a good one. */
  change(date: string, isWrong: boolean): void {
    const { pipeline, rows } = this.season.state;
    const box = pipeline.byName.get('Box')!;
    this.#points += 1;
    const points = isWrong ? MOST_POINTS + this.#points : this.#points;
    this.warehouse.outside(box, dayOf(date), rows.get(`Box ${date}`)!.map((row, index) => (index === 0 ? { ...row, points } : row)));
  }
}

describe('A gate whose checks take longer than one invocation', () => {
  let looks: Looks;
  beforeEach(async () => { looks = await Looks.open(); });
  afterEach(() => looks.season.close());

  it('is passed in several: each check is asked until it has answered, and not again', async () => {
    const { warehouse } = looks;
    for (const name of CHECKS) warehouse.takes.set(name, 5);
    for (let invocation = 0; invocation < 2; invocation += 1) assert.equal((await looks.invocation(8)).state, 'running');
    assert.equal((await looks.invocation(8)).state, 'finished');
    assert.deepEqual(warehouse.asked, ['a', 'b', 'b', 'c', 'c']);
  });

  it('keeps an answer with the moment at which it was given, and none when it has been judged', async () => {
    looks.warehouse.takes.set('b', 5);
    const cut = await looks.invocation(4);
    const { progress } = currentStage(cut);
    assert.deepEqual(progress.looking?.answers.map(({ file, cuts, outcome, at }) => [file, cuts, outcome, at]), [
      ['checks/a.sql', 0, { kind: 'passed' }, looks.season.clock.now()], ['checks/b.sql', 1, null, looks.season.clock.now()],
    ]);
    const done = await looks.invocation(30);
    assert.deepEqual([done.state, done.stages.at(-1)?.looking, done.stages.at(-1)?.gate?.checks.map(({ rows }) => rows)], ['finished', null, [0, 0, 0]]);
  });

  it('asks again what reads rows that were changed since: it never passes on an old answer', async () => {
    looks.warehouse.takes.set('c', 5);
    await looks.invocation(6);
    looks.change('2024-01-08', true);
    const record = await looks.invocation(30);
    assert.equal(record.state, 'gate_held', record.note);
    assert.match(record.note, /the check a found 1 row/);
    assert.deepEqual(looks.warehouse.asked, ['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('asks again what reads rows that were changed while a later check was asked', async () => {
    const { warehouse } = looks;
    warehouse.during = (name) => { if (name === 'c' && warehouse.asked.length === 3) looks.change('2024-01-08', true); };
    const record = await looks.invocation(30);
    assert.equal(record.state, 'gate_held', record.note);
    assert.match(record.note, /the check a found 1 row/);
  });

  it('holds on a check that no invocation is long enough for, and looks anew when it is resumed', async () => {
    const { warehouse, season } = looks;
    warehouse.takes.set('b', 9);
    for (let invocation = 0; invocation < 2; invocation += 1) assert.equal((await looks.invocation(8)).state, 'running');
    const cut = await looks.invocation(8);
    assert.deepEqual(currentStage(cut).progress.looking?.answers.map(({ file, cuts }) => [file, cuts]), [['checks/a.sql', 0], ['checks/b.sql', 3]], 'c was given no time, and is not cut short');
    const held = await looks.invocation(8);
    assert.equal(held.state, 'gate_held');
    assert.match(held.note, /the check b could not be run, .* cut short 3 times/);
    warehouse.takes.set('b', 1);
    warehouse.asked.length = 0;
    await season.order(looks.id, (record, now) => resumed(record, kim, now));
    assert.equal((await looks.invocation(8)).state, 'finished');
    assert.deepEqual(warehouse.asked, [...CHECKS]);
  });
});

describe('A gate that is looked at in any number of invocations', function () {
  this.timeout(120_000);

  it('ends, and is passed if and only if the rows are good that are there when it is judged', async () => {
    const minutes = fc.integer({ min: 1, max: 8 });
    const changes = fc.record({ when: fc.constantFrom('between' as const, ...CHECKS), date: fc.constantFrom('2024-01-02', '2024-01-08', '2024-01-19'), isWrong: fc.boolean() });
    const invocations = fc.array(fc.record({ minutes: fc.integer({ min: 8, max: 20 }), change: fc.option(changes, { nil: null, freq: 2 }) }), { minLength: 3, maxLength: 6 });
    await fc.assert(fc.asyncProperty(fc.tuple(minutes, minutes, minutes), invocations, async (takes, plan) => {
      const looks = await Looks.open();
      const { warehouse, season } = looks;
      for (const [index, name] of CHECKS.entries()) warehouse.takes.set(name, takes[index]!);
      let changed = 0;
      let record: BackfillRecord | null = null;
      for (let at = 0; record?.state !== 'finished' && record?.state !== 'gate_held'; at += 1) {
        assert.ok(at < plan.length + 2 * CHECKS.length, 'it ends');
        const { minutes: room, change } = plan[at] ?? { minutes: 8, change: null };
        let isDue = change !== null;
        const apply = (): void => {
          if (change && isDue) looks.change(change.date, change.isWrong);
          if (isDue) changed += 1;
          isDue = false;
        };
        warehouse.during = (name) => { if (name === change?.when) apply(); };
        if (change?.when === 'between') apply();
        record = await looks.invocation(room);
      }
      const rows = await warehouse.rows(season.state.pipeline.byName.get('Box')!, SEASON, null);
      assert.equal(record.state === 'finished', rows.every(({ points }) => Number(points) <= MOST_POINTS), record.note);
      assert.ok(warehouse.asked.length <= CHECKS.length * (1 + changed) + plan.length + 2 * CHECKS.length, warehouse.asked.join(' '));
      season.close();
    }), { numRuns: 25 });
  });
});
