import assert from 'node:assert/strict';
import { compareWarehouses } from '../../scripts/demo/proof.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import type { Sandbox } from '../cli/harness.ts';
import { nbaPipeline } from '../pipelines/nba/built-season.ts';
import { Random } from '../simulation/random.ts';
import { disturbedBackfill, type Disturbed } from './disturbed.ts';
import { EmbeddedOperator, type AtCell } from './embedded-operator.ts';

const BEGAN = '2024-07-01T08:00:00Z';

export interface DisturbedSeason extends Pick<Disturbed<AtCell>, 'scope' | 'id' | 'failing'> {
  readonly from: string;
  readonly to: string;
  readonly kills: number;
  /** About so many cells the backfill has: moments are picked among them. */
  readonly cells: number;
  readonly seed: number;
}

/** Runs a disturbed backfill in a state folder, and holds its warehouse against one that was never disturbed. */
export async function disturbedSeason(sandbox: Sandbox, { from, to, kills, cells, seed, ...disturbed }: DisturbedSeason): Promise<void> {
  const calm = new EmbeddedOperator(sandbox, BEGAN);
  const undisturbed = calm.run('backfill', 'start', '--definition', 'season', ...disturbed.scope, '--yes', '--quiet');
  const dice = new Random(seed);
  const deaths = Array.from({ length: kills + 1 }, () => 1 + dice.below(cells - 2)).sort((a, b) => a - b).map((cell) => ({ cell, dice }));
  const operator = new EmbeddedOperator(sandbox, BEGAN);
  await disturbedBackfill(operator, { ...disturbed, deaths, bedtime: dice.below(deaths.length) });

  const reference = await undisturbed;
  assert.equal(reference.code, 0, reference.stderr);
  const proofs = await compareWarehouses(nbaPipeline(), calm.state, operator.state, dayOf(from), dayOf(to));
  assert.deepEqual(proofs.filter((proof) => proof.differing > 0 || proof.rows === 0), []);
}
