import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openAnyDataset } from '../src/data/dataset.js';
import { importDataset } from '../src/data/import/importDataset.js';
import type { SparseDataset } from '../src/data/sparse/sparseDataset.js';
import { defaultOptions, type TrainOptions } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const data = process.env['MLML_DATA'];

/**
 * Test accuracies of scikit-learn's liblinear to a tolerance of 1e-6 with C = 1, which is reg = 1:
 * LogisticRegression(solver='liblinear', C=1), LinearSVC(C=1, loss='squared_hinge', dual=False).
 */
const liblinear = { logistic: 0.84989, squared_hinge: 0.8494 } as const;

describe('a9a', { skip: data === undefined ? 'MLML_DATA is not set' : false }, () => {
  test('logistic and squared hinge loss, from text, are as accurate as LIBLINEAR', async (t) => {
    const folder = await temporaryFolder(t);
    const out = `${folder}/a9a`;
    const description = await importDataset(nodeStorage, `${data}/libsvm/a9a`, {
      out,
      testFile: `${data}/libsvm/a9a.t`,
    });
    assert.deepEqual(
      [description.d, description.parts.train.n, description.parts.test.n],
      [123, 32561, 16281],
    );
    const dataset = (await openAnyDataset(nodeStorage, out)) as SparseDataset;
    const ways: readonly Partial<TrainOptions>[] = [
      { loss: 'logistic' },
      { loss: 'squared_hinge' },
      { loss: 'logistic', bufferBytes: 300e3 },
      { loss: 'squared_hinge', optimizer: 'adagrad' },
    ];
    for (const given of ways) {
      const options = { ...defaultOptions, reg: 1, epochs: 5, ...given };
      const { test } = await train('ssgd', dataset, options, {
        storage: nodeStorage,
        scratchFolder: `${folder}/scratch`,
      });
      const accuracy = test!.accuracy!;
      const wanted = liblinear[given.loss as keyof typeof liblinear];
      t.diagnostic(`${JSON.stringify(given)}: ${accuracy}`);
      assert.ok(accuracy >= 0.848, `${JSON.stringify(given)}: ${accuracy}`);
      assert.ok(Math.abs(accuracy - wanted) <= 0.002, `${accuracy}, LIBLINEAR has ${wanted}`);
    }
    await dataset.close();
  });
});
