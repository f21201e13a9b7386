import assert from 'node:assert/strict';
import { readStartReason } from '../../scripts/commands/options.ts';

describe('why a backfill is started', () => {
  const CASES: readonly (readonly [runtime: 'embedded' | 'google', dryRun: boolean, reason: string | undefined, read: string | null])[] = [
    ['embedded', false, undefined, ''],
    ['embedded', false, ' the season is missing ', 'the season is missing'],
    ['embedded', false, 'missing:\n the season', 'missing: the season'],
    ['google', false, 'the season is missing', 'the season is missing'],
    ['google', false, undefined, null],
    ['google', false, '  ', null],
    ['google', true, undefined, ''],
  ];
  for (const [runtime, dryRun, reason, read] of CASES) {
    it(`${read === null ? 'has to be said' : 'is taken, in one line'} with ${runtime}${dryRun ? ', in a dry run' : ''}, where ${reason === undefined ? 'nothing' : `'${reason}'`} was given`, () => {
      const find = (): string => readStartReason({ runtime, dryRun, reason });
      if (read === null) assert.throws(find, /received no reason; starting a backfill is recorded with who and why; add --reason/);
      else assert.equal(find(), read);
    });
  }
});
