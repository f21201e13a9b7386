import assert from 'node:assert/strict';
import { slackMessage } from '../../shared/alerts/slack.ts';

const alert = { severity: 'critical', event: 'backfill_stopped', title: 'backfill a has stopped', lines: ['Box: 3 (processing)', 'a < b & c > d'], command: 'smart-backfill backfill resume a', at: 0 } as const;

describe('alerts/slack', () => {
  it('has the title, a line each, and the command last', () => {
    assert.deepEqual(slackMessage(alert), { text: '*[critical] backfill a has stopped*\n• Box: 3 (processing)\n• a &lt; b &amp; c &gt; d\n`smart-backfill backfill resume a`' });
    assert.equal(slackMessage({ ...alert, command: null, lines: [] }).text, '*[critical] backfill a has stopped*');
  });
  it('cuts what is too long, and never the command', () => {
    const { text } = slackMessage({ ...alert, lines: Array.from({ length: 500 }, (_, index) => `line ${index} of many`) });
    assert.equal(text.length, 3500);
    assert.match(text, /…\n`smart-backfill backfill resume a`$/);
  });
});
