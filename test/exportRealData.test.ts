import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readNumber } from '../src/arithmetic/dtype.js';
import { type Dataset, openDataset } from '../src/data/dataset.js';
import { openByName } from '../src/data/import/openByName.js';
import type { RowFile } from '../src/data/rowFile.js';
import { importTableFiles } from '../src/data/table/importTableFiles.js';
import { openTable } from '../src/data/table/openTable.js';
import { defaultKernelOptions } from '../src/kernel/options.js';
import { trainKernel } from '../src/kernel/trainKernel.js';
import { exportModel } from '../src/model/export/exportModel.js';
import type { Precision } from '../src/model/export/precision.js';
import type { Model } from '../src/model/saveModel.js';
import { scoreModel } from '../src/model/scoreModel.js';
import { predictTable } from '../src/model/table/predictTable.js';
import { defaultOptions, type TrainOptions, type Verb } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { type Feed, openOnnx } from './support/onnxSession.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const data = process.env['MLML_DATA'];
/** Doubles: what is promised. Floats: as docs/export.md has it. */
const PARITY = { float64: 1e-5, float32: 1e-4 };

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

  test('housing with categories and missing values: ridge, and a kernel; as ONNX and as a module', async (t) => {
    const folder = temporaryFolder(t);
    const csv = join(data!, 'housing', 'housing.csv');
    const imported = join(folder, 'housing');
    const label = 'median_house_value';
    await importTableFiles(nodeStorage, csv, { out: imported, label, missing: 'indicator' });
    const dataset = await openDataset(nodeStorage, imported);
    t.after(() => dataset.close());
    const linear = await trainedLinear(dataset, 'closed', folder, { loss: 'ridge' });
    const options = {
      ...defaultKernelOptions,
      kernel: 'rbf',
      sigma: 2,
      subset: 3000,
      centers: 300,
      // Coefficients that do not cancel much: otherwise mlml's own floats differ from the definition by more.
      reg: [30],
      nthreads: 2,
      bufferBytes: 5e7,
    };
    const context = { storage: nodeStorage, scratchFolder: join(folder, 'scratch') };
    const kernel = (await trainKernel('nystrom', dataset, options, context)).model;

    const [header, ...lines] = readFileSync(csv, 'utf8').trim().split('\n');
    const names = header!.split(',');
    const cells = lines.map((line) => line.split(','));
    for (const [name, model] of Object.entries({ linear, kernel })) {
      // By mlml itself, from the same file.
      const predictions = join(folder, `${name}.csv`);
      const source = await openTable(nodeStorage, csv, { bufferBytes: 4e6 });
      await predictTable(nodeStorage, model, source, predictions, { bufferBytes: 1e8 });
      await source.close();
      const wanted = readFileSync(predictions, 'utf8').trim().split('\n').slice(1);
      const values = wanted.map((line) => Number(line.split(',').at(-1)));
      assert.equal(values.length, cells.length);
      const mean = values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;

      let exact: number[] = [];
      for (const precision of ['float64', 'float32'] as const) {
        const path = join(folder, `${name}-${precision}.onnx`);
        const { inputs } = await exportModel(nodeStorage, model, path, { format: 'onnx', precision });
        const feeds = inputs!.map((input): [string, Feed] => {
          const texts = cells.map((row) => row[names.indexOf(input.name)]!);
          if (input.type === 'string') return [input.name, texts];
          const numbers = texts.map((text) => (text === '' ? Number.NaN : Number(text)));
          const wide = precision === 'float64';
          return [
            input.name,
            { numbers: wide ? Float64Array.from(numbers) : Float32Array.from(numbers), d: 1 },
          ];
        });
        const outputs = await (await openOnnx(readFileSync(path))).run(Object.fromEntries(feeds));
        const found = outputs['value']!.values as number[];
        if (precision === 'float64') exact = found;
        // Relative to the mean in floats and of kernels, which mlml computes in floats: the value of one house is 0.
        const unit = precision === 'float64' && name === 'linear' ? 0 : mean;
        const largest = found.reduce(
          (most, value, i) =>
            Math.max(most, Math.abs(value - values[i]!) / Math.max(Math.abs(values[i]!), unit)),
          0,
        );
        t.diagnostic(`${name}, ${precision}: relative difference at most ${largest.toExponential(1)}`);
        assert.ok(largest <= PARITY[precision]);
      }

      const path = join(folder, `${name}.mjs`);
      await exportModel(nodeStorage, model, path, { format: 'js' });
      const { predict } = await import(pathToFileURL(path).href);
      let largest = 0;
      let apart = 0;
      for (let i = 0; i < cells.length; i += 40) {
        // Rows as CSV gives them: all texts.
        const row = Object.fromEntries(names.map((each, j) => [each, cells[i]![j]!]));
        largest = Math.max(largest, Math.abs(predict(row) - values[i]!) / mean);
        apart = Math.max(apart, Math.abs(predict(row) - exact[i]!) / mean);
      }
      t.diagnostic(`${name}, module: relative difference at most ${largest.toExponential(1)}`);
      assert.ok(largest <= PARITY.float64);
      // Both formats compute in doubles.
      assert.ok(apart <= 1e-10, `${apart}`);
    }
  });
});
