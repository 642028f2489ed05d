import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openAnyDataset } from '../src/data/dataset.js';
import { importDataset } from '../src/data/import/importDataset.js';
import { defaultKernelOptions } from '../src/kernel/options.js';
import { trainKernel } from '../src/kernel/trainKernel.js';
import { scoreModel } from '../src/model/scoreModel.js';
import { defaultOptions } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { root } from './support/root.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const data = process.env['MLML_DATA'];
/** Made by test/reference/sparse.py. */
const reference = JSON.parse(readFileSync(join(root, 'test/reference/sparse.json'), 'utf8'));

describe('ridge regression on the sparse rows of a9a', {
  skip: data === undefined ? 'MLML_DATA is not set' : false,
}, () => {
  for (const [verb, bufferBytes] of [
    ['closed', 4e6],
    // The Gram matrix is 61 kB: conjugate gradients.
    ['closed', 90e3],
    ['gd', 4e6],
  ] as const) {
    test(`${verb} in ${bufferBytes / 1e6} MB: scores of scikit-learn on a csr matrix`, async (t) => {
      const folder = await temporaryFolder(t);
      const out = `${folder}/a9a`;
      await importDataset(nodeStorage, `${data}/libsvm/a9a`, { out, testFile: `${data}/libsvm/a9a.t` });
      const dataset = await openAnyDataset(nodeStorage, out);
      const options = { ...defaultOptions, reg: 1, bufferBytes, iters: 3000 };
      const context = { storage: nodeStorage, scratchFolder: `${folder}/scratch` };
      const { model, test, plan } = await train(verb, dataset, options, context);
      const method = verb === 'gd' ? 'gram' : bufferBytes > 1e6 ? 'cholesky' : 'cg';
      assert.equal((plan as { method?: string }).method, method);
      const { accuracy, scores } = reference.ridge;
      assert.ok(Math.abs(test!.accuracy! - accuracy) < 2e-4, `${test!.accuracy}, and ${accuracy} there`);
      let compared = 0;
      let worst = 0;
      for await (const block of scoreModel(nodeStorage, model, dataset.test, { bufferBytes: 16e6 })) {
        for (let i = 0; i < block.rows && compared < scores.length; i++, compared++)
          worst = Math.max(worst, Math.abs(block.scores[2 * i + 1]! - scores[compared]));
        if (compared === scores.length) break;
      }
      t.diagnostic(`accuracy ${test!.accuracy}, scores at most ${worst} apart`);
      // gd stops at --iters, near the minimum.
      assert.ok(worst < (verb === 'gd' ? 1e-4 : 1e-5), `scores are ${worst} apart`);
      await dataset.close();
    });
  }
});

describe('kernel ridge regression on the sparse rows of a9a', {
  skip: data === undefined ? 'MLML_DATA is not set' : false,
}, () => {
  for (const kernel of ['rbf', 'linear'] as const) {
    test(`${kernel}: scores and accuracy of scikit-learn on csr matrices`, async (t) => {
      const folder = await temporaryFolder(t);
      const out = `${folder}/a9a`;
      await importDataset(nodeStorage, `${data}/libsvm/a9a`, { out, testFile: `${data}/libsvm/a9a.t` });
      const dataset = await openAnyDataset(nodeStorage, out);
      const options = {
        ...defaultKernelOptions,
        kernel,
        ...(kernel === 'rbf' ? { sigma: 3 } : {}),
        scale: 'none',
        subset: reference.rows,
        sample: 'first',
        reg: [1],
        tol: 1e-9,
        bufferBytes: 16e6,
        nthreads: 2,
      } as const;
      const context = { storage: nodeStorage, scratchFolder: `${folder}/scratch` };
      const { model, test } = await trainKernel('cg', dataset, options, context);
      const { accuracy, scores } = reference[kernel];
      assert.ok(Math.abs(test!.accuracy! - accuracy) < 1e-4, `${test!.accuracy}, and ${accuracy} there`);
      let compared = 0;
      let worst = 0;
      for await (const block of scoreModel(nodeStorage, model, dataset.test, {
        bufferBytes: 16e6,
        nthreads: 2,
      })) {
        for (let i = 0; i < block.rows && compared < scores.length; i++, compared++)
          worst = Math.max(worst, Math.abs(block.scores[2 * i + 1]! - scores[compared]));
        if (compared === scores.length) break;
      }
      assert.equal(compared, 200);
      t.diagnostic(`accuracy ${test!.accuracy}, scores at most ${worst} apart`);
      assert.ok(worst < 1e-5, `scores are ${worst} apart`);
      await dataset.close();
    });
  }
});
