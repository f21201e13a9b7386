import assert from 'node:assert/strict';
import { renderNeeds } from '../../scripts/output/needs-view.ts';
import { styleOf, widthOf } from '../../scripts/output/style.ts';
import { addDays, dayOf } from '../../shared/calendar/day.ts';
import { assessNeeds, type NeedsFacts, type RequestFact } from '../../shared/needs/assess.ts';

const FROM = dayOf('2024-01-01');

describe('needs as they are shown', () => {
  const shown = (changes: Partial<NeedsFacts>): string => {
    const needs = assessNeeds({ days: 30, lacking: [], runs: [], requests: [], byHand: 0, minutesPerManual: 60, ...changes });
    return renderNeeds({ from: FROM, to: addDays(FROM, 29), days: 30, needs, minutesPerManual: 60, cut: [] }, 'nba', styleOf({ colour: false }, 80));
  };
  const filled: RequestFact = { processor: 'Box', day: FROM, kind: 'manual', openedAt: 0, endedAt: 600_000, outcome: 'completed', byItself: false, fills: true };

  it('an empty history: nothing to go by, nothing filled, and it says so within 80 columns', () => {
    const text = shown({});
    assert.match(text, /^nba, 2024-01-01\.\.2024-01-30 \(30 days\): automatic recovery is not needed: by\n {2}hand is fine\n/);
    assert.match(text, /time to recovery: no gap was filled in this time\n/);
    assert.match(text, /No run of these dates is known: with nothing to go by/);
    assert.ok(text.split('\n').every((line) => widthOf(line) <= 80), text);
  });

  it('the time to recovery, of all gaps and of those that were filled by themselves', () => {
    assert.match(shown({ requests: [filled] }), /median: 10 min of all gaps; none was filled by itself\n/);
    assert.match(shown({ requests: [filled, { ...filled, byItself: true, endedAt: 300_000 }] }).replaceAll(/\n +/g, ' '), /median: 7\.5 min of all gaps, 5 min of those that were filled by themselves/);
  });

  it('each figure has its band, by the thresholds of the document', () => {
    const lacking = Array.from({ length: 4 }, (_, at) => ({ processor: 'Box', day: addDays(FROM, at) }));
    const runs = [{ processor: 'Box', day: FROM, succeeded: false, category: 'defensive_block' as const, error: null }];
    const text = shown({ lacking, runs, byHand: 1 });
    assert.match(text, /gap frequency .* borderline +0–2, 3–5, over 5/);
    assert.match(text, /dependency failures .* justified +5 %, 10 %/);
    assert.match(text, /manual time .* not needed +30, 60 minutes/);
  });
});
