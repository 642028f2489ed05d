import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listTable } from '../../../test/support/listTable.js';
import { fails, imported } from '../../../test/support/tableImports.js';

const columns = ['rooms', 'price', 'town', 'rent, cold'];
const table = listTable(columns, [
  ['3', '10.5', 'York', '1'],
  ['4', '20', 'Bath', '2.5'],
  ['5', '30', 'York', '3'],
  ['6', '40', 'Bath', '-4'],
]);
const label = ['rent, cold', 'price'];

describe('a table with several labels', () => {
  test('holds them behind the features, in the order asked for', async () => {
    const { description, rows } = await imported(table, { label, percentage: 1 });
    const { version, task, k, labelDtype, labelNames, classCounts } = description;
    assert.deepEqual([version, task, k, labelDtype, classCounts], [3, 'regression', 2, 'float32', []]);
    assert.deepEqual(labelNames, label);
    assert.deepEqual(description.columns!.label, {
      column: 'rent, cold',
      kind: 'number',
      others: ['price'],
    });
    assert.deepEqual(rows('train'), [
      [3, 0, 1, 1, 10.5],
      [4, 1, 0, 2.5, 20],
      [5, 0, 1, 3, 30],
      [6, 1, 0, -4, 40],
    ]);
    assert.equal(description.source.description, 'table list, labels rent, cold, price');
  });

  test('few whole numbers are numbers, where one label would make classes of them', async () => {
    const { description } = await imported(table, { label: ['price', 'rooms'], percentage: 1 });
    assert.equal(description.task, 'regression');
  });

  test('is divided as with one label, and features of other types are stored as they are', async () => {
    const many = listTable(
      ['x', 'a', 'b'],
      Array.from({ length: 50 }, (_, i) => [String(i + 1), String((i + 1) / 2), String(-i - 1)]),
    );
    const several = await imported(many, { label: ['a', 'b'], dtype: 'uint8', percentage: 0.7, seed: 3 });
    const one = await imported(many, { label: 'a', dtype: 'uint8', drop: ['b'], percentage: 0.7, seed: 3 });
    for (const part of ['train', 'test'] as const) {
      assert.deepEqual(
        several.rows(part).map((row) => row.slice(0, 2)),
        one.rows(part),
      );
      for (const [x, a, b] of several.rows(part)) assert.deepEqual([a, b], [x! / 2, -x!]);
    }
    assert.notEqual(several.description.fingerprint, one.description.fingerprint);
  });

  test('a row needs all of them', async () => {
    const gaps = listTable(
      ['x', 'a', 'b'],
      [
        ['1', '1', '2'],
        ['2', '', '3'],
        ['3', '4', ''],
        ['4', '5', 'inf'],
        ['5', '6', '7'],
      ],
    );
    const options = { label: ['a', 'b'], percentage: 1 };
    const missing = 'the label is missing; --on-nan=skip leaves such rows out';
    await fails(gaps, options, 'MLML_BAD_DATA', `list: row 2, column a: ${missing}`);
    const reversed = { ...options, label: ['b', 'a'] };
    await fails(gaps, reversed, 'MLML_BAD_DATA', `list: row 3, column b: ${missing}`);
    const { rows, warnings } = await imported(gaps, { ...options, onNan: 'skip' });
    assert.deepEqual(rows('train'), [
      [1, 1, 2],
      [5, 6, 7],
    ]);
    assert.deepEqual(warnings, ['--on-nan=skip: 3 rows without a usable label left out']);
    const infinite = listTable(
      ['x', 'a', 'b'],
      [
        ['1', '1', '2'],
        ['4', '5', 'inf'],
      ],
    );
    const notFinite = 'list: row 2, column b: the label is "inf", not a finite number';
    await fails(infinite, options, 'MLML_BAD_DATA', notFinite);
    const large = listTable(
      ['x', 'a', 'b'],
      [
        ['1', '1', '2'],
        ['4', '5', '1e300'],
      ],
    );
    const narrow = { ...options, dtype: 'float16' } as const;
    const misfit = 'list: row 2, b: 1e+300 does not fit float32; choose another --dtype';
    await fails(large, narrow, 'MLML_BAD_DATA', misfit);
  });

  test('names and values that cannot be labels are refused with what to do', async () => {
    const usage = (options: object, message: string | RegExp) =>
      fails(table, { label, ...options }, 'MLML_USAGE', message);
    await usage({ label: [] }, '--label: give at least one column');
    await usage({ label: ['price', 'prise'] }, /^--label=prise: list has no such column; did you mean price/);
    await usage({ label: ['price', 'price'] }, '--label=price,price: price is there twice');
    await usage({ drop: ['price'] }, '--drop=price: is the label too');
    await usage({ splitColumn: 'price' }, '--split-column=price: is the label too');
    await usage(
      { task: 'classification' },
      /^--task=classification: with --label=rent, cold,price, several labels, all are numbers; for classes import the table once for each label/,
    );
    await fails(
      table,
      { label: ['price', 'town'] },
      'MLML_BAD_DATA',
      'list: row 1, column town: "York" is not a number, as each of several labels must be; for classes import the table once for each label, and train a model of each',
    );
    const empty = listTable(['x', 'a', 'b'], [['1', '', '2']]);
    const options = { label: ['a', 'b'], onNan: 'skip' } as const;
    await fails(empty, options, 'MLML_BAD_DATA', '--label=a,b: no row has values in all of these columns');
  });
});
