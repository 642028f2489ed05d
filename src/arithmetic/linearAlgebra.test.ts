import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../memory/random.js';
import { packedLength } from './gram.js';
import { type KernelBuild, type Kernels, loadKernels } from './kernels.js';
import { padded4, panelIndex } from './normalProduct.js';

const builds: readonly KernelBuild[] = ['plain', 'simd', 'relaxed'];

/** The same memory contents for each build; `work` runs the kernel and returns what it wrote. */
function compare(
  work: (kernels: Kernels, doubles: Float64Array, bytes: Uint8Array) => ArrayLike<number>,
  tolerance: number,
): void {
  const results = builds.map((build) => {
    const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
    const doubles = new Float64Array(memory.buffer);
    return Float64Array.from(work(loadKernels(memory, build), doubles, new Uint8Array(memory.buffer)));
  });
  const largest = Math.max(1, ...results[0]!.map(Math.abs));
  for (const [b, result] of results.entries()) {
    for (const [i, value] of result.entries()) {
      const error = Math.abs(value - results[0]![i]!);
      assert.ok(
        error <= tolerance * largest,
        `${builds[b]}: element ${i} is ${value}, not ${results[0]![i]}`,
      );
    }
  }
}

function fill(target: Float64Array, random: Random): void {
  for (let i = 0; i < target.length; i++) target[i] = random.normal();
}

test('Gram matrix of bytes is exact, for every remainder of d and rows', () => {
  for (const [d, count] of [
    [1, 1],
    [2, 16],
    [5, 17],
    [7, 31],
    [16, 40],
    [23, 5],
  ] as const) {
    compare((kernels, doubles, bytes) => {
      const random = Random.of(1, d, count);
      const rowBytes = d + 1;
      const base = 64;
      const padded = Math.ceil(count / 16) * 16;
      for (let i = 0; i < count * rowBytes; i++) bytes[base + i] = random.below(256);
      bytes.fill(99, 8192, 8192 + 2 * padded4(d) * padded);
      kernels.transposeUint8(base, rowBytes, count, padded, d, 8192);
      const gram = 65536;
      // In one piece, and in two.
      const half = padded4(d >> 1);
      kernels.addGramUint8(8192, padded, d, 0, d, gram);
      kernels.addGramUint8(8192, padded, d, Math.min(half, d), d, gram);
      kernels.addGramUint8(8192, padded, d, 0, Math.min(half, d), gram);
      const sum = 131072;
      for (let r = 0; r < count; r++) kernels.addScaledUint8(base + r * rowBytes, d, r + 1, sum);
      assert.equal(doubles[(gram >>> 3) + packedLength(d)], 0, 'nothing is written behind the triangle');
      return [
        ...doubles.subarray(gram >>> 3, (gram >>> 3) + packedLength(d)),
        ...doubles.subarray(sum >>> 3, (sum >>> 3) + d + 1),
      ];
    }, 0);
  }
});

test('the largest 32-bit sums of bytes do not overflow', () => {
  const rows = 33024;
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
  const kernels = loadKernels(memory);
  new Int16Array(memory.buffer, 64, 4 * rows).fill(255);
  kernels.addGramUint8(64, rows, 3, 0, 3, 1 << 20);
  assert.deepEqual(
    [...new Float64Array(memory.buffer, 1 << 20, 7)],
    [...new Array(6).fill(255 * 255 * rows), 0],
  );
});

test('Gram matrix, products and symmetric products of doubles match the reference to 1e-13', () => {
  for (const [d, rows, columns] of [
    [1, 4, 1],
    [4, 8, 4],
    [6, 12, 5],
    [19, 20, 10],
    [33, 64, 12],
  ] as const) {
    compare((kernels, doubles) => {
      const random = Random.of(2, d, rows);
      const stride = d + 3;
      const at = (address: number, length: number) => doubles.subarray(address / 8, address / 8 + length);
      const [source, panels, gram, m, product, cross, tile, out] = [
        64, 65536, 131072, 262144, 393216, 524288, 655360, 786432,
      ] as const;
      fill(at(source, rows * stride), random);
      kernels.packPanels(source, stride, rows - 1, d, panels, 0, rows);
      kernels.packPanels(source + 8 * stride * (rows - 1), stride, 1, d, panels, rows - 1, rows);
      assert.equal(
        doubles[panels / 8 + panelIndex(rows, rows - 1, d - 1)],
        doubles[source / 8 + stride * (rows - 1) + d - 1],
      );
      fill(at(gram, packedLength(d)), random);
      kernels.addGramRows(panels, rows, d, 0, d, tile, gram);
      assert.equal(doubles[gram / 8 + packedLength(d)], 0);
      const features = padded4(d);
      const width = padded4(columns);
      fill(at(m, features * width), random);
      kernels.addProduct(panels, features / 4, rows, 4, rows, m, width / 4, product);
      kernels.addProduct(panels, features / 4, rows, 0, 4, m, width / 4, product);
      kernels.addCrossPanels(panels, features / 4, 1, features / 4, product, width / 4, rows, cross);
      kernels.addCrossPanels(panels, features / 4, 0, 1, product, width / 4, rows, cross);
      kernels.addCrossProduct(panels, features / 4, product, width / 4, rows, cross);
      fill(at(out, 2 * d), random);
      kernels.addSymmetricProduct(gram, d, m, 2, out);
      return [
        ...at(panels, rows * features),
        ...at(gram, packedLength(d)),
        ...at(product, rows * width),
        ...at(cross, features * width),
        ...at(out, 2 * d + 1),
      ];
    }, 1e-13);
  }
});

test('Cholesky and the two triangular solves match the reference to 1e-12 and solve the system', () => {
  for (const d of [1, 2, 3, 15, 16, 17, 18, 35, 67]) {
    compare((kernels, doubles) => {
      const random = Random.of(3, d);
      const gram = 65536 / 8;
      const rows = 2 * d + 4;
      const a = Array.from({ length: rows }, () => Array.from({ length: d }, () => random.normal()));
      for (let i = 0; i < d; i++) {
        for (let j = 0; j <= i; j++)
          doubles[gram + packedLength(i) + j] = a.reduce((sum, row) => sum + row[i]! * row[j]!, 0);
      }
      const x = Array.from({ length: 3 * d }, () => random.normal());
      const vectors = 1 << 19;
      doubles.set(x, 64);
      kernels.addSymmetricProduct(65536, d, 64 * 8, 3, vectors);
      assert.equal(kernels.choleskyPacked(65536, d, 1e-13), d);
      kernels.solvePacked(65536, d, vectors, 3);
      const solved = doubles.subarray(vectors / 8, vectors / 8 + 3 * d);
      for (const [i, value] of solved.entries()) assert.ok(Math.abs(value - x[i]!) < 1e-9, `x[${i}]`);
      return [...doubles.subarray(gram, gram + packedLength(d)), ...solved];
    }, 1e-12);
  }
});

test('a matrix that is not positive definite is refused at its row', () => {
  for (const build of builds) {
    for (const [d, bad] of [
      [3, 1],
      [40, 21],
      [40, 39],
    ] as const) {
      const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
      const gram = new Float64Array(memory.buffer, 64);
      for (let i = 0; i < d; i++) gram[packedLength(i) + i] = 1;
      // Row `bad` repeats row 0.
      gram[packedLength(bad)] = 1;
      assert.equal(loadKernels(memory, build).choleskyPacked(64, d, 1e-13), bad, build);
    }
  }
});
