import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jobContext, jobOptions } from '../../../test/support/kernelTraining.js';
import { listTable } from '../../../test/support/listTable.js';
import type { Cell } from '../../data/columns/columnMapping.js';
import { type Dataset, openDataset } from '../../data/dataset.js';
import { importTable } from '../../data/table/importTable.js';
import type { TableSource } from '../../data/table/tableSource.js';
import { trainKernel } from '../../kernel/trainKernel.js';
import { Random } from '../../memory/random.js';
import { defaultOptions } from '../../ssgd/options.js';
import { train } from '../../ssgd/train.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { readText } from '../../storage/textFile.js';
import { calibrate } from '../calibration/calibrate.js';
import { evaluate } from '../evaluation/evaluate.js';
import { leastRunBytes } from '../evaluation/rankPlan.js';
import { predict } from '../predict.js';
import type { Model } from '../saveModel.js';
import { calibrateTable } from './calibrateTable.js';
import { evaluateTable } from './evaluateTable.js';
import { predictTable } from './predictTable.js';

const columns = ['name', 'rooms', 'sea', 'town', 'built', 'price'] as const;
const towns = ['York', 'Bath', 'Hull'];

/** Houses whose price is nearly linear in what the columns say; now and then a value is missing. */
function houses(count: number, seed: number): Cell[][] {
  const random = Random.of(seed, 3);
  const price = (rooms: number, sea: boolean, town: number, year: number) =>
    10 * rooms + (sea ? 30 : 0) + 20 * town + (year - 2000) + random.normal();
  return Array.from({ length: count }, (_, i) => {
    const [rooms, sea, town, year] = [
      random.below(8) + 1,
      random.below(2) === 1,
      random.below(3),
      2000 + random.below(20),
    ];
    return [
      `house ${seed}-${i}`,
      random.below(9) === 0 ? '' : String(rooms),
      sea ? 'yes' : 'no',
      towns[town]!,
      `${year}-06-15`,
      price(rooms, sea, town, year).toFixed(3),
    ];
  });
}

const classOfPrice = (row: readonly Cell[]): Cell[] => [
  ...row.slice(0, 5),
  Number(row[5]) > 90 ? 'dear' : Number(row[5]) > 60 ? 'fair' : 'cheap',
];

interface Trained {
  readonly storage: MemoryStorage;
  readonly dataset: Dataset;
  readonly model: Model;
}

const context = (storage: MemoryStorage) => ({ storage, scratchFolder: '/scratch' });

async function trained(task: 'classification' | 'regression', kernel = false): Promise<Trained> {
  const storage = new MemoryStorage();
  const source = listTable(columns, task === 'regression' ? houses(80, 1) : houses(80, 1).map(classOfPrice));
  await importTable(storage, source, {
    out: '/data',
    label: 'price',
    id: 'name',
    missing: 'indicator',
    dtype: 'float64',
    percentage: 1,
  });
  const dataset = await openDataset(storage, '/data');
  if (kernel) {
    const options = jobOptions({ kernel: 'rbf', sigma: 2, reg: [0.1] });
    const { model } = await trainKernel('cg', dataset, options, jobContext(storage).context);
    return { storage, dataset, model };
  }
  const loss = task === 'regression' ? 'ridge' : 'softmax';
  const options = { ...defaultOptions, loss, bufferBytes: 1e6, nthreads: 1 } as const;
  const { model } = await train('gd', dataset, options, context(storage));
  return { storage, dataset, model };
}

const scoring = { bufferBytes: 4e6, nthreads: 1 };
const lines = async (storage: MemoryStorage, path: string) =>
  (await readText(storage, path)).trimEnd().split('\n');

describe('predictions of tables', () => {
  for (const [what, task, kernel] of [
    ['a regression', 'regression', false],
    ['classes', 'classification', false],
    ['a kernel model of classes', 'classification', true],
  ] as const) {
    test(`${what}: those of the imported rows, to the bit, in order, with ids`, async () => {
      const { storage, dataset, model } = await trained(task, kernel);
      const rows = task === 'regression' ? houses(80, 1) : houses(80, 1).map(classOfPrice);
      await predict(storage, model, dataset.train, '/from-data.csv', scoring);
      const wanted = await lines(storage, '/from-data.csv');
      // Columns in another order, one more, and no label.
      const order = [5, 3, 1, 0, 2, 4].slice(1);
      const source = listTable(
        [...order.map((c) => columns[c]!), 'colour'],
        rows.map((row) => [...order.map((c) => row[c]), 'red']),
      );
      assert.equal(await predictTable(storage, model, source, '/p.csv', scoring), 80);
      const found = await lines(storage, '/p.csv');
      assert.equal(found[0], wanted[0]!.replace('row', 'name'));
      for (const [i, line] of wanted.slice(1).entries())
        assert.equal(found[i + 1], line.replace(/^\d+/, `house 1-${i}`));
    });
  }

  test('formats: JSON lines with probabilities, NumPy with a length that is known in the end', async () => {
    const { storage, model } = await trained('classification');
    const source = listTable(columns, houses(5, 2).map(classOfPrice));
    await predictTable(storage, model, source, '/p.jsonl', { ...scoring, proba: true });
    const objects = (await lines(storage, '/p.jsonl')).map((line) => JSON.parse(line));
    assert.deepEqual(Object.keys(objects[0]), ['id', 'class', 'name', 'probabilities']);
    assert.deepEqual(
      objects.map(({ id }) => id),
      [0, 1, 2, 3, 4].map((i) => `house 2-${i}`),
    );
    for (const { class: c, name, probabilities } of objects) {
      assert.equal(name, model.classNames[c]);
      assert.equal(Math.max(...probabilities), probabilities[c]);
      assert.ok(Math.abs(probabilities.reduce((sum: number, p: number) => sum + p, 0) - 1) < 1e-12);
    }
    await predictTable(storage, model, source, '/p.npy', scoring);
    const bytes = storage.bytesOf('/p.npy');
    assert.match(new TextDecoder('latin1').decode(bytes.subarray(0, 128)), /'<i4'.*'shape': \(5,\), } +\n$/);
    const classes = new Int32Array(bytes.slice(128).buffer);
    assert.deepEqual(
      [...classes],
      objects.map(({ class: c }) => c),
    );
  });

  test('evaluation of a table is that of the imported rows; without the label it is refused', async () => {
    const { storage, dataset, model } = await trained('classification');
    const rows = houses(80, 1).map(classOfPrice);
    const options = { ...scoring, scratchFolder: '/scratch' };
    const fromData = await evaluate(storage, model, dataset.train, options);
    assert.deepEqual(await evaluateTable(storage, model, listTable(columns, rows), options), fromData);
    const unlabelled = listTable(columns.slice(0, 5), rows);
    await assert.rejects(evaluateTable(storage, model, unlabelled, options), {
      code: 'MLML_BAD_DATA',
      message: 'list: has no column "price", the label; mlml predict does without',
    });
    const strange = listTable(columns, [...rows.slice(0, 4), [...rows[4]!.slice(0, 5), 'absurd']]);
    await assert.rejects(evaluateTable(storage, model, strange, options), {
      code: 'MLML_BAD_DATA',
      message: /^list: row 5, column price: the label is "absurd", none of the classes /,
    });
  });

  test('curves fitted on a table are those of the imported rows, also when the scores are sorted on disk', async () => {
    const { storage, dataset, model } = await trained('classification');
    const hinge = { ...model, loss: 'hinge' } as Model;
    const rows = houses(80, 1).map(classOfPrice);
    for (const method of ['sigmoid', 'isotonic'] as const) {
      const options = { ...scoring, scratchFolder: '/scratch', method };
      const wanted = await calibrate(storage, hinge, dataset.train, { ...options, fingerprint: '' });
      assert.equal(wanted.rows, 80);
      assert.deepEqual(await calibrateTable(storage, hinge, listTable(columns, rows), options), wanted);
      // Many copies of each row, in the least memory, have the same isotonic curve.
      const many = listTable(columns, Array.from({ length: 20 }, () => rows).flat());
      const small = 6 * leastRunBytes(3);
      const sorted = await calibrateTable(storage, hinge, many, { ...options, bufferBytes: small });
      assert.equal(sorted.rows, 1600);
      if (method === 'isotonic') assert.deepEqual(sorted.curves, wanted.curves);
      assert.deepEqual(await storage.list('/scratch'), []);
      await assert.rejects(calibrateTable(storage, hinge, many, { ...options, bufferBytes: 1000 }), {
        code: 'MLML_BUDGET_TOO_SMALL',
      });
    }
    const unlabelled = listTable(columns.slice(0, 5), rows);
    const options = { ...scoring, scratchFolder: '/scratch', method: 'sigmoid' } as const;
    await assert.rejects(calibrateTable(storage, hinge, unlabelled, options), {
      code: 'MLML_BAD_DATA',
      message: 'list: has no column "price", the label; mlml predict does without',
    });
    const oneClass = rows.filter((row) => row[5] === 'cheap');
    await assert.rejects(calibrateTable(storage, hinge, listTable(columns, oneClass), options), {
      code: 'MLML_BAD_DATA',
      message: /^all rows are of class \d \(cheap\)|^no row is of class/,
    });
  });

  test('a regression is evaluated too, in a budget that holds few rows', async () => {
    const { storage, dataset, model } = await trained('regression');
    const report = await evaluateTable(storage, model, listTable(columns, houses(80, 1)), {
      bufferBytes: 8000,
      nthreads: 1,
    });
    const wanted = await evaluate(storage, model, dataset.train, scoring);
    // Sums over other blocks round otherwise.
    for (const figure of ['loss', 'rmse', 'mae', 'r2'] as const)
      assert.ok(Math.abs(report[figure]! - wanted[figure]!) < 1e-10, figure);
    assert.equal(report.rows, 80);
  });
});

describe('tables that do not fit', () => {
  const fails = async (
    source: TableSource,
    message: string | RegExp,
    options = {},
    code = 'MLML_BAD_DATA',
  ) => {
    const { storage, model } = await trained('regression');
    const before = storage.paths();
    const done = predictTable(storage, model, source, '/p.csv', { ...scoring, ...options });
    await assert.rejects(done, { code, message });
    assert.deepEqual(storage.paths(), before);
  };

  test('all missing columns are named at once', () =>
    fails(
      listTable(['name', 'sea', 'colour'], []),
      'list: lacks 3 columns of the model: rooms, town, built; it has name, sea, colour',
    ));
  test('a value that is not what its column holds is named by its place', () =>
    fails(
      listTable(columns, [...houses(4, 1), ['x', 'many', 'yes', 'York', '2001-01-01', '']]),
      'list: row 5, column rooms: "many" is not a number',
    ));
  test('an infinite value', () =>
    fails(
      listTable(columns, [['x', '-inf', 'yes', 'York', '2001-01-01', '']]),
      'list: row 1, column rooms: -Infinity is not a finite number',
    ));
  test('a column of ids that is not there', () =>
    fails(
      listTable(columns, houses(4, 1)),
      '--id=key: list has no such column; it has name, rooms, sea, town, built, price',
      { id: 'key' },
      'MLML_USAGE',
    ));
  test('a budget that is too small', () =>
    fails(listTable(columns, houses(4, 1)), /needs at least/, { bufferBytes: 100 }, 'MLML_BUDGET_TOO_SMALL'));
});

describe('a model of rows without columns', () => {
  const model: Model = {
    task: 'regression',
    loss: 'ridge',
    d: 2,
    k: 1,
    scaling: { name: 'none', multiply: Float64Array.of(1, 1), add: new Float64Array(2) },
    weights: Float64Array.of(1, 10),
    intercept: Float64Array.of(0.5),
    classNames: [],
    fingerprint: '',
  };
  const predicted = async (source: TableSource, id?: string) => {
    const storage = new MemoryStorage();
    await predictTable(storage, model, source, '/p.csv', { ...scoring, ...(id === undefined ? {} : { id }) });
    return await readText(storage, '/p.csv');
  };

  test('takes as many columns of numbers, in their order', async () => {
    const rows = [
      ['1', '2'],
      ['3', '4'],
    ];
    assert.equal(await predicted(listTable(['b', 'a'], rows)), 'row,value\n0,21.5\n1,43.5\n');
    assert.equal(await predicted(listTable(['id', 'a'], rows)), 'row,value\n0,21.5\n1,43.5\n');
  });
  test('beside a column of ids', async () => {
    const rows = [
      ['x,y', '1', '2'],
      ['z', '3', '4'],
    ];
    assert.equal(await predicted(listTable(['id', 'b', 'a'], rows)), 'id,value\n"x,y",21.5\nz,43.5\n');
    assert.equal(
      await predicted(listTable(['key', 'b', 'a'], rows), 'key'),
      'key,value\n"x,y",21.5\nz,43.5\n',
    );
  });
  test('and no other number of columns, nor a missing value', async () => {
    await assert.rejects(predicted(listTable(['a', 'b', 'c'], [])), {
      code: 'MLML_BAD_DATA',
      message: /^list: has 3 columns, the model takes 2 features/,
    });
    await assert.rejects(predicted(listTable(['a', 'b'], [['1', '']])), {
      code: 'MLML_BAD_DATA',
      message: 'list: row 1, column b: the value is missing, and nothing says what stands for it',
    });
  });
});
