import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../memory/random.js';
import { packedLength } from './gram.js';
import { type KernelBuild, loadKernels } from './kernels.js';
import { padded4 } from './normalProduct.js';

test('rows of a Gram matrix match the reference to 1e-13, in parts and as a whole', () => {
  for (const [d, rows, split] of [
    [1, 3, 0],
    [6, 5, 4],
    [16, 9, 8],
    [39, 20, 36],
    [75, 7, 40],
  ] as const) {
    const results = (['plain', 'simd', 'relaxed'] satisfies KernelBuild[]).map((build) => {
      const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
      const doubles = new Float64Array(memory.buffer);
      const random = Random.of(7, d);
      for (let i = 0; i < rows * padded4(d); i++) doubles[64 + i] = random.normal();
      const gram = 65536;
      for (let i = 0; i < packedLength(d); i++) doubles[gram / 8 + i] = random.normal();
      const kernels = loadKernels(memory, build);
      kernels.addGramRows(512, rows, d, split, d, 256, gram);
      kernels.addGramRows(512, rows, d, 0, split, 256, gram);
      return doubles.slice(gram / 8, gram / 8 + packedLength(d) + 1);
    });
    for (const result of results) {
      for (const [i, value] of result.entries())
        assert.ok(Math.abs(value - results[0]![i]!) < 1e-13 * rows * 10);
      assert.equal(result.at(-1), 0, 'nothing is written behind the triangle');
    }
  }
});
