import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Dataset, openDataset } from '../src/data/dataset.js';
import { importDataset } from '../src/data/import/importDataset.js';
import { calibrate } from '../src/model/calibration/calibrate.js';
import { evaluate } from '../src/model/evaluation/evaluate.js';
import { probabilitiesOf } from '../src/model/probabilities.js';
import { scoreModel } from '../src/model/scoreModel.js';
import type { LinearModel } from '../src/ssgd/linearModel.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { naiveBayes, nearestMean } from './support/meanModels.js';
import { root } from './support/root.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const data = process.env['MLML_DATA'];
const skip = data === undefined && 'MLML_DATA is not set';

interface Figures {
  readonly logLoss: number;
  readonly first: number[][];
  readonly calibration: { rows: number[]; expectedError: number } | null;
}

/** Made by test/reference/calibration.py with scikit-learn. */
const reference = JSON.parse(readFileSync(join(root, 'test/reference/calibration.json'), 'utf8')) as Record<
  string,
  Record<'sigmoid' | 'isotonic', Figures> & { readonly platt: [number, number][] }
>;

async function compare(
  model: LinearModel,
  dataset: Dataset,
  wanted: (typeof reference)[string],
  scratchFolder: string,
): Promise<void> {
  // Scores sorted on disk, and all in memory.
  for (const [method, bufferBytes] of [
    ['sigmoid', model.k === 1 ? 2e5 : 1e6],
    ['isotonic', 2e7],
  ] as const) {
    const options = { method, scratchFolder, fingerprint: '', nthreads: 1, bufferBytes } as const;
    const calibration = await calibrate(nodeStorage, model, dataset.train, options);
    // It is only made when it is needed.
    assert.notEqual(await nodeStorage.status(scratchFolder), undefined);
    assert.deepEqual(await nodeStorage.list(scratchFolder), []);
    if (calibration.method === 'sigmoid')
      for (const [c, { slope, intercept }] of calibration.curves.entries()) {
        const [a, b] = wanted.platt[c]!;
        assert.ok(Math.abs(slope - a) < 1e-6 * Math.abs(a), `slope ${slope}, not ${a}`);
        assert.ok(Math.abs(intercept - b) < 1e-6 * Math.abs(b), `intercept ${intercept}, not ${b}`);
      }
    const calibrated: LinearModel = { ...model, calibration };
    // scikit-learn's sigmoid stops a little before the minimum.
    const tolerance = method === 'sigmoid' ? 2e-5 : 1e-9;
    const found = new Float64Array(Math.max(2, model.k));
    const first = await scoreModel(nodeStorage, model, dataset.test.first(20), { bufferBytes: 1e6 });
    for await (const { firstRow, rows, scores } of first)
      for (let i = 0; i < rows; i++) {
        probabilitiesOf(calibrated, scores, i * model.k, found);
        for (const [c, p] of wanted[method].first[firstRow + i]!.entries())
          assert.ok(Math.abs(found[c]! - p) < tolerance, `row ${firstRow + i}: ${found[c]}, not ${p}`);
      }
    const { classification } = await evaluate(nodeStorage, calibrated, dataset.test, { bufferBytes: 2e6 });
    const { logLoss, calibration: reliability } = classification!;
    assert.ok(Math.abs(logLoss! - wanted[method].logLoss) < tolerance, `${method}: log loss ${logLoss}`);
    if (method === 'isotonic' && wanted[method].calibration !== null) {
      const { expectedError } = wanted[method].calibration;
      assert.ok(Math.abs(reliability!.expectedError - expectedError) < 1e-9);
    }
  }
}

test("a9a: probabilities are those of scikit-learn's CalibratedClassifierCV", { skip }, async (t) => {
  const { dataset, model } = await naiveBayes(data!);
  await compare({ ...model, loss: 'hinge' }, dataset, reference['a9a']!, join(temporaryFolder(t), 'scratch'));
});

test("MNIST: probabilities of ten classes are those of scikit-learn's CalibratedClassifierCV", {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t);
  await importDataset(nodeStorage, 'mnist', { out: join(folder, 'mnist'), dataDir: data! });
  const dataset = await openDataset(nodeStorage, join(folder, 'mnist'));
  t.after(() => dataset.close());
  const model = await nearestMean(dataset, 'hinge');
  await compare(model, dataset, reference['mnist']!, join(folder, 'scratch'));
});
