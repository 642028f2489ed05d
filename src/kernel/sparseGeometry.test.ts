import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSparseRows, sparseProblem } from '../../test/support/sparseFixture.js';
import { RowSample } from '../data/rowSample.js';
import { sampledRows } from '../data/subset.js';
import { planEvaluation } from './functions/evaluationPlan.js';
import { evaluationRegions, packedBytesOf } from './job/evaluation.js';
import { geometryOf, kernelRows, kernelScalingName } from './rowGeometry.js';

const problem = sparseProblem(30, 50, 5);

test('rows compared as stored are opened without figures of their features, but with the least of these', async () => {
  const sparse = await openSparseRows(problem);
  const dataset = await kernelRows(sparse, 'auto');
  assert.equal(kernelScalingName(dataset, 'auto'), 'none');
  assert.equal(dataset.features, undefined);
  const { features } = await kernelRows(sparse, 'unit');
  assert.equal(
    dataset.smallestFeature,
    features!.min.reduce((a, b) => Math.min(a, b)),
  );
  await sparse.close();
});

for (const scale of ['none', 'unit', 'standard'] as const) {
  test(`--scale=${scale}: one geometry of a data set and its samples, which threads share`, async () => {
    const sparse = await openSparseRows(problem);
    const dataset = await kernelRows(sparse, scale);
    const geometry = geometryOf(dataset, scale);
    const sample = sampledRows(await kernelRows(sparse, scale), new RowSample(30, 10, 1));
    assert.equal(geometryOf(sample, scale), geometry);
    for (const figures of [geometry.multiply, geometry.add, geometry.mean])
      assert.ok((figures.buffer as unknown) instanceof SharedArrayBuffer);
    await sparse.close();
  });

  test(`--scale=${scale}: plans for many budgets look at the features once`, async () => {
    const sparse = await openSparseRows(problem, 'uint8');
    const { multiply, add, ...rest } = geometryOf(await kernelRows(sparse, scale), scale);
    let looks = 0;
    const counted = (array: Float64Array) =>
      new Proxy(array, {
        get(target, key) {
          looks++;
          const value = Reflect.get(target, key, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    const evaluation = {
      kernel: { kind: 'linear' },
      geometry: { ...rest, multiply: counted(multiply), add: counted(add) },
      dtype: 'float32',
    } as const;
    planEvaluation(evaluation.kernel, evaluation.geometry, evaluation.dtype);
    packedBytesOf(evaluation);
    const once = looks;
    const plan = () => layoutBytes(evaluationRegions(evaluation, 2, 1e6));
    const bytes = plan();
    looks = 0;
    for (let i = 0; i < 10; i++) assert.equal(plan(), bytes);
    // The first factor alone may be looked at.
    assert.ok(looks <= 10 * 20, `${looks} after ${once}`);
    await sparse.close();
  });
}

const layoutBytes = (regions: readonly { readonly bytes: number }[]) =>
  regions.reduce((sum, { bytes }) => sum + bytes, 0);
