import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateKernel, type Sample } from '../../../test/support/evaluateKernel.js';
import { rowLayout } from '../../data/rowLayout.js';
import type { KernelFunction } from './kernelFunction.js';
import { kernelName } from './kernelName.js';

/**
 * scikit-learn 1.2.1 on the rows [0 1 2] [3 1 0] [0 0 0] [5 2 1], each over 4: rbf_kernel, laplacian_kernel and
 * chi2_kernel with gamma=0.5, polynomial_kernel, sigmoid_kernel, cosine_similarity and linear_kernel with their defaults,
 * gaussian_process.kernels.Matern(length_scale=0.8, nu). Lower triangles, row by row, to 12 digits.
 */
const expected: readonly [KernelFunction, readonly number[]][] = [
  [
    { kind: 'rbf', lengthscale: 1 },
    [
      1, 0.666143610703, 1, 0.855345327307, 0.731615628947, 1, 0.43009464064, 0.82902911818, 0.391605626677,
      1,
    ],
  ],
  [
    { kind: 'laplacian_l1', gamma: 0.5 },
    [
      1, 0.535261428519, 1, 0.687289278791, 0.606530659713, 1, 0.416862019679, 0.606530659713, 0.367879441171,
      1,
    ],
  ],
  [
    { kind: 'polynomial', gamma: 1 / 3, coef0: 1, degree: 3 },
    [1.346182364, 1.06381112558, 1.7642505787, 1, 1, 1, 1.27141203704, 2.48322663484, 1, 4.291015625],
  ],
  [
    { kind: 'sigmoid', gamma: 1 / 3, coef0: 1 },
    [
      0.801990709884, 0.770205739477, 0.836178845689, 0.761594155956, 0.761594155956, 0.761594155956,
      0.794431950165, 0.875033175449, 0.761594155956, 0.925346225312,
    ],
  ],
  [
    { kind: 'chi2', gamma: 0.5 },
    [
      1, 0.535261428519, 1, 0.687289278791, 0.606530659713, 1, 0.492464287675, 0.795195989795, 0.367879441171,
      1,
    ],
  ],
  [{ kind: 'cosine' }, [1, 0.141421356237, 1, 0, 0, 0, 0.326598632371, 0.981495457622, 0, 1]],
  [{ kind: 'linear' }, [0.3125, 0.0625, 0.625, 0, 0, 0, 0.25, 1.0625, 0, 1.875]],
  [
    { kind: 'matern', nu: 0.5, lengthscale: 0.8 },
    [
      1, 0.324089757063, 1, 0.497195861512, 0.372241750516, 1, 0.197148577876, 0.465117347685, 0.180570681211,
      1,
    ],
  ],
  [
    { kind: 'laplacian', lengthscale: 0.8 },
    [
      1, 0.324089757063, 1, 0.497195861512, 0.372241750516, 1, 0.197148577876, 0.465117347685, 0.180570681211,
      1,
    ],
  ],
  [
    { kind: 'matern', nu: 1.5, lengthscale: 0.8 },
    [
      1, 0.419275358267, 1, 0.658905112464, 0.489641416596, 1, 0.228958421351, 0.617701277829, 0.204493020481,
      1,
    ],
  ],
  [
    { kind: 'matern', nu: 2.5, lengthscale: 0.8 },
    [
      1, 0.453664249715, 1, 0.707711363129, 0.530810964962, 1, 0.239100054874, 0.665979972466, 0.211367490395,
      1,
    ],
  ],
];

for (const dtype of ['uint8', 'float64'] as const) {
  test(`kernels of ${dtype} rows are those of scikit-learn`, () => {
    const rows = [
      [0, 1, 2],
      [3, 1, 0],
      [0, 0, 0],
      [5, 2, 1],
    ];
    const multiply = new Float64Array(3).fill(1 / 4);
    const sample: Sample = { layout: rowLayout(3, dtype), rows, multiply, add: new Float64Array(3) };
    for (const build of ['plain', 'simd', 'relaxed'] as const) {
      for (const [kernel, wanted] of expected) {
        const { entries } = evaluateKernel(kernel, sample, 'float64', build, 4);
        const triangle = entries.flatMap((row, i) => row.slice(0, i + 1));
        for (const [i, x] of triangle.entries())
          assert.ok(
            Math.abs(x - wanted[i]!) < 1e-11,
            `${build} ${kernelName(kernel)}: ${x}, not ${wanted[i]}`,
          );
      }
    }
  });
}
