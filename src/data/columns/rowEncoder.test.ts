import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cell, type ColumnMapping, featureCount, featureNames } from './columnMapping.js';
import { murmurHash3 } from './murmurHash3.js';
import { RowEncoder } from './rowEncoder.js';

const missing = { fill: -1.5, indicator: true };
const mapping: ColumnMapping = {
  features: [
    { column: 'rooms', kind: 'number', missing },
    { column: 'sea', kind: 'boolean', missing: { fill: 0, indicator: false } },
    { column: 'built', kind: 'date', parts: ['year', 'weekday', 'hour', 'epoch'], missing },
    { column: 'town', kind: 'category', values: ['Bath', 'York'] },
    { column: 'zip', kind: 'hash', bits: 3 },
    { column: 'text', kind: 'text', bits: 4, ngrams: 2 },
  ],
  label: { column: 'price', kind: 'class' },
};
const columns = ['text', 'price', 'zip', 'town', 'built', 'sea', 'rooms'];
const encoder = new RowEncoder(mapping, columns, ['low', 'high']);
const locate = (column: string) => `toy.csv: line 3, column ${column}`;
const hash = (text: string, bits: number) => murmurHash3(new TextEncoder().encode(text)) & (2 ** bits - 1);

function encode(row: Readonly<Record<string, Cell>>): number[] {
  // Longer than needed, and full of what the row before has left.
  const target = new Float64Array(encoder.d + 1).fill(7);
  encoder.encode(
    columns.map((column) => row[column]),
    target,
    locate,
  );
  assert.equal(target[encoder.d], 7);
  return [...target.subarray(0, encoder.d)];
}

test('each kind of column makes the features that its name says', () => {
  const names = featureNames(mapping);
  assert.equal(names.length, featureCount(mapping));
  assert.equal(encoder.d, 2 + 1 + 5 + 2 + 8 + 16);
  assert.deepEqual(names.slice(0, 11), [
    'rooms',
    'rooms missing',
    'sea',
    'built.year',
    'built.weekday',
    'built.hour',
    'built.epoch',
    'built missing',
    'town=Bath',
    'town=York',
    'zip#0',
  ]);
  const row = encode({
    rooms: ' 2.5e1 ',
    sea: 'Yes',
    built: '2026-11-25 15:30+01:00',
    town: 'York',
    zip: 12345,
    text: 'The sea, the SEA!',
  });
  assert.deepEqual(row.slice(0, 10), [25, 0, 1, 2026, 2, 14, Date.UTC(2026, 10, 25, 14, 30) / 1000, 0, 0, 1]);
  const zip = new Array(8).fill(0);
  zip[hash('12345', 3)] = 1;
  assert.deepEqual(row.slice(10, 18), zip);
  const text = new Array(16).fill(0);
  for (const gram of ['the', 'sea', 'the', 'sea', 'the sea', 'sea the', 'the sea']) text[hash(gram, 4)]++;
  assert.deepEqual(row.slice(18), text);
});

test('missing values are filled and told of; unknown categories are all zeros', () => {
  for (const nothing of ['', ' ', 'NA', 'null', '?', null, undefined, Number.NaN]) {
    const row = encode({
      rooms: nothing,
      sea: nothing,
      built: nothing,
      town: nothing,
      zip: nothing,
      text: nothing,
    });
    assert.deepEqual(row, [-1.5, 1, 0, -1.5, -1.5, -1.5, -1.5, 1, ...new Array(26).fill(0)]);
  }
  assert.deepEqual(encode({ town: 'Leeds' }).slice(8, 10), [0, 0]);
});

test('values that are not what their column holds are told with their place', () => {
  const fails = (row: Readonly<Record<string, Cell>>, message: string) =>
    assert.throws(() => encode(row), { code: 'MLML_BAD_DATA', message });
  fails({ rooms: 'many' }, 'toy.csv: line 3, column rooms: "many" is not a number');
  fails(
    { rooms: 2n ** 53n },
    'toy.csv: line 3, column rooms: 9007199254740992 is beyond 2^53 and would be rounded; --drop=rooms leaves the column out, --types=rooms:hash takes it for a name',
  );
  fails({ sea: 2 }, 'toy.csv: line 3, column sea: "2" is not true or false');
  fails(
    { built: '2026-02-30' },
    'toy.csv: line 3, column built: "2026-02-30" is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z',
  );
  assert.throws(() => new RowEncoder(mapping, ['rooms'], []), {
    code: 'MLML_BAD_DATA',
    message: 'there is no column "sea"; the columns are rooms',
  });
});

test('labels are numbers or the numbers of their classes', () => {
  assert.equal(encoder.label(' high', locate), 1);
  const place = 'toy.csv: line 3, column price: the label is';
  assert.throws(() => encoder.label('dear', locate), {
    code: 'MLML_BAD_DATA',
    message: `${place} "dear", none of the classes low, high`,
  });
  assert.throws(() => encoder.label('', locate), { code: 'MLML_BAD_DATA', message: `${place} missing` });
  const number = new RowEncoder({ features: [], label: { column: 'y', kind: 'number' } }, ['y'], []);
  assert.equal(number.label('-1e3', locate), -1000);
  assert.throws(() => number.label('inf', locate), {
    code: 'MLML_BAD_DATA',
    message: /"inf", not a finite number/,
  });
});
