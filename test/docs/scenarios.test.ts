import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every scenario, procedure and emergency of source documents 001 and 002 that concerns gaps and staged backfills. */
const NAMED: readonly (readonly [document: string, names: readonly string[]])[] = [
  ['001', ['Scenario 1: Phase 2 Processor Timeout', 'Stage 2: Investigate & Fix Phase 1-2 Failures', 'Scenario 2: Phase 3 Blocked by Defensive Check', 'Scenario 3: Phase 4 Fails to Trigger']],
  ['002', [
    'Procedure 1: Identify Failure Point', 'Procedure 2: Categorize the Failure', 'Procedures 3 and 4: Resume Backfill, Verify Recovery',
    'Scenario 1: Script Crashes Mid-Backfill', 'Scenario 2: Phase 2 Data Missing for Date', 'Scenario 3: Defensive Check Blocks Processing', 'Scenario 4: BigQuery Query Timeout',
    'Scenario 5: Multiple Processors Fail for Same Date', 'Scenario 6: Backfill Completes But Quality Gate Fails', 'Scenario 7: Alert Spam Despite Backfill Mode',
    'Emergency 1: Stop Backfill Immediately', 'Emergency 2: Rollback Corrupted Data', 'Emergency 3: BigQuery Quota Exceeded',
  ]],
];

const project = join(import.meta.dirname, '../..');
const scenarios = join(project, 'test/pipelines/nba');

/** The headings of one document's part of docs/operate.md, each with what is under it. */
function headingsOf(document: string): ReadonlyMap<string, string> {
  const part = readFileSync(join(project, 'docs/operate.md'), 'utf8').split(/^## /m).find((text) => text.startsWith(`Source document ${document}`)) ?? '';
  return new Map(part.split(/^### /m).slice(1).map((section) => [section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n'))]));
}

/** Names of the tests of one document. */
function testsOf(document: string): readonly string[] {
  const files = readdirSync(scenarios).filter((file) => file.startsWith(`scenarios-${document}`) && file.endsWith('.test.ts'));
  return files.flatMap((file) => [...readFileSync(join(scenarios, file), 'utf8').matchAll(/^ {2}it\('([^']+)'/gm)].map((match) => match[1] ?? ''));
}

describe('the source documents’ scenarios', () => {
  for (const [document, names] of NAMED) {
    it(`of ${document} are each a heading of docs/operate.md, in this order, and no other is`, () => {
      assert.deepEqual([...headingsOf(document).keys()], names);
    });

    for (const name of names) {
      it(`${document}, ${name}: is a test of that name, and its heading says what is seen and done`, () => {
        assert.ok(testsOf(document).includes(name), `no test in test/pipelines/nba/scenarios-${document}*.test.ts is named ${name}`);
        assert.match(headingsOf(document).get(name) ?? '', /^sb |`sb /m);
      });
    }
  }
});
