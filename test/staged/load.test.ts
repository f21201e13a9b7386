import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { loadPipeline } from '../../shared/pipeline/load.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { formatProblem, formatProblems } from '../../shared/pipeline/problems.ts';
import { loadBackfills, type LoadedBackfills } from '../../shared/staged/load.ts';
import { backfillsJsonSchemaText } from '../../shared/staged/schema.ts';
import { GOOD as GOOD_PIPELINE, load as loadGood } from '../pipeline/fixture.ts';
import { pipelineDirectory } from '../pipelines/nba/support.ts';

const GOOD = `version: 1
backfills:
  whole:
    stages:
      - name: raw
        phases: [phase_2_raw]
        error_policy: continue
        gate: {coverage_percent: 100, checks: [checks/points.sql]}
      - name: analytics
        phases: [phase_3_analytics]
        order: by_date
`;
const CHECK = 'SELECT game_date, game_id FROM summary WHERE points_last_10 < 0\n';

function small(): Pipeline {
  const loaded = loadGood(GOOD_PIPELINE);
  if (loaded.kind === 'invalid') assert.fail(formatProblems(loaded.problems));
  return loaded.pipeline;
}

function load(yaml: string | undefined, check: string | undefined = CHECK): LoadedBackfills {
  return loadBackfills(small(), { readText: (path) => (path === 'p/backfills.yaml' ? yaml : path === 'p/checks/points.sql' ? check : undefined) });
}

function problemsOf(change: readonly [string, string], check?: string): string[] {
  assert.ok(GOOD.includes(change[0]), change[0]);
  const loaded = load(GOOD.replace(...change), check);
  return loaded.kind === 'invalid' ? loaded.problems.map(formatProblem) : [];
}

describe('staged/load', () => {
  it('completes a definition with its defaults and its checks', () => {
    const loaded = load(GOOD);
    assert.equal(loaded.kind, 'ok');
    if (loaded.kind !== 'ok') return;
    const whole = loaded.definitions.get('whole');
    assert.deepEqual(whole?.checks, [{ file: 'checks/points.sql', sql: CHECK }]);
    const [raw, analytics] = whole?.stages ?? [];
    assert.deepEqual([raw?.concurrency, raw?.retries, raw?.order, raw?.gate?.no_unresolved_failures], [4, 2, 'parallel', true]);
    assert.deepEqual([analytics?.order, analytics?.error_policy, analytics?.gate], ['by_date', 'stop', undefined]);
  });

  it('gives another hash to a definition whose check has changed', () => {
    const hashes = [CHECK, `${CHECK}-- more`].map((check) => {
      const loaded = load(GOOD, check);
      return loaded.kind === 'ok' ? loaded.definitions.get('whole')?.hash : null;
    });
    assert.notEqual(hashes[0], hashes[1]);
  });

  it('has no definitions where there is no file', () => {
    const loaded = load(undefined);
    assert.ok(loaded.kind === 'ok' && loaded.definitions.size === 0);
  });

  const MISTAKES: readonly (readonly [string, readonly [string, string], RegExp])[] = [
    ['an unknown key', ['error_policy', 'eror_policy'], /^p\/backfills\.yaml:7:9: unknown key eror_policy; did you mean error_policy\?/],
    ['an unknown policy', ['continue', 'continu'], /^p\/backfills\.yaml:7:23: error_policy cannot be 'continu'; did you mean continue\?.*allowed: stop, continue, skip-deps$/],
    ['an unknown phase', ['[phase_2_raw]', '[phase_2_rw]'], /^p\/backfills\.yaml:6:18: unknown phase phase_2_rw; did you mean phase_2_raw\?/],
    ['a phase twice', ['[phase_2_raw]', '[phase_2_raw, phase_2_raw]'], /^p\/backfills\.yaml:6:31: phase_2_raw is named twice; remove one/],
    ['two stages of one name', ['name: analytics', 'name: raw'], /^p\/backfills\.yaml:9:15: two stages are named raw; rename one/],
    ['a check that is not there', ['checks/points.sql', 'checks/pts.sql'], /^p\/backfills\.yaml:8:48: there is no check checks\/pts\.sql/],
    ['a check outside the folder', ['checks/points.sql', '../points.sql'], /there is no check \.\.\/points\.sql/],
    ['a percentage over 100', ['coverage_percent: 100', 'coverage_percent: 101'], /^p\/backfills\.yaml:8:34: coverage_percent cannot be 101;/],
    ['no stages', [GOOD.slice(GOOD.indexOf('      - name')), ''], /stages/],
    ['a delay between the dates of a parallel stage', ['error_policy: continue', 'delay_seconds: 5'], /^p\/backfills\.yaml:7:24: a parallel stage has no order of dates to wait between/],
    ['a cascade without an order of dates', ['error_policy: continue', 'cascade: true'], /^p\/backfills\.yaml:7:18: cascades go date by date;.*allowed: cascade: true with order: by_date/m],
    ['a cascade of one phase alone', ['order: by_date', 'order: by_date\n        cascade: true'], /^p\/backfills\.yaml:10:9: one phase alone has no cascade/],
    ['a cascade to a phase that does not come next', ['[phase_3_analytics]\n        order: by_date', '[phase_3_analytics, phase_2_raw]\n        order: by_date\n        cascade: true'], /phase_2_raw does not follow phase_3_analytics in pipeline\.yaml/],
    ['no YAML', ['version: 1', 'version: ['], /this is no YAML/],
  ];
  for (const [what, change, message] of MISTAKES) it(`refuses ${what}, with its place`, () => { assert.match(problemsOf(change).join('\n'), message); });

  it('places a mistake of a check in its file', () => {
    assert.match(problemsOf(['version: 1', 'version: 1'], 'SELECT game_date\nFROM sumary').join('\n'), /^p\/checks\/points\.sql:2:6: unknown table sumary/);
    assert.match(problemsOf(['version: 1', 'version: 1'], 'DELETE FROM summary').join('\n'), /^p\/checks\/points\.sql:1:1: .*a query, not DELETE/);
  });

  it('refuses a phase that looks forward', () => {
    const pipeline = small();
    const forward = { ...pipeline, phases: pipeline.phases.map((phase) => ({ ...phase, backfillable: phase.name !== 'phase_3_analytics' })) };
    const loaded = loadBackfills(forward, { readText: (path) => (path === 'p/backfills.yaml' ? GOOD : CHECK) });
    assert.match(loaded.kind === 'invalid' ? formatProblems(loaded.problems) : '', /phase_3_analytics is not backfillable/);
  });

  it('has the schema that editors use in pipelines/backfills.schema.json', () => {
    const written = readFileSync(new URL('../../pipelines/backfills.schema.json', import.meta.url), 'utf8');
    assert.equal(written, backfillsJsonSchemaText(), 'pipelines/backfills.schema.json is out of date; run: npx smart-backfill pipeline schema backfills > pipelines/backfills.schema.json');
  });

  it('finds no mistake in the definitions that ship', () => {
    const io = { readText: (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) };
    const pipeline = loadPipeline(pipelineDirectory, io);
    assert.ok(pipeline.kind === 'ok');
    const loaded = loadBackfills(pipeline.pipeline, io);
    if (loaded.kind === 'invalid') assert.fail(formatProblems(loaded.problems));
    assert.deepEqual([...loaded.definitions.keys()], ['season', 'date_by_date']);
    assert.deepEqual(loaded.definitions.get('season')?.stages.map((stage) => [stage.name, stage.order, stage.error_policy]), [
      ['preflight', 'parallel', 'stop'], ['raw', 'parallel', 'continue'], ['analytics', 'by_date', 'stop'], ['precompute', 'by_date', 'stop'], ['validation', 'by_date', 'stop'],
      ['canary', 'by_date', 'stop'],
    ]);
    const cascading = [...loaded.definitions.values()].flatMap(({ name, stages }) => stages.filter((stage) => stage.cascade).map((stage) => `${name}.${stage.name}`));
    assert.deepEqual(cascading, ['season.canary', 'date_by_date.dates']);
    assert.deepEqual(loaded.definitions.get('season')?.checks.map((check) => check.file), ['checks/factors_in_range.sql', 'checks/features_not_null.sql']);
  });
});
