import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnMapping } from '../data/columns/columnMapping.js';
import type { DatasetDescription } from '../data/format.js';
import { checkFit } from './checkFit.js';

const columns = (...names: string[]): ColumnMapping => ({
  features: names.map((column) => ({ column, kind: 'number', missing: { fill: 0, indicator: false } })),
  label: { column: 'y', kind: 'class' },
});
const model = {
  task: 'classification',
  loss: 'softmax',
  d: 2,
  k: 3,
  classNames: ['a', 'b', 'c'],
  columns: columns('x', 'z'),
} as const;
const data = (changes: Partial<DatasetDescription>) =>
  ({
    name: 'toy',
    task: 'classification',
    d: 2,
    k: 3,
    classNames: ['a', 'b', 'c'],
    ...changes,
  }) as DatasetDescription;

test('rows fit a model when their features and classes are known to mean the same, or nothing is known of them', () => {
  checkFit(model, data({ columns: columns('x', 'z') }));
  checkFit(model, data({}));
  checkFit(model, data({ k: 2, classNames: ['a', 'b'] }));
  checkFit(model, data({ classNames: [] }));
  checkFit({ ...model, classNames: [] }, data({ classNames: ['1', '2', '3'] }));
  const fails = (changes: Partial<DatasetDescription>, code: string, message: RegExp) =>
    assert.throws(() => checkFit(model, data(changes)), { code, message });
  fails({ columns: columns('z', 'x') }, 'MLML_MISMATCH', /^toy: feature 0 is "z", not "x" as in the data/);
  fails({ classNames: ['b', 'c', 'd'] }, 'MLML_MISMATCH', /^toy: class 0 is "b", not "a" as in the data/);
  fails({ d: 3 }, 'MLML_BAD_DATA', /^toy: has 3 features, the model was trained on 2$/);
  fails({ task: 'regression', k: 1 }, 'MLML_BAD_DATA', /^toy: is a data set of regression/);
  fails({ k: 4 }, 'MLML_BAD_DATA', /^toy: has 4 classes, the model knows 3$/);
});
