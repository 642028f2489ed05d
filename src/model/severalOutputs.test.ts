import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { trained as trainedKernel } from '../../test/support/kernelTraining.js';
import { outputsTogetherAndAlone } from '../../test/support/severalOutputs.js';
import { defaultOptions } from '../ssgd/options.js';
import { train } from '../ssgd/train.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { readText, replaceFile } from '../storage/textFile.js';
import { checkFit } from './checkFit.js';
import { evaluate } from './evaluation/evaluate.js';
import { loadModel } from './loadModel.js';
import { predict } from './predict.js';
import { openPredictor } from './predictor/predictor.js';
import { saveModel } from './saveModel.js';

const scoring = { bufferBytes: 4e6, nthreads: 1 };

/** A model of three outputs, saved, and the data sets it was trained on. */
async function saved(kind: 'linear' | 'kernel') {
  const storage = new MemoryStorage();
  const { together, alone } = await outputsTogetherAndAlone({ n: 90, d: 5, storage });
  const context = { storage, scratchFolder: '/scratch' };
  const { model } =
    kind === 'linear'
      ? await train('closed', together, { ...defaultOptions, loss: 'ridge', nthreads: 1 }, context)
      : (await trainedKernel('cg', storage, together, { kernel: 'rbf', sigma: 2, reg: [0.5] })).result;
  await saveModel(storage, '/m', model);
  return { storage, together, alone, model: await loadModel(storage, '/m') };
}

for (const kind of ['linear', 'kernel'] as const)
  describe(`a ${kind} model of several outputs`, () => {
    test('is saved with their names, in a version that older readers refuse', async () => {
      const { storage, model } = await saved(kind);
      assert.deepEqual([model.k, model.labelNames], [3, ['y0', 'y1', 'y2']]);
      const description = JSON.parse(await readText(storage, '/m/model.json'));
      assert.deepEqual([description.version, description.labelNames], [2, ['y0', 'y1', 'y2']]);
      for (const [change, wanted] of [
        [{ labelNames: ['y0', 'y1'] }, '3 different names'],
        [{ labelNames: ['y0', 'y1', 'y1'] }, '3 different names'],
        [{ labelNames: undefined }, '3 different names'],
        [{ version: 1 }, "field 'version' is 1; expected 2"],
      ] as const) {
        await replaceFile(storage, '/m/model.json', JSON.stringify({ ...description, ...change }));
        await assert.rejects(loadModel(storage, '/m'), {
          code: 'MLML_BAD_FILE',
          message: new RegExp(wanted),
        });
      }
    });

    test('is evaluated output by output, the figures of all being means', async () => {
      const { storage, together, model } = await saved(kind);
      const report = await evaluate(storage, model, together.test, scoring);
      await predict(storage, model, together.test, '/p.npy', scoring);
      const predictions = new Float64Array(storage.bytesOf('/p.npy').slice(128).buffer);
      const rows = new Float64Array(storage.bytesOf('/data/tiny/test.rows').slice().buffer);
      const n = together.test.rows;
      assert.equal(predictions.length, 3 * n);
      for (let c = 0; c < 3; c++) {
        let [absolute, squares, sum, all] = [0, 0, 0, 0];
        for (let i = 0; i < n; i++) {
          const target = rows[i * 8 + 5 + c]!;
          const error = predictions[3 * i + c]! - target;
          absolute += Math.abs(error);
          squares += error * error;
          sum += target;
          all += target * target;
        }
        const { name, rmse, mae, r2 } = report.outputs![c]!;
        assert.equal(name, `y${c}`);
        for (const [found, wanted] of [
          [rmse, Math.sqrt(squares / n)],
          [mae!, absolute / n],
          [r2, 1 - squares / (all - (sum * sum) / n)],
        ] as const)
          assert.ok(Math.abs(found / wanted - 1) < 1e-9, `${name}: ${found}, not ${wanted}`);
      }
      for (const figure of ['rmse', 'mae', 'r2'] as const) {
        const mean = report.outputs!.reduce((total, output) => total + output[figure]!, 0) / 3;
        assert.ok(Math.abs(report[figure]! - mean) < 1e-12 * Math.abs(mean), figure);
      }
    });

    test('predicts a column for each output, named after its label', async () => {
      const { storage, together, model } = await saved(kind);
      await predict(storage, model, together.test, '/p.csv', scoring);
      await predict(storage, model, together.test, '/p.jsonl', scoring);
      const [header, first] = (await readText(storage, '/p.csv')).split('\n');
      assert.equal(header, 'row,prediction_y0,prediction_y1,prediction_y2');
      const [line] = (await readText(storage, '/p.jsonl')).split('\n');
      const object = JSON.parse(line!);
      assert.deepEqual(Object.keys(object), ['row', 'prediction_y0', 'prediction_y1', 'prediction_y2']);
      assert.equal(first, Object.values(object).join(','));
      const proba = predict(storage, model, together.test, '/q.csv', { ...scoring, proba: true });
      await assert.rejects(proba, { code: 'MLML_USAGE', message: /probabilities are of classes/ });
      const features = new Float64Array(storage.bytesOf('/data/tiny/test.rows').slice(0, 40).buffer);
      await using predictor = await openPredictor(storage, model, { bufferBytes: 4e6, nthreads: 1 });
      const [prediction] = await predictor.predict([features]);
      for (const name of model.labelNames!) {
        const wanted = object[`prediction_${name}`];
        assert.ok(Math.abs(prediction!.values![name]! / wanted - 1) < 1e-6, name);
      }
      assert.equal(prediction!.value, undefined);
    });

    test('refuses data of other labels', async () => {
      const { together, alone, model } = await saved(kind);
      checkFit(model, together.description);
      const refused = (description: typeof together.description, message: RegExp) =>
        assert.throws(() => checkFit(model, description), { code: 'MLML_MISMATCH', message });
      refused(alone[0]!.description, /has one label a row, not 3 labels/);
      refused(
        { ...together.description, labelNames: ['y0', 'y2', 'y1'] },
        /label 1 is "y2", not "y1" as in the data that the model was trained on/,
      );
    });
  });
