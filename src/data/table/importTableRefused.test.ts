import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listTable } from '../../../test/support/listTable.js';
import { fails, houses, imported } from '../../../test/support/tableImports.js';

test('infinite values and missing labels are refused, or repaired as asked', async () => {
  const table = listTable(
    ['x', 'y'],
    [
      ['1', '0.5'],
      ['inf', '1'],
      ['2', ''],
      ['3', '-inf'],
      ['4', '2'],
    ],
  );
  const whole = { label: 'y', percentage: 1 };
  await fails(
    table,
    whole,
    'MLML_BAD_DATA',
    'list: row 3, column y: the label is missing; --on-nan=skip leaves such rows out',
  );
  const words = listTable(
    ['x', 'y'],
    [
      ['1', 'heat'],
      ['2', 'None'],
    ],
  );
  await fails(
    words,
    whole,
    'MLML_BAD_DATA',
    'list: row 2, column y: the label is "None", which counts as missing (--missing-values= takes such words for values); --on-nan=skip leaves such rows out',
  );
  for (const word of ['-999', ' '])
    await fails(
      words,
      { ...whole, missingValues: ['unknown', word] },
      'MLML_USAGE',
      /^--missing-values=[-9 ]+: must be words with commas between them; a number is a number/,
    );
  const skipped = await imported(table, { ...whole, onNan: 'skip' });
  assert.deepEqual(skipped.rows('train'), [
    [1, 0.5],
    [4, 2],
  ]);
  assert.equal(skipped.warnings.length, 2);
  const labelled = listTable(
    ['x', 'y'],
    [
      ['1', '0.5'],
      ['-inf', '1'],
    ],
  );
  await fails(
    labelled,
    whole,
    'MLML_BAD_DATA',
    'list: row 2, column x: -Infinity cannot be used; --on-nan=zero reads such values as 0, --on-nan=skip leaves their rows out',
  );
  const zero = await imported(labelled, { ...whole, onNan: 'zero' });
  assert.deepEqual(zero.rows('train'), [
    [1, 0.5],
    [0, 1],
  ]);
});

test('numbers that do not fit the number type asked for are refused with their place', async () => {
  const table = listTable(
    ['x', 'y'],
    [
      ['255', '0.5'],
      ['7', '1'],
    ],
  );
  const bytes = await imported(table, { label: 'y', dtype: 'uint8', percentage: 1 });
  assert.deepEqual(bytes.rows('train'), [
    [255, 0.5],
    [7, 1],
  ]);
  assert.equal(bytes.description.labelDtype, 'float32');
  await fails(
    table,
    { label: 'y', dtype: 'int8', percentage: 1 },
    'MLML_BAD_DATA',
    'list: row 1, x: 255 does not fit int8; choose another --dtype',
  );
  const large = listTable(
    ['x', 'y'],
    [
      [1e39, 0.5],
      [1, 1],
    ],
  );
  await fails(
    large,
    { label: 'y' },
    'MLML_BAD_DATA',
    'list: row 1, column x: 1e+39 does not fit float32; choose another --dtype',
  );
  await fails(
    large,
    { label: 'y', types: { x: 'boolean' } },
    'MLML_BAD_DATA',
    'list: row 1, column x: "1e+39" is not true or false',
  );
});

test('columns and labels that cannot be are told', async () => {
  await fails(
    houses,
    { label: 'prize' },
    'MLML_USAGE',
    '--label=prize: houses.csv has no such column; did you mean price?',
  );
  await fails(houses, { label: 'price', keep: ['price'] }, 'MLML_USAGE', /no column is left/);
  await fails(
    houses,
    { label: 'town', task: 'regression', onNan: 'skip' },
    'MLML_BAD_DATA',
    /^houses.csv: row 1, column town: "York" is not a number/,
  );
  await fails(
    listTable(
      ['x', 'y'],
      [
        ['1', 'a'],
        ['2', 'a'],
      ],
    ),
    { label: 'y' },
    'MLML_BAD_DATA',
    /at least two classes/,
  );
  await fails(
    houses,
    { label: 'price', splitColumn: 'town' },
    'MLML_BAD_DATA',
    /"york" is neither train nor test/,
  );
  await fails(
    houses,
    { label: 'price', bufferBytes: 1000 },
    'MLML_BUDGET_TOO_SMALL',
    /needs at least .* --buffer is/,
  );
  await fails({ ...houses, repeatable: false }, { label: 'price' }, 'MLML_INTERNAL', /can be read once only/);
  for (const [option, value] of [
    ['percentage', 2],
    ['categories', -1],
    ['hashBits', 25],
    ['ngrams', 0],
    ['n', 0],
    ['missing', 'median'],
    ['dateParts', ['century']],
    ['types', { rooms: 'integer' }],
  ] as const)
    await fails(houses, { label: 'price', [option]: value }, 'MLML_USAGE', /: must be /);
});

test('a table with more columns than the budget has room for is refused before it is read', async () => {
  const names = Array.from({ length: 2000 }, (_, i) => `c${i}`);
  const table = listTable(names, [], { name: 'wide.csv' });
  await fails(
    table,
    { label: 'c0', bufferBytes: 2e6 },
    'MLML_BUDGET_TOO_SMALL',
    'importing the 2000 columns of wide.csv needs at least 2.40 MB; --buffer is 2.00 MB',
  );
});

test('one cell that is no number is told of, and makes no classes of a label of numbers', async () => {
  const table = (bad: { readonly x?: string; readonly y?: string }) =>
    listTable(
      ['x', 'y'],
      Array.from({ length: 60 }, (_, i) => [
        i === 30 ? (bad.x ?? '7') : `${i}`,
        i === 40 ? (bad.y ?? '7.5') : `${i}.5`,
      ]),
    );
  await assert.rejects(imported(table({ y: '-' }), { label: 'y' }), {
    code: 'MLML_BAD_DATA',
    message: /row 41, column y: "-" is not a number, as most values of the label are/,
  });
  const { notices, description } = await imported(table({ x: '1,5' }), { label: 'y' });
  assert.equal(description.columns!.features[0]!.kind, 'category');
  assert.match(
    notices.join('\n'),
    /^column x is not taken for numbers, since .*row 31.* holds "1,5"; mend that/m,
  );
});
