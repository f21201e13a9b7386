import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { addDays, dayOf, daysBetween, formatDay } from '../../shared/calendar/day.ts';
import type { ExpansionFacts } from '../../shared/requests/expand.ts';
import { expandRequest } from '../../shared/requests/expand.ts';

const offDays = new Set(['2023-11-07', '2023-11-23', '2024-02-16', '2024-02-17', '2024-02-18', '2024-02-19', '2024-02-20', '2024-02-21'].map(dayOf));
const facts: ExpansionFacts = {
  processorNames: ['NbacPlayerBoxscoreProcessor', 'PlayerGameSummaryProcessor', 'PredictionProcessor'],
  isBackfillable: (processor) => processor !== 'PredictionProcessor',
  expectedDays: (_processor, from, to) => daysBetween(from, to).filter((day) => day >= dayOf('2023-10-24') && !offDays.has(day)),
  today: dayOf('2024-03-01'),
  maxDates: 31,
};
const ask = (start: string, end: string, processor = 'PlayerGameSummaryProcessor') => expandRequest({ processor_name: processor, start_date: start, end_date: end }, facts);
const reasonOf = (result: ReturnType<typeof ask>) => (result.kind === 'cells' ? '' : result.reason);

describe('expandRequest', () => {
  it('makes one cell of one expected date', () => {
    assert.deepEqual(ask('2023-11-15', '2023-11-15'), { kind: 'cells', processor: 'PlayerGameSummaryProcessor', days: [dayOf('2023-11-15')] });
  });
  it('includes both ends of a range and leaves its off-days out', () => {
    const result = ask('2023-11-22', '2023-11-24');
    assert.deepEqual(result.kind === 'cells' && result.days.map(formatDay), ['2023-11-22', '2023-11-24']);
  });
  it('takes today', () => assert.equal(ask('2024-03-01', '2024-03-01').kind, 'cells'));
  it('finds nothing to do in a range of off-days only', () => {
    const result = ask('2024-02-16', '2024-02-21');
    assert.equal(result.kind, 'nothing');
    assert.match(reasonOf(result), /no date from 2024-02-16 to 2024-02-21 is expected of PlayerGameSummaryProcessor/);
  });
  it('takes as many dates as one message may ask for, and off-days do not count', () => {
    // 33 days, two of them off-days.
    const result = ask('2023-11-01', '2023-12-03');
    assert.equal(result.kind === 'cells' && result.days.length, 31);
    assert.equal(ask('2023-11-01', '2023-12-04').kind, 'refused');
  });

  const refusals: readonly (readonly [what: string, result: ReturnType<typeof ask>, says: readonly RegExp[]])[] = [
    ['a single date that is not expected', ask('2023-11-23', '2023-11-23'), [/received 2023-11-23, on which PlayerGameSummaryProcessor is not expected/, /run: smart-backfill gaps --processor PlayerGameSummaryProcessor --from 2023-11-23 --to 2023-11-23/]],
    ['a single date outside the calendar', ask('1999-01-01', '1999-01-01'), [/received 1999-01-01/]],
    ['an end before the start', ask('2023-11-20', '2023-11-15'), [/start_date 2023-11-20 and end_date 2023-11-15/, /did you mean start_date 2023-11-15 and end_date 2023-11-20\?/]],
    ['a date in the future', ask('2024-03-02', '2024-03-02'), [/received 2024-03-02, which is in the future/, /up to today, 2024-03-01/]],
    ['a range that reaches into the future', ask('2024-02-25', '2024-03-02'), [/received end_date 2024-03-02/]],
    ['a misspelt processor', ask('2023-11-15', '2023-11-15', 'PlayerGameSumaryProcessor'), [/received processor_name 'PlayerGameSumaryProcessor'/, /allowed are NbacPlayerBoxscoreProcessor, /, /did you mean PlayerGameSummaryProcessor\?/]],
    ['an unknown processor', ask('2023-11-15', '2023-11-15', 'x'), [/correct the name and publish again/]],
    ['a processor of phase 5', ask('2023-11-15', '2023-11-15', 'PredictionProcessor'), [/looks forward or is declared not backfillable/, /run: smart-backfill pipeline show --processor PredictionProcessor$/]],
    ['more dates than one message may ask for', ask('2023-10-24', '2024-02-29'), [/\d+ dates of PlayerGameSummaryProcessor; one message may ask for 31/, /run: smart-backfill recover --all --processor PlayerGameSummaryProcessor --from 2023-10-24 --to 2024-02-29$/]],
    ['a date that does not exist', ask('2023-11-15', '2023-11-31'), [/received '2023-11-31', which is no date/]],
  ];
  for (const [what, result, says] of refusals) {
    it(`refuses ${what}, and says what to do`, () => {
      assert.equal(result.kind, 'refused');
      for (const pattern of says) assert.match(reasonOf(result), pattern);
    });
  }

  it('names some of many processors only', () => {
    const many = { ...facts, processorNames: Array.from({ length: 275 }, (_, index) => `Table${index}Processor`) };
    const reason = reasonOf(expandRequest({ processor_name: 'Nope', start_date: '2023-11-15', end_date: '2023-11-15' }, many));
    assert.match(reason, /and 255 more \(smart-backfill pipeline show\)/);
  });

  it('never gives a date that was not asked for, is not expected, is in the future, or is one too many', () => {
    const base = dayOf('2023-10-01');
    fc.assert(fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: -5, max: 60 }), (offset, length) => {
      const from = addDays(base, offset);
      const to = addDays(from, length);
      const result = ask(formatDay(from), formatDay(to));
      if (result.kind === 'cells') {
        assert.deepEqual(result.days, facts.expectedDays('', from, to));
        assert.ok(result.days.length <= facts.maxDates && to <= facts.today);
      } else if (result.kind === 'nothing') assert.deepEqual(facts.expectedDays('', from, to), []);
    }));
  });
});
