import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { trained } from '../../test/support/kernelTraining.js';
import { outputsTogetherAndAlone } from '../../test/support/severalOutputs.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import type { KernelTrainOptions, SolverName } from './options.js';

/** Largest difference of the coefficients of an output from those it has alone, relative to the largest there. */
async function difference(
  solver: SolverName,
  options: Partial<KernelTrainOptions>,
  dtype: 'float64' | 'uint8' = 'float64',
): Promise<number> {
  const { together, alone } = await outputsTogetherAndAlone({ n: 90, d: 5, dtype });
  const { result } = await trained(solver, new MemoryStorage(), together, options);
  const { n, k, coefficients, labelNames } = result.model;
  assert.deepEqual([k, labelNames], [3, ['y0', 'y1', 'y2']]);
  let worst = 0;
  for (const [c, dataset] of alone.entries()) {
    const one = await trained(solver, new MemoryStorage(), dataset, options);
    const own = one.result.model.coefficients;
    const largest = own.reduce((most, a) => Math.max(most, Math.abs(a)), 0);
    for (let i = 0; i < n; i++)
      worst = Math.max(worst, Math.abs(coefficients[i * k + c]! - own[i]!) / largest);
    const { rmse } = result.test!.outputs![c]!;
    assert.ok(Math.abs(rmse / one.result.test!.rmse! - 1) < Math.max(1e-6, 100 * worst), `output ${c}`);
  }
  return worst;
}

describe('each output of a kernel regression is what it is alone', () => {
  const options = { kernel: 'rbf', sigma: 2, reg: [0.5] } as const;
  test('closed: to the bit', async () => {
    assert.equal(await difference('closed', options), 0);
    assert.equal(await difference('closed', { ...options, sigma: 200 }, 'uint8'), 0);
  });

  for (const [solver, given, tolerance] of [
    ['cg', {}, 1e-6],
    ['bcd', { block: 30 }, 1e-6],
    ['nystrom', { centers: 30 }, 1e-9],
    ['ssgd', { epochs: 4, eta0: 0.02 }, 1e-5],
  ] as const)
    test(solver, async () => {
      const worst = await difference(solver, { ...options, ...given });
      assert.ok(worst < tolerance, String(worst));
    });

  test('the regularization of least mean rmse over the outputs is chosen', async () => {
    const { together } = await outputsTogetherAndAlone({ n: 90, d: 5 });
    const { result } = await trained('closed', new MemoryStorage(), together, {
      ...options,
      reg: [1000, 0.5],
    });
    assert.equal(result.model.regularization, 0.5);
  });
});
