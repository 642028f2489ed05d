import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { scalingBytes, writeScaling } from './gather.js';
import { bestBuild, type KernelBuild, loadKernels } from './kernels.js';

const builds: KernelBuild[] = bestBuild() === 'relaxed' ? ['plain', 'simd', 'relaxed'] : ['plain', 'simd'];
const LIMIT = 2;

for (const build of builds) {
  test(`rows packed in one go are those scaled, bounded and packed one after the other, ${build} build`, () => {
    for (const d of [1, 3, 4, 17, 784]) {
      // A label of one byte behind the features: rows are not aligned.
      const rowBytes = 4 * d + 1;
      const arena = new Arena([
        { name: 'rows', bytes: 16 * rowBytes + 16 },
        { name: 'scaling', bytes: scalingBytes(d, d, 'float32', 32) },
        { name: 'between', bytes: 16 * 4 * d },
        { name: 'wanted', bytes: 32 * 4 * d },
        { name: 'found', bytes: 32 * 4 * d },
      ]);
      const random = Random.of(d);
      const kernels = loadKernels(arena.memory, build);
      const vector = () => Float64Array.from({ length: d }, () => random.normal());
      const scaling = { multiply: vector(), add: vector() };
      const [rows, constants] = [arena.address('rows'), arena.address('scaling')];
      writeScaling(arena.buffer, constants, d, 'float32', 32, scaling);
      const view = new DataView(arena.buffer, rows);
      const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e30];
      for (let i = 0; i < 16 * d; i++) {
        const at = Math.floor(i / d) * rowBytes + 4 * (i % d);
        view.setFloat32(at, i % 7 === 5 ? special[((i / 7) % 5) | 0]! : random.normal(), true);
      }
      const [between, wanted, found] = [
        arena.address('between'),
        arena.address('wanted'),
        arena.address('found'),
      ];
      kernels.gather32Float32(rows, rowBytes, 0, 0, 16, d, d, constants, between);
      kernels.clamp32(between, 16 * d, -LIMIT, LIMIT);
      kernels.packFloatRows32(between, 16, 16, d, wanted, 32);
      kernels.packScaledRows32(rows, rowBytes, 16, d, constants, LIMIT, found);
      const numbers = (name: string) => Array.from(arena.float32(name).subarray(16 * d));
      assert.deepEqual(numbers('found'), numbers('wanted'), `${d} features`);
      assert.ok(numbers('found').some((x) => x === LIMIT) || d < 17);
    }
  });
}
