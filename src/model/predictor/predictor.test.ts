import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { classes, targets, trained } from '../../../test/support/kernelTraining.js';
import { clouds, makeDataset } from '../../../test/support/tinyDataset.js';
import { type Dtype, dtypeBytes, readNumber } from '../../arithmetic/dtype.js';
import type { ColumnMapping } from '../../data/columns/columnMapping.js';
import type { RowFile } from '../../data/rowFile.js';
import { MlmlError } from '../../errors.js';
import { classOf } from '../../ssgd/evaluate.js';
import type { LinearModel } from '../../ssgd/linearModel.js';
import { defaultOptions } from '../../ssgd/options.js';
import { train } from '../../ssgd/train.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { probabilitiesOf } from '../probabilities.js';
import type { Model } from '../saveModel.js';
import { scoreModel } from '../scoreModel.js';
import { openPredictor, type Prediction } from './predictor.js';

/** The features of all rows of a part. */
async function featuresOf(file: RowFile): Promise<number[][]> {
  const { layout, rows } = file;
  const bytes = new Uint8Array(rows * layout.rowBytes);
  await file.readRows(bytes, 0, rows);
  const view = new DataView(bytes.buffer);
  const step = dtypeBytes[layout.dtype];
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: layout.d }, (_, j) =>
      readNumber(view, i * layout.rowBytes + j * step, layout.dtype),
    ),
  );
}

/** Scores as `predict` has them, in rows. */
async function scoresOf(storage: MemoryStorage, model: Model, file: RowFile): Promise<Float64Array> {
  const all = new Float64Array(file.rows * model.k);
  for await (const { firstRow, rows, scores } of scoreModel(storage, model, file, {
    bufferBytes: 4e6,
    nthreads: 1,
  }))
    all.set(scores.subarray(0, rows * model.k), firstRow * model.k);
  return all;
}

async function linear(dtype: Dtype, loss: 'softmax' | 'ridge' | 'logistic' = 'softmax', k = 3) {
  const storage = new MemoryStorage();
  const dataset = await makeDataset(
    { dtype, k, train: clouds(200, 7, k), test: clouds(150, 7, k, 5) },
    storage,
  );
  const { model } = await train(
    'sgd',
    dataset,
    { ...defaultOptions, loss, iters: 300 },
    {
      storage,
      scratchFolder: '/scratch',
    },
  );
  return { storage, dataset, model };
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const classesOf = (predictions: readonly Prediction[]) => predictions.map((found) => found.class);

describe('linear models', () => {
  for (const dtype of ['float64', 'float32', 'float16'] as const) {
    test(`${dtype}: classes and probabilities are those of predict, to the bit`, async () => {
      const { storage, dataset, model } = await linear(dtype);
      const rows = await featuresOf(dataset.test);
      const wanted = await scoresOf(storage, model, dataset.test);
      await using predictor = await openPredictor(storage, model);
      const found = await predictor.predict(rows, { proba: true });
      assert.equal(found.length, 150);
      const chances = new Float64Array(3);
      for (const [i, prediction] of found.entries()) {
        probabilitiesOf(model, wanted, 3 * i, chances);
        assert.deepEqual(prediction, { class: classOf(wanted, 3 * i, 3), probabilities: [...chances] });
      }
      // One at a time, as typed arrays, and from a stream.
      const alone = await predictor.predict([Float64Array.from(rows[17]!)], { proba: true });
      assert.deepEqual(alone, [found[17]]);
      for (const together of [1, 4]) {
        const streamed = await collected(predictor.stream(rows.slice(0, 10), { together }));
        assert.deepEqual(classesOf(streamed), classesOf(found.slice(0, 10)));
      }
    });
  }

  test('calls at the same time do not disturb each other', async () => {
    const { storage, dataset, model } = await linear('float32');
    const rows = await featuresOf(dataset.test);
    const predictor = await openPredictor(storage, model);
    const alone = await predictor.predict(rows);
    const together = await Promise.all(rows.map((row) => predictor.predict([row])));
    assert.deepEqual(together.flat(), alone);
    const failing = predictor.predict([[1]]);
    const after = predictor.predict([rows[3]!]);
    await assert.rejects(failing, { code: 'MLML_BAD_DATA', row: 0 });
    assert.deepEqual(await after, [alone[3]]);
    await predictor.close();
    await assert.rejects(predictor.predict([rows[0]!]), { code: 'MLML_USAGE' });
  });

  test('the smallest budget works and gives the same; less is refused with it', async () => {
    const { storage, dataset, model } = await linear('float64');
    const rows = await featuresOf(dataset.test);
    const error = await openPredictor(storage, model, { bufferBytes: 500 }).catch((reason) => reason);
    assert.ok(error instanceof MlmlError && error.code === 'MLML_BUDGET_TOO_SMALL', String(error));
    const bufferBytes = 1e6 * Number(/at least ([0-9.]+) MB/.exec(error.message)![1]);
    const small = await openPredictor(storage, model, { bufferBytes });
    assert.ok(small.plannedBytes <= bufferBytes);
    const large = await openPredictor(storage, model);
    assert.deepEqual(await small.predict(rows), await large.predict(rows));
  });

  test('two classes with one column of scores, and models without probabilities', async () => {
    const { storage, dataset, model } = await linear('float32', 'logistic', 2);
    assert.equal(model.k, 1);
    const predictor = await openPredictor(storage, model);
    const [first] = await predictor.predict(await featuresOf(dataset.test), { proba: true });
    assert.equal(first!.probabilities!.length, 2);
    assert.ok(Math.abs(first!.probabilities![0]! + first!.probabilities![1]! - 1) < 1e-15);
    const ridge = await linear('float32', 'ridge');
    const without = await openPredictor(ridge.storage, ridge.model);
    await assert.rejects(without.predict([[0, 0, 0, 0, 0, 0, 0]], { proba: true }), { code: 'MLML_USAGE' });
  });
});

describe('kernel models', () => {
  for (const dtype of ['uint8', 'float32'] as const) {
    test(`${dtype}: classes are those of predict, rows kept in memory or streamed`, async () => {
      const storage = new MemoryStorage();
      const dataset = await classes(storage, 3, dtype, 300, 6);
      const { result } = await trained('cg', storage, dataset, { kernel: 'rbf', sigma: 2, reg: [0.3] });
      const rows = await featuresOf(dataset.test);
      const wanted = await scoresOf(storage, result.model, dataset.test);
      const error = await openPredictor(storage, result.model, { bufferBytes: 1000, nthreads: 1 }).catch(
        (e) => e,
      );
      const least = 1e6 * Number(/at least ([0-9.]+) MB/.exec(error.message)![1]);
      for (const [bufferBytes, nthreads] of [
        [least, 1],
        [4e6, 1],
        [8e6, 2],
      ] as const) {
        await using predictor = await openPredictor(storage, result.model, { bufferBytes, nthreads });
        assert.ok(predictor.plannedBytes <= bufferBytes);
        for (let time = 0; time < 3; time++) {
          const found = await predictor.predict(rows);
          assert.deepEqual(
            classesOf(found),
            rows.map((_, i) => classOf(wanted, 3 * i, 3)),
          );
        }
        assert.deepEqual(await predictor.predict([rows[5]!]), [{ class: classOf(wanted, 15, 3) }]);
      }
    });
  }

  test('values of a regression', async () => {
    const storage = new MemoryStorage();
    const dataset = await targets(storage, 'float32', 400);
    const { result } = await trained('cg', storage, dataset, { kernel: 'laplacian', sigma: 2, reg: [0.3] });
    const rows = await featuresOf(dataset.test);
    const wanted = await scoresOf(storage, result.model, dataset.test);
    await using predictor = await openPredictor(storage, result.model, { bufferBytes: 3e5, nthreads: 1 });
    const found = Float64Array.from(await predictor.predict(rows), ({ value }) => value!);
    assert.ok(found.every((value, i) => Math.abs(value - wanted[i]!) < 1e-9));
  });

  test('values that the rows of the model could not have are named', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'uint8', 90, 6);
    const { result } = await trained('cg', storage, dataset, { kernel: 'rbf', sigma: 2, reg: [0.3] });
    await using predictor = await openPredictor(storage, result.model, { nthreads: 1 });
    for (const value of [256, -1, 0.5])
      await assert.rejects(predictor.predict([[0, 0, 0, value, 0, 0]]), {
        code: 'MLML_BAD_DATA',
        row: 0,
        column: 3,
        value: String(value),
      });
  });

  test('a data set that is gone is named when the predictor is opened', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32');
    const { result } = await trained('cg', storage, dataset, { kernel: 'rbf', sigma: 2, reg: [0.3] });
    await storage.rename('/data/tiny', '/elsewhere');
    await assert.rejects(openPredictor(storage, result.model), { code: 'MLML_NOT_FOUND' });
  });
});

const mapping: ColumnMapping = {
  features: [
    { column: 'rooms', kind: 'number', missing: { fill: 3, indicator: true } },
    { column: '__proto__', kind: 'category', values: ['a', 'b'] },
    { column: 'built', kind: 'date', parts: ['year'], missing: { fill: 2000, indicator: false } },
  ],
  label: { column: 'price', kind: 'class' },
  id: 'house',
};
const d = 5;
const named: LinearModel = {
  task: 'classification',
  loss: 'logistic',
  d,
  k: 1,
  scaling: { name: 'none', multiply: new Float64Array(d).fill(1), add: new Float64Array(d) },
  weights: Float64Array.of(1, 0, -10, 10, 0),
  intercept: Float64Array.of(-5),
  classNames: ['low', 'high'],
  fingerprint: '',
  columns: mapping,
};

describe('models of tables', () => {
  const row = (text: string) => JSON.parse(text);
  test('rows by name, also of columns with the names of what every object has', async () => {
    const predictor = await openPredictor(new MemoryStorage(), named);
    const found = await predictor.predict([
      row('{"rooms": 6, "__proto__": null, "built": null, "house": "h1", "price": "unknown"}'),
      row('{"rooms": "6", "__proto__": "a", "built": "2020-02-03", "garden": true}'),
      row('{"rooms": null, "__proto__": "b", "built": ""}'),
      [6, 0, 0, 0, 2000],
    ]);
    assert.deepEqual(found, [
      { id: 'h1', class: 1, name: 'high' },
      { class: 0, name: 'low' },
      { class: 1, name: 'high' },
      { class: 1, name: 'high' },
    ]);
  });

  test('what is wrong is named by row and column, with the value', async () => {
    const predictor = await openPredictor(new MemoryStorage(), named);
    const good = row('{"rooms": 6, "__proto__": "a", "built": null}');
    const cases: readonly (readonly [unknown, object])[] = [
      [
        row('{"rooms": "many", "__proto__": "a", "built": null}'),
        { row: 8, column: 'rooms', value: '"many"', message: 'row 8, column rooms: "many" is not a number' },
      ],
      [
        row('{"rooms": 1, "built": null}'),
        { column: '__proto__', message: /row 8: column __proto__ is not there; give null/ },
      ],
      [row('{"rooms": 1, "__proto__": {}, "built": null}'), { column: '__proto__', value: 'an object' }],
      [row('{"rooms": [1], "__proto__": "a", "built": null}'), { column: 'rooms', value: 'a list' }],
      [
        row('{"rooms": 1, "__proto__": "a", "built": "soon"}'),
        { column: 'built', message: /"soon" is not a date/ },
      ],
      [
        row('{"rooms": "inf", "__proto__": "a", "built": null}'),
        { column: 'rooms', message: /is not a finite number/ },
      ],
      [
        row('{"rooms": 1e999, "__proto__": "a", "built": null}'),
        { column: 'rooms', message: /is not a finite number/ },
      ],
      [[1, 2, 3], { column: undefined, message: 'row 8: has 3 values; the model has 5 features' }],
      [[1, 2, 3, null, 5], { column: '__proto__=b', value: 'null' }],
      [[1, 2, 3, Number.NaN, 5], { column: '__proto__=b', value: 'NaN' }],
      [[1, 2, 3, 'x'.repeat(99), 5], { value: `"${'x'.repeat(40)}…"` }],
      [5, { column: undefined, value: '5' }],
      [
        null,
        { message: /row 8: null is not a row; give an object with the columns, or a list of 5 numbers/ },
      ],
    ];
    for (const [bad, wanted] of cases)
      await assert.rejects(
        predictor.predict([good, bad] as never, { firstRow: 7 }),
        { code: 'MLML_BAD_DATA', ...wanted },
        JSON.stringify(bad),
      );
    const large = { ...named, weights: named.weights.map((w) => w * 100) };
    await assert.rejects((await openPredictor(new MemoryStorage(), large)).predict([[1e308, 0, 0, 0, 0]]), {
      message: /row 0: its scores are not finite/,
    });
  });

  test('a model without columns takes no names', async () => {
    const { columns: _, ...plain } = named;
    const predictor = await openPredictor(new MemoryStorage(), plain);
    await assert.rejects(predictor.predict([{ rooms: 1 }]), {
      message: /knows no names of columns; give a list of 5 numbers/,
    });
  });
});

test('a stream stops by its signal, between rows', async () => {
  const predictor = await openPredictor(new MemoryStorage(), named);
  const stop = new AbortController();
  async function* endless() {
    for (let i = 0; ; i++) {
      if (i === 3) stop.abort(new Error('enough'));
      yield [i, 0, 0, 0, 0];
    }
  }
  const seen: Prediction[] = [];
  await assert.rejects(
    async () => {
      for await (const prediction of predictor.stream(endless(), { signal: stop.signal }))
        seen.push(prediction);
    },
    { message: 'enough' },
  );
  assert.equal(seen.length, 3);
});
