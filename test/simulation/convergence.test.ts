import assert from 'node:assert/strict';
import { cleanState } from './clean.ts';
import { cellName, cellsOf, undamagedRows } from './mini-pipeline.ts';
import { converges } from './convergence.ts';
import { miniOnDuckDb, nbaOnDuckDb } from './duckdb-bench.ts';
import { replayable, seeds } from './random.ts';
import { differences } from './site.ts';

describe('convergence: recovery of a damaged warehouse', () => {
  it('builds a season from nothing, each cell once, equal to functions called without an engine', async () => {
    const { pipeline, rows, runs, records } = await cleanState();
    assert.deepEqual(differences(pipeline, rows, await undamagedRows(pipeline)), []);
    assert.deepEqual([...runs].sort(), cellsOf(pipeline).map(cellName).sort());
    assert.deepEqual(records.filter((record) => record.request !== null), []);
  });
});

describe('convergence: seeded damage on the mini pipeline', () => {
  for (const seed of seeds(200)) {
    it(`seed ${seed} ends with the rows of a warehouse that never lost anything`, () => replayable(seed, 'convergence', () => converges(seed)));
  }
});

describe('convergence: seeded damage on DuckDB', () => {
  for (const seed of seeds(10)) {
    it(`seed ${seed} ends with the rows of a warehouse that never lost anything`, () => replayable(seed, 'convergence', () => converges(seed + 10_000, miniOnDuckDb)));
  }
});

describe('convergence: seeded damage on ten days of the NBA', () => {
  const openNba = nbaOnDuckDb('2023-10-24', '2023-11-02');
  for (const seed of seeds(2)) {
    it(`seed ${seed} ends with the rows of a warehouse that never lost anything`, () =>
      replayable(seed, 'convergence', () => converges(seed, openNba, { stateLost: false, by: 'person', damages: 4 }))).timeout(60_000);
  }
});
