import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  columnsWithWords,
  encoded,
  everyCalibration,
  everyColumn,
  everyKernel,
  randomCells,
  randomKernel,
  randomLinear,
  randomRows,
  referenceScores,
} from '../../../../test/support/exportedModels.js';
import { type Feed, type OnnxOutput, openOnnx } from '../../../../test/support/onnxSession.js';
import type { Dtype } from '../../../arithmetic/dtype.js';
import type { Cell, ColumnMapping } from '../../../data/columns/columnMapping.js';
import { featureCount } from '../../../data/columns/columnMapping.js';
import { MlmlError } from '../../../errors.js';
import { Random } from '../../../memory/random.js';
import { classOf } from '../../../ssgd/evaluate.js';
import type { LossName } from '../../../ssgd/options.js';
import { MemoryStorage } from '../../../storage/memoryStorage.js';
import { givesProbabilities, probabilitiesOf } from '../../probabilities.js';
import type { Model } from '../../saveModel.js';
import { exportModel } from '../exportModel.js';
import type { Precision } from '../precision.js';

/** The model as a session of onnxruntime. */
async function exported(model: Model, storage = new MemoryStorage(), precision: Precision = 'float64') {
  const { files } = await exportModel(storage, model, '/m.onnx', { format: 'onnx', precision });
  const bytes = storage.bytesOf('/m.onnx');
  assert.deepEqual(files, [{ path: '/m.onnx', bytes: bytes.length }]);
  return await openOnnx(bytes);
}

const feed = (rows: readonly (readonly number[])[], precision: Precision = 'float64'): Feed => {
  const numbers = rows.flat();
  return {
    numbers: precision === 'float64' ? Float64Array.from(numbers) : Float32Array.from(numbers),
    d: rows[0]!.length,
  };
};

/** Compares numbers, relative to the largest of all. */
function close(found: OnnxOutput | undefined, wanted: readonly number[], tolerance: number, what = ''): void {
  assert.equal(found?.values.length, wanted.length, what);
  const largest = Math.max(1e-300, ...wanted.map(Math.abs));
  for (const [i, value] of wanted.entries()) {
    const number = found.values[i] as number;
    assert.ok(Math.abs(number - value) <= tolerance * largest, `${what} [${i}]: ${number}, not ${value}`);
  }
}

/** Checks all outputs against what the scores say by mlml's own rules. */
function sameMeaning(model: Model, outputs: Record<string, OnnxOutput>, scores: readonly number[]): void {
  const { k, task } = model;
  const rows = scores.length / k;
  const tolerance = 1e-12;
  if (task === 'regression') {
    assert.deepEqual(Object.keys(outputs), ['value']);
    assert.deepEqual(outputs['value']!.shape, [rows]);
    close(outputs['value'], scores, tolerance, 'value');
    return;
  }
  close(outputs['scores'], scores, tolerance, 'scores');
  assert.deepEqual(outputs['scores']!.shape, [rows, k]);
  const given = Float64Array.from(scores);
  const classes = Array.from({ length: rows }, (_, i) => classOf(given, i * k, k));
  const named = model.classNames.length > 0;
  assert.deepEqual(outputs['label']!.values, named ? classes.map((c) => model.classNames[c]) : classes);
  const probable = givesProbabilities(model);
  assert.equal(outputs['probabilities'] !== undefined, probable);
  if (!probable) return;
  const wanted = classes.flatMap((_, i) => {
    const target = new Float64Array(Math.max(k, 2));
    probabilitiesOf(model, given, i * k, target);
    return [...target];
  });
  close(outputs['probabilities'], wanted, tolerance, 'probabilities');
  assert.deepEqual(outputs['probabilities']!.shape, [rows, Math.max(k, 2)]);
}

describe('linear models in onnxruntime', () => {
  const cases: readonly (readonly [LossName, number])[] = [
    ['softmax', 2],
    ['softmax', 5],
    ['logistic', 1],
    ['logistic', 4],
    ['hinge', 1],
    ['hinge', 3],
    ['squared_hinge', 1],
    ['ridge', 3],
    ['huber', 3],
  ];
  for (const [loss, k] of cases)
    for (const named of [false, true])
      test(`${loss}, ${k} columns of scores${named ? ', classes with names' : ''}`, async () => {
        const random = Random.of(k, loss.length);
        const classNames = named ? ['no', 'yes', '', 'ünïcode "q"', 'x'].slice(0, Math.max(k, 2)) : [];
        const model = randomLinear(random, 7, { task: 'classification', loss, k, classNames });
        const rows = randomRows(random, 33, 7, 'float64');
        const session = await exported(model);
        assert.deepEqual(session.inputs, ['features']);
        sameMeaning(model, await session.run({ features: feed(rows) }), referenceScores(model, rows));
      });

  for (const loss of ['ridge', 'huber'] as const)
    for (const d of [1, 6])
      test(`${loss}, regression on ${d} features`, async () => {
        const random = Random.of(d);
        const model = randomLinear(random, d, { task: 'regression', loss, k: 1 });
        const rows = randomRows(random, 9, d, 'float64');
        const session = await exported(model);
        sameMeaning(model, await session.run({ features: feed(rows) }), referenceScores(model, rows));
      });

  test('without scaling, with one factor for all, with a weight column, and sure of no class', async () => {
    const random = Random.of(5);
    const rows = randomRows(random, 20, 4, 'float64');
    const plain = randomLinear(random, 4, { task: 'classification', loss: 'logistic', k: 3 });
    const scaling = (factor: number, term: number) => ({
      name: 'unit' as const,
      multiply: new Float64Array(4).fill(factor),
      add: new Float64Array(4).fill(term),
    });
    const weighted = structuredClone(plain);
    for (const numbers of [weighted.scaling.multiply, weighted.scaling.add]) numbers[2] = 0;
    for (let c = 0; c < 3; c++) weighted.weights[c * 4 + 2] = 0;
    const models = [
      { ...plain, scaling: scaling(1, 0) },
      { ...plain, scaling: scaling(1 / 255, 0) },
      { ...plain, scaling: scaling(2, 1) },
      { ...weighted, weightColumn: 2 },
      // Every sigmoid is 0.
      { ...plain, intercept: new Float64Array(3).fill(-1e4) },
    ];
    for (const model of models) {
      const session = await exported(model);
      sameMeaning(model, await session.run({ features: feed(rows) }), referenceScores(model, rows));
    }
  });

  for (const k of [1, 2, 4])
    for (const calibration of everyCalibration(k))
      test(`calibrated by ${calibration.method} curves, ${k} columns of scores`, async () => {
        const random = Random.of(k);
        const loss = k === 1 ? 'hinge' : 'softmax';
        const made = randomLinear(random, 4, { task: 'classification', loss, k });
        const model = { ...made, calibration };
        const rows = randomRows(random, 40, 4, 'float64');
        const session = await exported(model);
        sameMeaning(model, await session.run({ features: feed(rows) }), referenceScores(model, rows));
      });

  test('one row, and in floats', async () => {
    const random = Random.of(6);
    const model = randomLinear(random, 50, { task: 'classification', loss: 'softmax', k: 10 });
    const rows = randomRows(random, 100, 50, 'float32');
    const [wide, narrow] = [await exported(model), await exported(model, undefined, 'float32')];
    sameMeaning(
      model,
      await wide.run({ features: feed(rows.slice(0, 1)) }),
      referenceScores(model, rows.slice(0, 1)),
    );
    const outputs = await narrow.run({ features: feed(rows, 'float32') });
    close(outputs['scores'], referenceScores(model, rows), 1e-6);
  });
});

describe('kernel models in onnxruntime', () => {
  for (const kernel of everyKernel)
    test(JSON.stringify(kernel), async () => {
      const random = Random.of(3);
      const storage = new MemoryStorage();
      const meaning = { task: 'classification', k: 3 } as const;
      const { model, rows: training } = await randomKernel(random, storage, kernel, 23, 6, meaning);
      const rows = [...randomRows(random, 14, 6, 'float32'), training[0]!];
      const wanted = referenceScores(model, rows, training);
      const { scores } = await (await exported(model, storage)).run({ features: feed(rows) });
      // The root of a distance that should be 0 is as large as the root of its rounding.
      close(scores, wanted, JSON.stringify(kernel).match(/laplacian"|"matern/) ? 1e-7 : 1e-11);
      const narrow = await exported(model, storage, 'float32');
      const floats = (await narrow.run({ features: feed(rows, 'float32') }))['scores'];
      close(floats, wanted, 2e-3, 'in floats');
    });

  for (const dtype of ['uint8', 'int8', 'int16', 'float16', 'float64'] as Dtype[])
    test(`rows of ${dtype}, a regression`, async () => {
      const random = Random.of(4);
      const storage = new MemoryStorage();
      const meaning = { task: 'regression', k: 1 } as const;
      const kernel = everyKernel[0]!;
      const { model, rows: training } = await randomKernel(random, storage, kernel, 40, 5, meaning, dtype);
      const rows = randomRows(random, 10, 5, dtype);
      const outputs = await (await exported(model, storage)).run({ features: feed(rows) });
      close(outputs['value'], referenceScores(model, rows, training), 1e-12);
    });

  test('a function of a program has no operators', async () => {
    const storage = new MemoryStorage();
    const kernel = { kind: 'custom', name: 'mine' } as const;
    const { model } = await randomKernel(Random.of(1), storage, kernel, 3, 2, { task: 'regression', k: 1 });
    await assert.rejects(exported(model, storage), (error: MlmlError) => {
      assert.equal(error.code, 'MLML_USAGE');
      assert.match(error.message, /kernel custom:mine is a function of a program/);
      return true;
    });
    assert.deepEqual(storage.paths(), ['/rows.bin']);
  });
});

/** What the inputs of a model of a table take for rows of cells. */
function tableFeeds(
  mapping: ColumnMapping,
  rows: readonly Record<string, Cell>[],
  names: ReadonlyMap<string, string>,
): Record<string, Feed> {
  return Object.fromEntries(
    mapping.features.map(({ column, kind }): [string, Feed] => {
      const cells = rows.map((row) => row[column]);
      const name = names.get(column) ?? column;
      if (kind === 'category' || kind === 'hash') return [name, cells.map((cell) => (cell ?? '') as string)];
      const number = (cell: Cell) =>
        cell instanceof Date ? cell.getTime() / 1000 : cell === null ? Number.NaN : Number(cell);
      return [name, { numbers: Float64Array.from(cells, number), d: 1 }];
    }),
  );
}

describe('models of tables in onnxruntime', () => {
  test('every kind of column, missing values, unknown categories, dates before 1970', async () => {
    const random = Random.of(8);
    const d = featureCount(everyColumn);
    const made = randomLinear(random, d, { task: 'regression', loss: 'ridge', k: 1, columns: everyColumn });
    const rows = Array.from({ length: 300 }, () => randomCells(random, everyColumn));
    const features = encoded(everyColumn, rows);
    const session = await exported(made);
    // `label` is what an output would be called.
    assert.deepEqual(session.inputs, [
      'rooms',
      'age "in years", é',
      'new',
      'sold',
      'ocean',
      'label_2',
      'street',
    ]);
    const feeds = tableFeeds(everyColumn, rows, new Map([['label', 'label_2']]));
    sameMeaning(made, await session.run(feeds), referenceScores(made, features));
    // Each feature by itself, so that none hides behind seconds since 1970.
    for (let j = 0; j < d; j++) {
      const weights = new Float64Array(d);
      weights[j] = 1;
      const scaling = {
        name: 'none',
        multiply: new Float64Array(d).fill(1),
        add: new Float64Array(d),
      } as const;
      const one = { ...made, weights, intercept: Float64Array.of(0), scaling };
      const outputs = await (await exported(one)).run(feeds);
      close(
        outputs['value'],
        features.map((row) => row[j]!),
        1e-15,
        `feature ${j}`,
      );
    }
  });

  test('names that inputs cannot have, and one column twice', async () => {
    const missing = { fill: 1, indicator: false };
    const mapping: ColumnMapping = {
      features: [
        { column: '', kind: 'number', missing },
        { column: 'a\0b', kind: 'number', missing },
        { column: 'a\uD800b', kind: 'number', missing },
        { column: 'column_0', kind: 'number', missing },
        { column: 'twice', kind: 'number', missing: { fill: 2, indicator: true } },
        { column: 'twice', kind: 'category', values: ['1', '2'] },
        { column: 'none', kind: 'category', values: [] },
        { column: 'add', kind: 'number', missing },
        { column: '__proto__', kind: 'number', missing },
      ],
      label: { column: 'y', kind: 'number' },
    };
    const random = Random.of(9);
    const d = featureCount(mapping);
    const model = randomLinear(random, d, { task: 'regression', loss: 'ridge', k: 1, columns: mapping });
    const session = await exported(model);
    const wanted = [
      'column_0',
      'a\uFFFDb',
      'a\uFFFDb_2',
      'column_0_2',
      'twice',
      'twice_2',
      'add',
      '__proto__',
    ];
    assert.deepEqual(session.inputs, wanted);
    const values = [1, 2, 3, 4, 2, Number.NaN, 6, 7];
    const feeds: Record<string, Feed> = Object.create(null);
    for (const [i, name] of wanted.entries())
      feeds[name] = name === 'twice_2' ? ['2'] : { numbers: Float64Array.of(values[i]!), d: 1 };
    const features = [[1, 2, 3, 4, 2, 0, 0, 1, 6, 7]];
    const outputs = await session.run(feeds);
    close(outputs['value'], referenceScores(model, features), 1e-14);
  });

  test('words are refused by the name of their column', async () => {
    const d = featureCount(columnsWithWords);
    const made = randomLinear(Random.of(1), d, {
      task: 'regression',
      loss: 'ridge',
      k: 1,
      columns: columnsWithWords,
    });
    await assert.rejects(exported(made), (error: MlmlError) => {
      assert.ok(error instanceof MlmlError);
      assert.match(error.message, /^--onnx: column "notes" enters the model as its words/);
      return true;
    });
  });
});
