import assert from 'node:assert/strict';
import { checkFiles } from '../../../scripts/commands/checks-source.ts';
import { dayOf } from '../../../shared/calendar/day.ts';
import { verifyReadiness, verifyScope, type GateReport } from '../../../shared/flows/verify.ts';
import { loadChecks } from '../../../shared/pipeline/checks.ts';
import { formatProblems } from '../../../shared/pipeline/problems.ts';
import { STANDARD_RULES } from '../../../shared/staged/gate.ts';
import { FROM, nbaPipeline, openAt, withCopy } from './built-season.ts';
import { pipelineDirectory } from './support.ts';

/** The checks that ship, on the first weeks of a real season: good rows pass, each kind of damage is found by its check. */

const LAST = '2023-11-10';
const pipeline = nbaPipeline();
const loaded = loadChecks(pipelineDirectory, pipeline, checkFiles);
const scope = { from: dayOf(FROM), to: dayOf(LAST), processors: null };

describe('The checks of the NBA pipeline', function () {
  this.timeout(120_000);

  /** The gate over the built weeks, after another program has run this SQL. */
  const gateAfter = (...sql: readonly string[]): Promise<GateReport> => withCopy(LAST, async (folder) => {
    const opened = await openAt(folder, '2023-11-11');
    try {
      for (const statement of sql) await opened.runtime.warehouse.outside(statement);
      return await verifyScope(opened.runtime.engine, scope, { checks: loaded.checks, rules: STANDARD_RULES });
    } finally {
      await opened.close();
    }
  });
  const offended = ({ figures }: GateReport): string[] => figures.checks.flatMap(({ name, outcome }) => (outcome.kind === 'passed' ? [] : [`${name} ${outcome.kind === 'offended' ? outcome.rows : outcome.message}`]));

  it('are right, and belong to the tables that they are about', () => {
    assert.equal(formatProblems(loaded.problems), '');
    assert.deepEqual(loaded.checks.map(({ name, of }) => [name, of.phase.name]), [
      ['box_scores_agree', 'phase_2_raw'], ['factors_in_range', 'phase_4_precompute'], ['features_have_factors', 'phase_4_precompute'], ['features_not_null', 'phase_4_precompute'],
      ['offense_and_defense_agree', 'phase_3_analytics'],
    ]);
  });

  it('pass on rows that the pipeline made, and so does the gate', async () => {
    const report = await gateAfter();
    assert.deepEqual(offended(report), []);
    assert.equal(report.verdict.passed, true, JSON.stringify(report.verdict));
  });

  const at = "game_date = DATE '2023-11-08'";
  for (const { words, sql, finds } of [
    { words: 'a fatigue beyond its score', sql: `UPDATE nba_precompute.player_composite_factors SET fatigue_score = 140 WHERE ${at} AND player_id = (SELECT min(player_id) FROM nba_precompute.player_composite_factors WHERE ${at})`, finds: ['factors_in_range 1', 'features_have_factors 1'] },
    { words: 'a home court that is neither', sql: `UPDATE nba_precompute.player_composite_factors SET home_court_score = 0 WHERE ${at} AND player_id = (SELECT max(player_id) FROM nba_precompute.player_composite_factors WHERE ${at})`, finds: ['factors_in_range 1'] },
    { words: 'factors that are null', sql: `UPDATE nba_precompute.player_composite_factors SET composite_score = NULL WHERE ${at} AND player_id = (SELECT max(player_id) FROM nba_precompute.player_composite_factors WHERE ${at})`, finds: ['factors_in_range 1'] },
    { words: 'a feature that is null', sql: `UPDATE nba_precompute.ml_feature_store SET points_avg_last_5 = NULL WHERE ${at} AND player_id = (SELECT min(player_id) FROM nba_precompute.ml_feature_store WHERE ${at})`, finds: ['features_not_null 1'] },
    { words: 'features without factors', sql: `DELETE FROM nba_precompute.player_composite_factors WHERE ${at} AND player_id = (SELECT min(player_id) FROM nba_precompute.player_composite_factors WHERE ${at})`, finds: ['features_have_factors 1'] },
    { words: 'a box score that does not add up', sql: `UPDATE nba_raw.nbac_team_boxscore SET points = points + 1 WHERE ${at} AND team = (SELECT min(team) FROM nba_raw.nbac_team_boxscore WHERE ${at})`, finds: ['box_scores_agree 1'] },
    { words: 'a defence that allowed other points than were scored', sql: `UPDATE nba_analytics.team_defense_game_summary SET points_allowed = 0 WHERE ${at} AND team = (SELECT min(team) FROM nba_analytics.team_defense_game_summary WHERE ${at})`, finds: ['offense_and_defense_agree 1'] },
  ]) {
    it(`find ${words}, and hold the gate`, async () => {
      const report = await gateAfter(sql);
      assert.deepEqual(offended(report), finds);
      assert.equal(report.verdict.passed, false);
      assert.ok(report.verdict.reasons.some(({ rule }) => rule === 'checks'));
    });
  }

  it('are not run where their tables are not judged', async () => {
    await withCopy(LAST, async (folder) => {
      const opened = await openAt(folder, '2023-11-11');
      try {
        const raw = new Set(pipeline.processors.filter(({ phase }) => phase.name === 'phase_2_raw').map(({ name }) => name));
        const { figures } = await verifyScope(opened.runtime.engine, { ...scope, processors: raw }, { checks: loaded.checks, rules: STANDARD_RULES });
        assert.deepEqual(figures.checks.map(({ name }) => name), ['box_scores_agree']);
      } finally {
        await opened.close();
      }
    });
  });

  it('phase 5 is ready for a date whose features are there, and not once a team has no zone analysis', async () => {
    await withCopy(LAST, async (folder) => {
      const opened = await openAt(folder, LAST);
      const phase = pipeline.phases.find(({ name }) => name === 'phase_5_predictions');
      assert.ok(phase);
      try {
        const { engine, warehouse } = opened.runtime;
        const ready = await verifyReadiness(engine, phase, dayOf(LAST));
        assert.deepEqual([ready.ready, ready.day, ready.judged, ready.blocking], [true, dayOf(LAST), 5, []]);
        await warehouse.outside("DELETE FROM nba_precompute.team_defense_zone_analysis WHERE game_date = DATE '2023-11-09'");
        const { ready: still, blocking } = await verifyReadiness(engine, phase, dayOf(LAST));
        assert.equal(still, false);
        assert.deepEqual(blocking.map(({ processor, day, because }) => [processor, day, because]), [['TeamDefenseZoneAnalysisProcessor', dayOf('2023-11-09'), 'missing']]);
      } finally {
        await opened.close();
      }
    });
  });
});
