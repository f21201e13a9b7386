import assert from 'node:assert/strict';
import { styleOf, widthOf, wrap } from '../../scripts/output/style.ts';
import { renderTable, type Column } from '../../scripts/output/table.ts';

describe('a table', () => {
  const row = { name: 'UpcomingPlayerGameContextProcessor', why: 'its rows of before are kept: 2023-10-24..2023-10-27, 2023-11-02' };
  const columns: readonly Column<typeof row>[] = [{ header: 'PROCESSOR', value: ({ name }) => name, fit: 'middle' }, { header: 'WHAT', value: () => 'restore' }, { header: 'WHY, AND DATES', value: ({ why }) => why, fit: 'wrap' }];
  const shown = (width: number): readonly string[] => renderTable([row], columns, styleOf({ colour: false }, width), 2).trimEnd().split('\n');

  it('wraps what can be wrapped before it shortens a name', () => {
    assert.deepEqual(shown(80), [
      '  PROCESSOR                           WHAT     WHY, AND DATES',
      '  UpcomingPlayerGameContextProcessor  restore  its rows of before are kept:',
      '                                               2023-10-24..2023-10-27,',
      '                                               2023-11-02',
    ]);
  });

  it('shortens a name before it breaks a word, and breaks a range behind its dots', () => {
    assert.match(shown(60)[1] ?? '', /^ {2}Upcoming\w*…\w*Processor {2}restore {2}its rows/);
    assert.ok(shown(60).some((line) => line.includes('2023-10-24..2023-10-27,')));
    assert.ok(shown(44).some((line) => line.trimEnd().endsWith('2023-10-24..')), shown(44).join('\n'));
    for (const width of [44, 60, 80]) assert.ok(shown(width).every((line) => widthOf(line) <= width), String(width));
  });

  it('a word without dots is cut where the line ends', () => assert.deepEqual(wrap('abcdefgh ij', 5), ['abcde', 'fgh', 'ij']));
});
