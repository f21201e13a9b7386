import assert from 'node:assert/strict';
import { dayOf } from '../../shared/calendar/day.ts';
import { NeverRetryError, RetryLaterError, RetrySoonError } from '../../shared/failures/errors.ts';
import { fieldsOf } from '../../shared/google/firestore-cell-fields.ts';
import { firestoreError, isContention } from '../../shared/google/firestore-errors.ts';
import { blockOf, cellId, documentId } from '../../shared/google/firestore-paths.ts';
import { batchesOf, partsOf } from '../../shared/google/firestore-text.ts';
import { cellWith, nov15, raw15 } from '../contract/request-records.ts';

/** What needs no Firestore. */
describe('Firestore values', () => {
  it('makes a document id of any text, and another of another', () => {
    const texts = ['', '.', '..', '%2E', '__a__', 'a/b', 'a~b', 'ü', ' ', '%', '%25', 'x'.repeat(5000), 'x'.repeat(5001), '\ud800'];
    const ids = texts.map(documentId);
    for (const id of ids) assert.ok(/^[^/]{1,1500}$/.test(id) && id !== '.' && id !== '..' && !/^__.*__$/.test(id), id);
    assert.equal(new Set(ids).size, texts.length);
    assert.equal(documentId('NbacPlayerBoxscoreProcessor'), 'NbacPlayerBoxscoreProcessor');
    assert.equal(cellId(raw15), 'Raw~2023-11-15');
  });
  it('counts blocks through the epoch', () => {
    assert.deepEqual(['1969-12-31', '1970-01-01', '1970-05-08', '1970-05-09'].map((date) => blockOf(dayOf(date))), [-1, 0, 0, 1]);
  });
  it('orders the queue by priority, then date, then rank, whatever the rank', () => {
    const order = (processor: string, date: string, priority: 'high' | 'normal' | 'low', rank: number): string =>
      fieldsOf(cellWith({ processor, day: dayOf(date) }, { priority }), () => rank).queueOrder ?? '';
    const sorted = [
      order('Z', '2024-01-01', 'high', 12), order('A', '2023-11-14', 'normal', 99), order('A', '2023-11-15', 'normal', -1), order('A', '2023-11-15', 'normal', 2),
      order('A', '2023-11-15', 'normal', 10), order('B', '2023-11-15', 'normal', 10), order('A', '2023-11-15', 'normal', 1e9), order('A', '2000-01-01', 'low', 0),
    ];
    assert.deepEqual(sorted.toSorted(), sorted);
  });
  it('has the fields of a state only while it lasts', () => {
    const fields = (request: Parameters<typeof cellWith>[1]) => Object.keys(fieldsOf(cellWith(raw15, request), () => 0));
    assert.deepEqual(fields(null), []);
    assert.deepEqual(fields({ state: 'processing' }), ['openDay']);
    assert.deepEqual(fields({ state: 'queued' }), ['openDay', 'queueOrder', 'dueAt', 'queuedAt']);
    assert.deepEqual(fields({ state: 'blocked', waitingFor: { processor: 'Up', day: nov15 } }), ['openDay', 'waitingFor']);
    assert.deepEqual(fields({ state: 'waiting' }), ['openDay']);
  });
  it('cuts a text into parts that fit, between characters', () => {
    const text = '🏀aü'.repeat(1000);
    const parts = partsOf(text, 100);
    assert.equal(parts.join(''), text);
    for (const part of parts) assert.ok(Buffer.byteLength(part) <= 100 && part.isWellFormed());
    assert.deepEqual(partsOf('short', 100), ['short']);
  });
  it('groups items into lists that fit, and names what fits nowhere', () => {
    assert.deepEqual(batchesOf(['aaaa', 'bbbb', 'cccc'], 'x', 15), [['aaaa', 'bbbb'], ['cccc']]);
    assert.deepEqual(batchesOf([], 'x', 15), []);
    assert.throws(() => batchesOf(['a'.repeat(20)], 'a message', 15), (error) => error instanceof NeverRetryError && /a message has 23 bytes/.test(error.message));
  });
  it('names each error for what its caller does', () => {
    const of = (code: number | string) => firestoreError(Object.assign(new Error('said'), { code }), 'reading');
    for (const code of [10, 14, 13, 4, 2, 1, 409, 503]) assert.ok(of(code) instanceof RetrySoonError, String(code));
    for (const code of [8, 429]) assert.ok(of(code) instanceof RetryLaterError, String(code));
    for (const code of [3, 5, 7, 9, 16, 400, 401, 403, 404]) assert.ok(of(code) instanceof NeverRetryError, String(code));
    for (const other of [of(11), of('ENOENT'), new TypeError('mine')]) assert.equal(firestoreError(other, 'reading'), other);
    assert.deepEqual([10, 9, 6, 5, 409, 14, 7].map((code) => isContention({ code })), [true, true, true, true, true, false, false]);
  });
});
