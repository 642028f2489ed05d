import assert from 'node:assert/strict';
import { test } from 'node:test';
import { booleanOf, datePart, numberOf, textOf, timeOf, wordsOf } from './cells.js';

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
  const parts = (['year', 'month', 'day', 'weekday', 'hour', 'minute', 'second', 'epoch'] as const).map(
    (part) => datePart(time, part),
  );
  assert.deepEqual(parts, [2026, 11, 23, 0, 5, 6, 7, time / 1000]);
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
