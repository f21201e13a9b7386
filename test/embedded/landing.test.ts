import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayOf } from '../../shared/calendar/day.ts';
import { Landing } from '../../shared/embedded/landing.ts';
import type { Row } from '../../shared/ports/warehouse.ts';
import { claimOf, named } from '../contract/warehouse-under-test.ts';
import { warehousePipeline } from '../contract/warehouse-pipeline.ts';

describe('Landed files', () => {
  const processor = named(warehousePipeline(), 'Landed');
  const nov15 = dayOf('2023-11-15');
  const row = (player: number): Row => ({ points: 3, player_id: player, game_id: 'A', game_date: '2023-11-15' });
  let root: string;
  let folder: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'smart-backfill-landing-'));
    folder = join(root, 'boxscores', 'game_date=2023-11-15');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  async function land(rows: readonly Row[], generation = 1): Promise<string> {
    return (await (await new Landing(root).stage(claimOf(processor, nov15, generation), { kind: 'rows', rows })).promote('{}')).kind;
  }
  const rowsNow = () => new Landing(root).rows(processor, { from: nov15, to: nov15 }, null);

  it('are JSON lines with sorted keys, one file a date, with a marker beside them', async () => {
    await land([row(1), row(2)]);
    assert.deepEqual(readdirSync(folder).sort(), ['_promotion.json', 'boxscores.jsonl']);
    assert.equal(readFileSync(join(folder, 'boxscores.jsonl'), 'utf8').split('\n')[0], '{"game_date":"2023-11-15","game_id":"A","player_id":1,"points":3}');
  });

  it('whose marker was written before a crash get the rows that it names', async () => {
    await land([row(1)]);
    const old = readFileSync(join(folder, 'boxscores.jsonl'));
    await land([row(2)], 2);
    // As it is between the two renames: the marker is new, the rows are still beside it.
    const { pending } = JSON.parse(readFileSync(join(folder, '_promotion.json'), 'utf8'));
    renameSync(join(folder, 'boxscores.jsonl'), join(folder, String(pending)));
    writeFileSync(join(folder, 'boxscores.jsonl'), old);
    assert.equal((await new Landing(root).promotion(processor, nov15))?.generation, 2);
    assert.deepEqual(await rowsNow(), [row(2)]);
  });

  it('whose marker was not written before a crash stay as they were, and leftovers go with the next promotion', async () => {
    await land([row(1)]);
    writeFileSync(join(folder, '.boxscores.jsonl.dead'), '{"half":');
    assert.deepEqual(await rowsNow(), [row(1)]);
    await land([row(2)], 2);
    assert.ok(!existsSync(join(folder, '.boxscores.jsonl.dead')));
  });

  it('that are damaged are missing, are named when read, and can be landed again', async () => {
    await land([row(1)]);
    writeFileSync(join(folder, 'boxscores.jsonl'), '{"game_date":"2023-11-15"}\n{"half":');
    assert.equal((await new Landing(root).coverage(processor, nov15, nov15)).size, 0);
    await assert.rejects(rowsNow(), /boxscores\.jsonl, line 2 is no JSON object.*land this date again/);
    assert.equal(await land([row(1)], 2), 'promoted');
    assert.deepEqual(await rowsNow(), [row(1)]);
  });

  it('of another hand are counted without a marker', async () => {
    await land([row(1)]);
    rmSync(join(folder, '_promotion.json'));
    assert.equal(await new Landing(root).promotion(processor, nov15), null);
    assert.equal((await new Landing(root).coverage(processor, nov15, nov15)).get(nov15)?.rows, 1);
  });

  it('are not written by SQL', () => assert.rejects(new Landing(root).stage(claimOf(processor, nov15), { kind: 'sql', inputs: [] }), /lands files/));
});
