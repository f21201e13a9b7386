import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askedBy, readStart, refuseEmpty, startOptions } from '../../scripts/commands/backfill-asked.ts';
import { openPipeline } from '../../scripts/session.ts';
import { InputError } from '../../shared/failures/errors.ts';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';

/** The options of `backfill start`, as they are read before anything is opened: over NBA's own definitions. */

describe('what backfill start is asked for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sbf-asked-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const pipeline = openPipeline({ pipeline: 'pipelines/nba' }, process.cwd());

  /** As the parser of options hands them over. */
  const read = (given: Readonly<Record<string, unknown>>) => {
    const options = startOptions.parse({ definition: 'season', pipeline: 'pipelines/nba', ...given });
    return { options, ask: readStart(options, { pipeline, options, io: { cwd: process.cwd(), environment: {} } }) };
  };
  const asked = (given: Readonly<Record<string, unknown>>, today = '2025-01-01') => {
    const told: string[] = [];
    const { options, ask } = read(given);
    return { told, asked: askedBy(options, ask, { pipeline, today: dayOf(today), now: 7, by: 'kim', tell: (text) => told.push(text) }) };
  };
  const file = (text: string): string => {
    const path = join(folder, 'dates.txt');
    writeFileSync(path, text);
    return path;
  };

  it('dates of a file: comments, blank lines, ranges, lists, in any order, twice, with any line ends and a byte order mark', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const datesFile = file(`\uFEFF# by hand${end}${end}2023-11-15  # twice${end}  2023-11-10..2023-11-12, 2023-11-11 ${end}2023-11-15${end}2023-11-01`);
      const { dates, from, to } = asked({ datesFile }).asked;
      assert.deepEqual([dates?.map(formatDay), formatDay(from), formatDay(to)], [['2023-11-01', '2023-11-10', '2023-11-11', '2023-11-12', '2023-11-15'], '2023-11-01', '2023-11-15'], JSON.stringify(end));
    }
  });

  it('live dates are left to daily work, and it is said', () => {
    const { asked: { from, to }, told } = asked({ season: '2023-24' }, '2023-11-05');
    assert.deepEqual([formatDay(from), formatDay(to), told], ['2023-10-24', '2023-11-01', ['note: it ends with 2023-11-01: later dates are live, and daily work has them']]);
  });

  it('says where something excluded is not asked for: a slip of the pen, or a list for several seasons', () => {
    const { asked: { exclude }, told } = asked({ season: '2023-24', exclude: '2023-02-17..2023-02-18,2024-02-17' });
    assert.deepEqual([exclude.map(formatDay), told], [['2023-02-17', '2023-02-18', '2024-02-17'], ['note: --exclude names 2023-02-17..2023-02-18, which is not asked for anyway']]);
    assert.deepEqual(asked({ season: '2023-24', exclude: '2024-02-17' }).told, []);
    assert.match(asked({ datesFile: file('2023-11-01\n2023-11-03'), exclude: '2023-11-02' }).told[0] ?? '', /names 2023-11-02, which is not asked for anyway/);
  });

  it('numbers, as people write them', () => {
    const { concurrency, delaySeconds, maxFailures } = asked({ season: '2023-24', concurrency: '8', delay: '0.5', maxFailures: '20' }).asked;
    assert.deepEqual([concurrency, delaySeconds, maxFailures], [8, 0.5, 20]);
  });

  const SEASON = { season: '2023-24' };
  const WRONG: readonly (readonly [what: string, given: Readonly<Record<string, unknown>>, message: RegExp])[] = [
    ['no definition', { ...SEASON, definition: undefined }, /received no definition; allowed are season, date_by_date; add --definition NAME/],
    ['an unknown definition', { ...SEASON, definition: 'seson' }, /received the definition 'seson', which there is not; did you mean season\? allowed are season, date_by_date/],
    ['an unknown season', { season: '2024-25' }, /received the season '2024-25'.*allowed are 2020-21, .*; did you mean/],
    ['an unknown phase', { ...SEASON, phase: 'phase_3' }, /received the phase 'phase_3'.*allowed are phase_1_scrapers/],
    ['a phase of which the definition has none', { ...SEASON, phase: 'phase_5_predictions' }, /of which the definition season has none; allowed are processors of phase_1_scrapers, .*leave it out/],
    ['no dates', {}, /received no dates; allowed are --season NAME, --from DATE with --to DATE, and --dates-file FILE; give one of them/],
    ['a last date alone', { to: '2023-11-12' }, /received --to 2023-11-12 without a first date; .*add --from/],
    ['dates in the wrong order', { from: '2023-11-12', to: '2023-11-02' }, /the last may not be before the first; did you mean --from 2023-11-02 --to 2023-11-12\?/],
    ['dates of no season', { from: '2023-08-01', to: '2023-08-02' }, /which is between the seasons of nba; allowed are dates of its seasons/],
    ['a season and dates of another', { ...SEASON, from: '2022-11-12' }, /which are not within it; .*leave one of the two out/],
    ['a file and a season', { ...SEASON, datesFile: 'dates.txt' }, /received --dates-file with --season; allowed is one of them.*leave one of the two out/],
    ['a file and a first date', { from: '2023-11-12', datesFile: 'dates.txt' }, /received --dates-file with --from/],
    ['a file that is not there', { datesFile: 'no.txt' }, /received --dates-file no\.txt, which is not there; allowed is a file.*correct the path/],
    ['a file that is a folder', { datesFile: 'docs' }, /which is a folder/],
    ['nothing to leave out', { ...SEASON, exclude: '' }, /received the date '', which is no date/],
    ['a concurrency of none', { ...SEASON, concurrency: '0' }, /received --concurrency '0'; allowed is a whole number from 1 to 100; write for example --concurrency 4/],
    ['a concurrency in another notation', { ...SEASON, concurrency: '0x10' }, /received --concurrency '0x10'/],
    ['half a failure', { ...SEASON, maxFailures: '1.5' }, /received --max-failures '1\.5'; allowed is a whole number/],
    ['a delay of less than nothing', { ...SEASON, delay: '-1' }, /received --delay '-1'; allowed is a number from 0 to 86400; write for example --delay 30/],
    ['only what is missing, and what is complete', { ...SEASON, onlyMissing: true, reprocess: 'completed' }, /contradict each other; allowed is one of them; leave one out/],
    ['a digest that no plan has', { ...SEASON, plan: 'latest' }, /received --plan 'latest', which is no plan's digest; .*leave it out/],
    ['no reason on Google', { ...SEASON, runtime: 'google' }, /received no reason; .*add --reason/],
  ];
  for (const [what, given, message] of WRONG) it(`refuses ${what}`, () => assert.throws(() => read(given), message));

  const FILES: readonly (readonly [what: string, text: string, message: RegExp])[] = [
    ['comments only', '# none\n\n', /which names no date; allowed are dates and ranges.*write at least one/],
    ['a line that is no date', '2023-11-15\n2023-11-1\n', /line 2: received the date '2023-11-1', which is no date/],
    ['two dates without a comma', '2023-11-15 2023-11-16', /line 1: received the date '2023-11-15 2023-11-16'/],
    ['a range backwards', '2023-11-16..2023-11-15', /line 1: .*did you mean 2023-11-15\.\.2023-11-16\?/],
    ['a date between the seasons', '\n2023-08-15', /line 2: received 2023-08-15, which is between the seasons/],
  ];
  for (const [what, text, message] of FILES) it(`refuses a file with ${what}`, () => assert.throws(() => read({ datesFile: file(text) }), message));

  it('refuses live dates only, and dates of which none is left', () => {
    assert.throws(() => asked({ season: '2023-24' }, '2023-10-26'), /which are live: daily work has the last 3 days.*allowed are dates up to 2023-10-22; for live ones: smart-backfill recover/);
    assert.throws(() => asked({ from: '2023-11-01', to: '2023-11-02', exclude: '2023-11-01..2023-11-02' }), /of which none is left \(2023-11-01 to 2023-11-02, without those excluded\); allowed is at least one date; give another range, or exclude less/);
  });

  it('refuses dates on which nothing is expected, unless what it joins may fill the calendar', () => {
    const { asked: of } = asked({ from: '2024-02-16', to: '2024-02-18', phase: 'phase_3_analytics' });
    const nothing = { cells: [], leftOut: [] };
    const leftOut = { cells: [], leftOut: [{ processor: 'NbacScheduleProcessor', day: of.from, reason: 'complete' }] };
    assert.throws(() => refuseEmpty([nothing, nothing], { name: 'season' }, of), /nothing is expected of what season runs here \(2024-02-16\.\.2024-02-18\); allowed are .*; to see them: smart-backfill pipeline show --from 2024-02-16 --to 2024-02-18; where the schedule is not there yet: smart-backfill gaps /);
    assert.throws(() => refuseEmpty([], { name: 'season' }, of), InputError);
    refuseEmpty([nothing, leftOut], { name: 'season' }, of);
    refuseEmpty([nothing], { name: 'season' }, { ...of, join: 'season-2023-24' });
  });

  it('refuses a delay where no stage goes date by date', () => {
    const own = join(folder, 'own');
    mkdirSync(own);
    writeFileSync(join(own, 'backfills.yaml'), 'version: 1\nbackfills: { all: { stages: [{ name: raw, phases: [phase_2_raw] }] } }\n');
    const options = startOptions.parse({ definition: 'all', season: '2023-24', delay: '5', pipeline: own });
    assert.throws(() => readStart(options, { pipeline, options, io: { cwd: process.cwd(), environment: {} } }), InputError);
    assert.throws(() => readStart(options, { pipeline, options, io: { cwd: process.cwd(), environment: {} } }), /received --delay 5, and no stage of all goes date by date.*leave it out/);
  });
});
