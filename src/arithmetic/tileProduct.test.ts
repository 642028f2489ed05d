import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { halfToNumber, numberToHalf } from './dtype.js';
import { type KernelBuild, loadKernels } from './kernels.js';
import { TILE_PRODUCT_SCRATCH, tileDtypeCodes } from './tileProduct.js';

/** Sums go in the same order in every build; the relaxed one rounds once less for each product. */
const TOLERANCE = 1e-14;
const builds: readonly KernelBuild[] = ['plain', 'simd', 'relaxed'];
const entryBytes = [2, 4, 8];

function fixture(dtype: number, stride: number, rows: number, width: number, longest: number) {
  const tile = new Float64Array(rows * stride);
  const random = Random.of(3, dtype, rows, width);
  const bytes = entryBytes[dtype]!;
  const regions = [
    { name: 'tile', bytes: rows * stride * bytes },
    { name: 'v', bytes: 8 * longest * width },
    { name: 'target', bytes: 8 * (longest + 1) * width },
    { name: 'scratch', bytes: TILE_PRODUCT_SCRATCH },
  ];
  const entries = Float64Array.from(tile, () => random.normal() * 2 ** random.below(12));
  const v = Float64Array.from({ length: longest * width }, () => random.normal());
  const start = Float64Array.from({ length: (longest + 1) * width }, () => random.normal());
  const halves = Uint16Array.from(entries, numberToHalf);
  const values =
    dtype === 0
      ? Float64Array.from(halves, halfToNumber)
      : dtype === 1
        ? Float64Array.from(Float32Array.from(entries))
        : entries;
  return {
    values,
    v,
    start,
    /** The target after one product by a build. */
    run(build: KernelBuild, rowsUsed: number, columns: number, transposed: boolean, cut = rowsUsed) {
      const arena = new Arena(regions);
      const kernels = loadKernels(arena.memory, build);
      if (dtype === 0) new Uint16Array(arena.buffer, arena.address('tile'), halves.length).set(halves);
      else if (dtype === 1) arena.float32('tile').set(entries);
      else arena.float64('tile').set(entries);
      arena.float64('v').set(v);
      arena.float64('target').set(start);
      const address = (name: string) => arena.address(name);
      for (let r = 0; r < rowsUsed; r += cut) {
        const part = Math.min(cut, rowsUsed - r);
        const from = address('tile') + r * stride * bytes;
        const shift = 8 * r * width;
        if (transposed) {
          kernels.addTransposedTileProduct(
            from,
            dtype,
            stride,
            part,
            columns,
            address('v') + shift,
            width,
            address('target'),
            address('scratch'),
          );
        } else {
          kernels.addTileProduct(
            from,
            dtype,
            stride,
            part,
            columns,
            address('v'),
            width,
            address('target') + shift,
            address('scratch'),
          );
        }
      }
      return arena.float64('target').slice();
    },
  };
}

const shapes = [
  { rows: 1, columns: 1, width: 2 },
  { rows: 3, columns: 7, width: 4 },
  { rows: 5, columns: 66, width: 6 },
  { rows: 33, columns: 65, width: 8 },
  { rows: 66, columns: 35, width: 10 },
  { rows: 67, columns: 130, width: 12 },
  { rows: 40, columns: 31, width: 14 },
  { rows: 31, columns: 33, width: 16 },
  { rows: 34, columns: 9, width: 18 },
  { rows: 64, columns: 64, width: 40 },
];

for (const [code, dtype] of tileDtypeCodes.entries()) {
  describe(`products of ${dtype} tiles, both directions, every build`, () => {
    for (const { rows, columns, width } of shapes) {
      test(`${rows} x ${columns}, ${width} columns`, () => {
        const stride = columns + 5;
        const longest = Math.max(rows, columns);
        const { values, v, start, run } = fixture(code, stride, rows, width, longest);
        for (const transposed of [false, true]) {
          const expected = start.slice();
          const size = start.map(Math.abs);
          for (let r = 0; r < rows; r++) {
            for (let s = 0; s < columns; s++) {
              const [to, from] = transposed ? [s, r] : [r, s];
              for (let c = 0; c < width; c++) {
                const product = values[r * stride + s]! * v[from * width + c]!;
                expected[to * width + c]! += product;
                size[to * width + c]! += Math.abs(product);
              }
            }
          }
          for (const build of builds) {
            const found = run(build, rows, columns, transposed);
            for (const [i, value] of found.entries()) {
              const error = Math.abs(value - expected[i]!);
              assert.ok(
                error <= TOLERANCE * size[i]!,
                `${build} ${transposed}: place ${i} is off by ${error}`,
              );
            }
            // However the tile is cut into calls, the bits are the same.
            assert.deepEqual(run(build, rows, columns, transposed, 13), found);
          }
        }
      });
    }
  });
}

test('every float16 is decoded exactly, infinities and NaN too', () => {
  for (const build of builds) {
    const arena = new Arena([
      { name: 'tile', bytes: 2 * 65536 },
      { name: 'v', bytes: 16 },
      { name: 'target', bytes: 16 * 65536 },
      { name: 'scratch', bytes: TILE_PRODUCT_SCRATCH },
    ]);
    const halves = new Uint16Array(arena.buffer, arena.address('tile'), 65536);
    for (let bits = 0; bits < 65536; bits++) halves[bits] = bits;
    arena.float64('v').set([1, 2]);
    const [tile, v, target, scratch] = ['tile', 'v', 'target', 'scratch'].map((name) => arena.address(name));
    const sums = arena.float64('target');
    // As one row of 65536 columns, by groups of four, and as a column of 65536 rows, one by one.
    for (const transposed of [true, false]) {
      sums.fill(0);
      const kernels = loadKernels(arena.memory, build);
      if (transposed) kernels.addTransposedTileProduct(tile!, 0, 65536, 1, 65536, v!, 2, target!, scratch!);
      else kernels.addTileProduct(tile!, 0, 1, 65536, 1, v!, 2, target!, scratch!);
      for (let bits = 0; bits < 65536; bits++) {
        // −0 + 0 is 0: signs of zeros do not show in a sum.
        assert.equal(sums[2 * bits], halfToNumber(bits) + 0, `${build}: bits ${bits}`);
        assert.equal(sums[2 * bits + 1], 2 * halfToNumber(bits) + 0, `${build}: bits ${bits}`);
      }
    }
  }
});
