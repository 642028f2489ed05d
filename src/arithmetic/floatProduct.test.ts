import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { type KernelBuild, loadKernels } from './kernels.js';

/** Against the sum of the sizes of its terms: 64 roundings of a float, at worst. */
const TOLERANCE = 64 * 2 ** -24;
const builds: readonly KernelBuild[] = ['plain', 'simd', 'relaxed'];

for (const { outputs, terms, width } of [
  { outputs: 1, terms: 1, width: 4 },
  { outputs: 3, terms: 5, width: 8 },
  { outputs: 2, terms: 64, width: 16 },
  { outputs: 65, terms: 65, width: 20 },
  { outputs: 32, terms: 200, width: 128 },
  { outputs: 67, terms: 130, width: 36 },
  { outputs: 5, terms: 0, width: 4 },
]) {
  test(`products of floats into doubles, ${outputs} x ${terms} x ${width}, both orders, every build`, () => {
    const [padding, vStride] = [3, width + 5];
    for (const transposed of [false, true]) {
      const [outputStride, termStride] = transposed ? [1, outputs + padding] : [terms + padding, 1];
      const aLength = outputs * terms + padding * Math.max(outputs, terms);
      const random = Random.of(1, outputs, terms);
      const a = Float32Array.from({ length: aLength }, () => random.normal());
      const v = Float32Array.from({ length: terms * vStride }, () => random.normal());
      const start = Float64Array.from({ length: (outputs + 1) * width }, () => random.normal());
      for (const build of builds) {
        const arena = new Arena([
          { name: 'a', bytes: 4 * aLength },
          { name: 'v', bytes: 4 * v.length },
          { name: 'target', bytes: 8 * start.length },
        ]);
        arena.float32('a').set(a);
        arena.float32('v').set(v);
        const target = arena.float64('target');
        target.set(start);
        loadKernels(arena.memory, build).addFloatProduct(
          arena.address('a'),
          outputStride,
          termStride,
          outputs,
          terms,
          arena.address('v'),
          vStride,
          width,
          arena.address('target'),
        );
        for (let o = 0; o <= outputs; o++) {
          for (let c = 0; c < width; c++) {
            let expected = start[o * width + c]!;
            let size = 1;
            for (let i = 0; i < (o < outputs ? terms : 0); i++) {
              const product = a[o * outputStride + i * termStride]! * v[i * vStride + c]!;
              expected += product;
              size += Math.abs(product);
            }
            const error = Math.abs(target[o * width + c]! - expected);
            assert.ok(
              error <= (o < outputs ? TOLERANCE * size : 0),
              `${build}: (${o}, ${c}) is off by ${error}`,
            );
          }
        }
      }
    }
  });
}
