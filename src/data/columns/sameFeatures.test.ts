import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnMapping, FeatureColumn } from './columnMapping.js';
import { featureDifference } from './sameFeatures.js';

const table = (...features: FeatureColumn[]): ColumnMapping => ({
  features,
  label: { column: 'y', kind: 'number' },
});
const number = (column: string, fill: number, indicator = false): FeatureColumn => ({
  column,
  kind: 'number',
  missing: { fill, indicator },
});

test('features are the same when they mean the same, whatever stands for missing values', () => {
  const town: FeatureColumn = { column: 'town', kind: 'category', values: ['Bath', 'York'] };
  const wanted = table(number('a', 1), number('b', 2), town);
  assert.equal(featureDifference(table(number('a', 3), number('b', 4), town), wanted), undefined);
  assert.equal(featureDifference(undefined, wanted), undefined);
  assert.equal(featureDifference(wanted, undefined), undefined);
  const cases: readonly (readonly [ColumnMapping, string])[] = [
    [table(number('b', 2), number('a', 1), town), 'feature 0 is "b", not "a"'],
    [
      table(number('a', 1), number('b', 2), { ...town, values: ['York', 'Bath'] }),
      'feature 2 is "town=York", not "town=Bath"',
    ],
    [
      table({ column: 'a', kind: 'boolean', missing: { fill: 0, indicator: false } }, number('b', 2), town),
      'the columns are read in another way',
    ],
    [table(number('a', 1, true), number('b', 2), town), 'feature 1 is "a missing", not "b"'],
  ];
  for (const [found, difference] of cases) assert.equal(featureDifference(found, wanted), difference);
});
