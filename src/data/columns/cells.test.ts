import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { booleanOf, numberOf, textOf, timeOf, wordsOf, writeDateParts } from './cells.js';
import { datePartNames } from './columnMapping.js';

test('numbers are read as they are written, and nothing else is a number', () => {
  for (const [text, number] of [
    ['0', 0],
    ['-0.5', -0.5],
    ['+1e-3', 1e-3],
    ['.5', 0.5],
    ['5.', 5],
    ['Infinity', Infinity],
    ['-inf', -Infinity],
  ] as const)
    assert.equal(numberOf(text), number, text);
  for (const text of ['', '1,5', '0x10', '1e', 'one', '1 2', 'NaN', '--1', '1_000'])
    assert.equal(numberOf(text), undefined, text);
  assert.equal(numberOf(12n), 12);
  assert.equal(numberOf(true), 1);
});

test('dates are those of the calendar, in UTC unless they say otherwise', () => {
  assert.equal(timeOf('1970-01-02'), 86_400_000);
  assert.equal(timeOf('2026-11-25T15:30:10.25Z'), Date.UTC(2026, 10, 25, 15, 30, 10, 250));
  assert.equal(timeOf('2026-11-25 15:30:10-0230'), Date.UTC(2026, 10, 25, 18, 0, 10));
  assert.equal(timeOf('0044-03-15'), Date.parse('0044-03-15T00:00:00Z'));
  assert.equal(timeOf('2024-02-29'), Date.UTC(2024, 1, 29));
  assert.equal(timeOf('2023-03-01T00:00+01:00'), Date.UTC(2023, 1, 28, 23));
  assert.equal(timeOf('2023-02-28T24:00'), Date.UTC(2023, 2, 1));
  for (const text of [
    '2023-02-29',
    '1900-02-29',
    '2026-13-01',
    '2026-00-01',
    '2026-01-32',
    '25.11.2026',
    '2026',
    '',
  ])
    assert.equal(timeOf(text), undefined, text);
  // A Monday.
  const time = Date.UTC(2026, 10, 23, 5, 6, 7);
  const parts = new Float64Array(8);
  writeDateParts(time, datePartNames, parts, 0);
  assert.deepEqual([...parts], [2026, 11, 23, 0, 5, 6, 7, time / 1000]);
});

test('the parts of any time are those of Date', () => {
  const time = fc.oneof(
    fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }),
    fc.integer({ min: -2e12, max: 4e12 }),
    fc.double({ min: -2000, max: 2000, noNaN: true }),
  );
  fc.assert(
    fc.property(time, (milliseconds) => {
      const date = new Date(milliseconds);
      const parts = new Float64Array(9);
      writeDateParts(milliseconds, datePartNames, parts, 1);
      assert.deepEqual(
        [...parts.subarray(1)].map((part) => part + 0),
        [
          date.getUTCFullYear(),
          date.getUTCMonth() + 1,
          date.getUTCDate(),
          (date.getUTCDay() + 6) % 7,
          date.getUTCHours(),
          date.getUTCMinutes(),
          date.getUTCSeconds(),
          milliseconds / 1000 + 0,
        ],
      );
    }),
    { numRuns: 2000 },
  );
});

test('what is true, false and a word', () => {
  for (const yes of ['true', 'YES', 't', 'on', '1', 1, true, 1n])
    assert.equal(booleanOf(yes), 1, String(yes));
  for (const no of ['false', 'No', 'f', 'off', '0', 0, false]) assert.equal(booleanOf(no), 0, String(no));
  for (const neither of ['2', 2, 'maybe', '']) assert.equal(booleanOf(neither), undefined, String(neither));
  assert.deepEqual(wordsOf('Über-Café, 3×4!'), ['über', 'café', '3', '4']);
});

test('a date that is none has a text all the same', () => {
  assert.equal(textOf(new Date(0)), '1970-01-01T00:00:00.000Z');
  assert.equal(textOf(new Date(Number.NaN)), 'Invalid Date');
});
