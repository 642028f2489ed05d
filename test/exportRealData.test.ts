import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { readNumber } from '../src/arithmetic/dtype.js';
import { type ColumnMapping, featureCount, neededColumns } from '../src/data/columns/columnMapping.js';
import { RowEncoder } from '../src/data/columns/rowEncoder.js';
import type { Dataset } from '../src/data/dataset.js';
import { openByName } from '../src/data/import/openByName.js';
import type { RowFile } from '../src/data/rowFile.js';
import { defaultKernelOptions } from '../src/kernel/options.js';
import { trainKernel } from '../src/kernel/trainKernel.js';
import { exportModel } from '../src/model/export/exportModel.js';
import type { Precision } from '../src/model/export/precision.js';
import type { Model } from '../src/model/saveModel.js';
import { scoreModel } from '../src/model/scoreModel.js';
import { defaultOptions, type TrainOptions, type Verb } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { type Feed, openOnnx } from './support/onnxSession.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { makeDataset } from './support/tinyDataset.js';

const data = process.env['MLML_DATA'];
/** Doubles: what is promised. Floats: rows with scores near 0 show the rounding of their large terms. */
const PARITY = { float64: 1e-5, float32: 1e-3 };

async function trainedLinear(dataset: Dataset, verb: Verb, folder: string, changes: Partial<TrainOptions>) {
  const options = { ...defaultOptions, bufferBytes: 2e7, ...changes };
  const context = { storage: nodeStorage, scratchFolder: join(folder, 'scratch') };
  return (await train(verb, dataset, options, context)).model;
}

/** Scores by mlml itself. */
async function scoresOf(model: Model, file: RowFile): Promise<number[]> {
  const scores: number[] = [];
  for await (const block of scoreModel(nodeStorage, model, file, { bufferBytes: 1e8, nthreads: 2 }))
    scores.push(...block.scores.subarray(0, block.rows * model.k));
  return scores;
}

async function featuresOf(file: RowFile): Promise<number[]> {
  const { rowBytes, labelOffset, dtype, d } = file.layout;
  const bytes = new Uint8Array(file.rows * rowBytes);
  await file.readRows(bytes, 0, file.rows);
  const view = new DataView(bytes.buffer);
  const size = labelOffset / d;
  return Array.from({ length: file.rows * d }, (_, i) =>
    readNumber(view, Math.floor(i / d) * rowBytes + (i % d) * size, dtype),
  );
}

/** Largest difference to mlml's own scores, relative to the largest score of the row. */
async function difference(
  t: TestContext,
  model: Model,
  file: RowFile,
  precision: Precision,
  feeds?: Record<string, Feed>,
): Promise<number> {
  const path = join(temporaryFolder(t), 'm.onnx');
  await exportModel(nodeStorage, model, path, { format: 'onnx', precision });
  const session = await openOnnx(readFileSync(path));
  const features = await featuresOf(file);
  const numbers = precision === 'float64' ? Float64Array.from(features) : Float32Array.from(features);
  const outputs = await session.run(feeds ?? { features: { numbers, d: model.d } });
  const found = (outputs['scores'] ?? outputs['value'])!.values as number[];
  const wanted = await scoresOf(model, file);
  assert.equal(found.length, wanted.length);
  const { k } = model;
  let largest = 0;
  for (let row = 0; row < wanted.length; row += k) {
    const size = Math.max(...wanted.slice(row, row + k).map(Math.abs));
    for (let c = row; c < row + k; c++) largest = Math.max(largest, Math.abs(found[c]! - wanted[c]!) / size);
  }
  t.diagnostic(`${precision}: relative difference at most ${largest.toExponential(1)}`);
  return largest;
}

describe('exported models on real data', { skip: data === undefined && 'MLML_DATA is not set' }, () => {
  const opened = async (t: TestContext, name: string) => {
    const folder = temporaryFolder(t);
    const dataset = await openByName(nodeStorage, name, { dataDir: join(folder, 'data') });
    t.after(() => dataset.close());
    return { dataset, folder };
  };

  test('MNIST: softmax, and kernel ridge regression by 2 000 centres', async (t) => {
    const { dataset, folder } = await opened(t, 'mnist');
    const linear = await trainedLinear(dataset, 'ssgd', folder, { loss: 'softmax', epochs: 1 });
    const rows = dataset.test.first(1000);
    for (const precision of ['float64', 'float32'] as const)
      assert.ok((await difference(t, linear, rows, precision)) <= PARITY[precision]);

    const options = {
      ...defaultKernelOptions,
      kernel: 'rbf',
      sigma: 5,
      subset: 4000,
      centers: 2000,
      bufferBytes: 3e8,
      nthreads: 2,
    };
    const context = { storage: nodeStorage, scratchFolder: join(folder, 'scratch') };
    const { model } = await trainKernel('nystrom', dataset, options, context);
    assert.equal(model.n, 2000);
    for (const precision of ['float64', 'float32'] as const)
      assert.ok((await difference(t, model, rows.first(300), precision)) <= PARITY[precision]);
  });

  test('spam with standardisation: logistic', async (t) => {
    const { dataset, folder } = await opened(t, 'spam');
    const model = await trainedLinear(dataset, 'ssgd', folder, { loss: 'logistic', scale: 'standard' });
    for (const precision of ['float64', 'float32'] as const)
      assert.ok((await difference(t, model, dataset.test, precision)) <= PARITY[precision]);
  });

  test('housing with categories and missing values: ridge', async (t) => {
    const folder = temporaryFolder(t);
    const [header, ...lines] = readFileSync(join(data!, 'housing', 'housing.csv'), 'utf8')
      .trim()
      .split('\n');
    const columns = header!.split(',');
    const cells = lines.map((line) => line.split(','));
    const at = (name: string) => columns.indexOf(name);
    const oceans = [...new Set(cells.map((row) => row[at('ocean_proximity')]!))].sort();
    const mapping: ColumnMapping = {
      features: [
        ...columns.slice(0, 8).map((column) => {
          const missing = { fill: 537.87, indicator: column === 'total_bedrooms' };
          return { column, kind: 'number', missing } as const;
        }),
        { column: 'ocean_proximity', kind: 'category', values: oceans },
      ],
      label: { column: 'median_house_value', kind: 'number' },
    };
    const encoder = new RowEncoder(mapping, columns, []);
    const features = cells.map((row) => {
      const target = new Float64Array(encoder.d);
      encoder.encode(row, target, (column) => column);
      return [...target];
    });
    assert.equal(encoder.d, featureCount(mapping));
    const labels = cells.map((row) => Number(row[at('median_house_value')]));
    const rows = { features, labels };
    const dataset = await makeDataset(
      { task: 'regression', train: rows, test: rows },
      nodeStorage,
      join(folder, 'housing'),
    );
    t.after(() => dataset.close());
    const trained = await trainedLinear(dataset, 'closed', folder, { loss: 'ridge' });
    const model = { ...trained, columns: mapping };
    for (const precision of ['float64', 'float32'] as const) {
      const feeds = neededColumns(mapping).map((column): [string, Feed] => {
        const values = cells.map((row) => row[at(column)]!);
        if (column === 'ocean_proximity') return [column, values];
        const numbers = values.map((value) => (value === '' ? Number.NaN : Number(value)));
        return [
          column,
          {
            numbers: precision === 'float64' ? Float64Array.from(numbers) : Float32Array.from(numbers),
            d: 1,
          },
        ];
      });
      assert.ok(
        (await difference(t, model, dataset.test, precision, Object.fromEntries(feeds))) <= PARITY[precision],
      );
    }
  });
});
