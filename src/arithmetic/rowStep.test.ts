import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../memory/random.js';
import { type KernelBuild, loadKernels } from './kernels.js';

const [PREVIOUS, NEXT, VECTORS, CHANGE, STEP, SUMS] = [64, 4096, 8192, 32768, 57344, 61440];

test('row steps match the reference to 1e-13, for every width and number type, with rows absent or not', () => {
  for (const width of [2, 4, 6, 10]) {
    for (const dtype of [1, 2]) {
      for (const [previous, next, momentum] of [
        [PREVIOUS, NEXT, 0.9],
        [0, NEXT, 0],
        [PREVIOUS, 0, 0.5],
      ] as const) {
        const results = (['plain', 'simd', 'relaxed'] satisfies KernelBuild[]).map((build) => {
          const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
          const doubles = new Float64Array(memory.buffer);
          const random = Random.of(5, width, dtype);
          for (let i = 0; i < doubles.length; i++) doubles[i] = random.normal();
          // Any doubles are floats too, but not all are finite numbers.
          if (dtype === 1)
            new Float32Array(memory.buffer, 0, VECTORS / 4).forEach((_, i, all) => {
              all[i] = random.normal();
            });
          const count = 37;
          loadKernels(memory, build).rowStep(
            previous,
            next,
            dtype,
            count,
            VECTORS,
            CHANGE,
            width,
            momentum,
            STEP,
            SUMS,
          );
          return doubles.slice(VECTORS / 8);
        });
        for (const result of results) {
          for (const [i, value] of result.entries())
            assert.ok(
              Math.abs(value - results[0]![i]!) < 1e-13,
              `width ${width}, dtype ${dtype}: double ${i}`,
            );
        }
        const [squares, untouched] = [
          results[0]![(SUMS - VECTORS) / 8 + width]!,
          results[0]![(SUMS - VECTORS) / 8 + width + 1],
        ];
        assert.equal(squares > 0, next !== 0);
        for (const result of results) assert.equal(result[(SUMS - VECTORS) / 8 + width + 1], untouched);
      }
    }
  }
});
