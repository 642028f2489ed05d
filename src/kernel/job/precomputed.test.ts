import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { denseRidge, modelScores, rowsOf } from '../../../test/support/kernelRidge.js';
import { classes, jobContext, jobOptions, targets } from '../../../test/support/kernelTraining.js';
import { referenceKernel } from '../../../test/support/referenceKernel.js';
import type { Dataset } from '../../data/dataset.js';
import { loadModel } from '../../model/loadModel.js';
import { isKernelModel, saveModel } from '../../model/saveModel.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { replaceFile } from '../../storage/textFile.js';
import type { KernelFunction } from '../functions/kernelFunction.js';
import { planKernelTraining, trainKernel } from '../trainKernel.js';
import { generateKernel, planGenerate } from './generateKernel.js';

const rbf: KernelFunction = { kind: 'rbf', lengthscale: 2 };
const MATRIX = '/matrix.npy';

/** Writes numbers as `numpy.save` does. */
async function writeNpy(storage: MemoryStorage, rows: number, entries: Float64Array) {
  const shape = `(${rows}, ${entries.length / rows})`;
  const header = `{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }`;
  const text = `${header.padEnd(117)}\n`;
  const prefix = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0);
  const bytes = new Uint8Array(128 + entries.byteLength);
  bytes.set(prefix);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes.set(new Uint8Array(entries.buffer), 128);
  await replaceFile(storage, MATRIX, bytes);
}

/** The rbf kernel of the first n training rows. */
async function matrixOf(dataset: Dataset, n: number): Promise<Float64Array> {
  const { features } = await rowsOf(dataset, 'train', 'auto', n);
  return Float64Array.from({ length: n * n }, (_, at) =>
    referenceKernel(rbf, features[Math.floor(at / n)]!, features[at % n]!),
  );
}

async function given(task: 'classification' | 'regression', n = 90) {
  const storage = new MemoryStorage();
  const dataset = task === 'regression' ? await targets(storage) : await classes(storage, 3, 'float64');
  await writeNpy(storage, n, await matrixOf(dataset, n));
  const { subset } = { subset: n === 90 ? 0 : n };
  const generating = {
    ...jobOptions({ kernel: 'precomputed', subset, sample: 'first', dtype: 'float64' }),
    matrix: MATRIX,
  };
  return { storage, dataset, generating, ...jobContext(storage) };
}

describe('a kernel matrix that was given', () => {
  for (const task of ['classification', 'regression'] as const) {
    test(`${task}: coefficients are those of the dense solution, nothing is scored`, async () => {
      const { storage, dataset, generating, context, warnings } = await given(task);
      const { memId, n, kernel } = await generateKernel(dataset, generating, context);
      assert.equal(n, 90);
      assert.deepEqual(kernel, { kind: 'precomputed' });
      const reference = await denseRidge(dataset, rbf, 0.3);
      for (const [solver, tolerance] of [
        ['cg', 1e-7],
        ['closed', 1e-9],
        ['bcd', 1e-4],
      ] as const) {
        const told = warnings().length;
        const options = { ...generating, memId, reg: [0.3], tol: solver === 'bcd' ? 1e-6 : 1e-10 };
        const result = await trainKernel(solver, dataset, options, context);
        const { coefficients } = result.model;
        for (const [i, value] of coefficients.entries()) {
          const wanted = reference.coefficients[i]!;
          assert.ok(Math.abs(value - wanted) < tolerance, `${solver} ${i}: ${value} instead of ${wanted}`);
        }
        assert.equal(result.test, undefined);
        assert.equal(result.train, undefined);
        assert.match(warnings()[told]!, /given.*nothing is scored/);
        if (solver !== 'closed') assert.equal(result.leaveOneOut, undefined);
        else assert.ok(result.leaveOneOut! > 0.3 && result.leaveOneOut! < 3);
        assert.ok((await planKernelTraining(solver, dataset, options, context)).plannedPeakBytes <= 4e6);
        // The model keeps its coefficients, but there is no function to score other rows with.
        await saveModel(storage, `/${solver}`, result.model);
        const loaded = await loadModel(storage, `/${solver}`);
        assert.ok(isKernelModel(loaded));
        assert.deepEqual(loaded.coefficients, coefficients);
        const scoring = modelScores(storage, loaded, dataset.test);
        await assert.rejects(scoring, { code: 'MLML_USAGE', message: /cannot be compared/ });
      }
    });
  }

  test('the same matrix again is found; held-out rows choose a regularization', async () => {
    const { dataset, generating, context } = await given('classification', 60);
    const { memId } = await generateKernel(dataset, generating, context);
    assert.equal((await generateKernel(dataset, generating, context)).memId, memId);
    const options = { ...generating, memId, reg: [1e4, 0.3], holdout: 0.3 };
    const { model, regularizations } = await trainKernel('cg', dataset, options, context);
    assert.equal(model.regularization, 0.3);
    assert.ok(regularizations[1]!.validation! > regularizations[0]!.validation!);
  });

  test('what cannot be done with it is named', async () => {
    const { storage, dataset, generating, context } = await given('classification', 60);
    const { memId } = await generateKernel(dataset, generating, context);
    const options = { ...generating, memId };
    for (const solver of ['nystrom', 'krr'] as const) {
      const wrong = { code: 'MLML_USAGE', message: /given.*use cg,? or closed/ };
      await assert.rejects(trainKernel(solver, dataset, options, context), wrong);
      await assert.rejects(planKernelTraining(solver, dataset, options, context), wrong);
    }
    await assert.rejects(trainKernel('cg', dataset, generating, context), {
      code: 'MLML_USAGE',
      message: /precomputed/,
    });
    const { matrix: _, ...without } = generating;
    await assert.rejects(generateKernel(dataset, without, context), {
      code: 'MLML_USAGE',
      message: /--matrix/,
    });
    await assert.rejects(generateKernel(dataset, { ...generating, sample: 'random' }, context), {
      code: 'MLML_USAGE',
      message: /--subset=60 draws rows at random, .*--sample=first/,
    });
    const all = { ...generating, subset: 0 };
    const mismatch = { code: 'MLML_MISMATCH', message: /60 rows, there are 90 .*--subset/ };
    await assert.rejects(generateKernel(dataset, all, context), mismatch);
    await assert.rejects(planGenerate(dataset, all, context), mismatch);
    const entries = await matrixOf(dataset, 60);
    entries[7] = 2;
    await writeNpy(storage, 60, entries);
    await assert.rejects(generateKernel(dataset, generating, context), {
      code: 'MLML_BAD_DATA',
      message: /not symmetric/,
    });
    await writeNpy(storage, 30, new Float64Array(30 * 60));
    const narrow = { ...generating, subset: 30 };
    await assert.rejects(generateKernel(dataset, narrow, context), {
      code: 'MLML_BAD_DATA',
      message: /30 x 60/,
    });
  });
});
