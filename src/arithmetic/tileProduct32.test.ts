import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { halfToNumber, numberToHalf } from './dtype.js';
import { type KernelBuild, loadKernels } from './kernels.js';
import { TILE_PRODUCT_SCRATCH, tileDtypeCodes } from './tileProduct.js';

/**
 * Against the sum of the sizes of an element's products: v is rounded once, each product and sum of up to 64 once, and
 * what doubles add to that is nothing.
 */
const TOLERANCE = 66 * 2 ** -24;
const builds: readonly KernelBuild[] = ['plain', 'simd', 'relaxed'];
const entryBytes = [2, 4, 8];

interface Problem {
  readonly dtype: number;
  readonly stride: number;
  readonly rows: number;
  readonly columns: number;
  readonly width: number;
  readonly transposed: boolean;
  /** As the number type holds them. */
  readonly entries: Float64Array;
  readonly v: Float64Array;
  readonly start: Float64Array;
}

function problemOf(
  size: Pick<Problem, 'dtype' | 'rows' | 'columns' | 'width' | 'transposed'>,
  entry: (random: Random) => number,
  scale: (column: number) => number,
): Problem {
  const { dtype, rows, columns, width, transposed } = size;
  const random = Random.of(5, dtype, rows, width);
  const stride = columns + 5;
  const round =
    dtype === 0 ? (x: number) => halfToNumber(numberToHalf(x)) : dtype === 1 ? Math.fround : (x: number) => x;
  const [outputs, terms] = transposed ? [columns, rows] : [rows, columns];
  return {
    ...size,
    stride,
    entries: Float64Array.from({ length: rows * stride }, () => round(entry(random))),
    v: Float64Array.from({ length: terms * width }, (_, i) => random.normal() * scale(i % width)),
    // One more row, which must stay as it is.
    start: Float64Array.from({ length: (outputs + 1) * width }, (_, i) => random.normal() * scale(i % width)),
  };
}

/** The target after the product, `cut` outputs in a call. */
function run(problem: Problem, build: KernelBuild, cut = Number.POSITIVE_INFINITY, floats = true) {
  const { dtype, stride, rows, columns, width, transposed, entries, v, start } = problem;
  const bytes = entryBytes[dtype]!;
  const arena = new Arena([
    { name: 'tile', bytes: entries.length * bytes },
    { name: 'v', bytes: v.byteLength },
    { name: 'target', bytes: start.byteLength },
    { name: 'scratch', bytes: TILE_PRODUCT_SCRATCH },
    { name: 'behind', bytes: 64 },
  ]);
  const tile = arena.address('tile');
  if (dtype === 0) new Uint16Array(arena.buffer, tile, entries.length).set(entries.map(numberToHalf));
  else if (dtype === 1) arena.float32('tile').set(entries);
  else arena.float64('tile').set(entries);
  arena.float64('v').set(v);
  arena.float64('target').set(start);
  arena.uint8('behind').fill(7);
  const kernels = loadKernels(arena.memory, build);
  const direct = floats ? kernels.addTileProduct32 : kernels.addTileProduct;
  const turned = floats ? kernels.addTransposedTileProduct32 : kernels.addTransposedTileProduct;
  const [from, scratch] = [arena.address('v'), arena.address('scratch')];
  const outputs = transposed ? columns : rows;
  for (let o = 0; o < outputs; o += cut) {
    const part = Math.min(cut, outputs - o);
    const target = arena.address('target') + 8 * o * width;
    if (transposed) turned(tile + o * bytes, dtype, stride, rows, part, from, width, target, scratch);
    else direct(tile + o * stride * bytes, dtype, stride, part, columns, from, width, target, scratch);
  }
  assert.ok(
    arena.uint8('behind').every((value) => value === 7),
    'scratch is large enough',
  );
  return arena.float64('target').slice();
}

function assertWithinBound(problem: Problem, found: Float64Array, what: string): void {
  const { stride, rows, columns, width, transposed, entries, v, start } = problem;
  const [outputs, terms] = transposed ? [columns, rows] : [rows, columns];
  for (let o = 0; o <= outputs; o++) {
    for (let c = 0; c < width; c++) {
      let expected = start[o * width + c]!;
      let size = 0;
      for (let i = 0; i < (o < outputs ? terms : 0); i++) {
        const product = entries[transposed ? i * stride + o : o * stride + i]! * v[i * width + c]!;
        expected += product;
        size += Math.abs(product);
      }
      const error = Math.abs(found[o * width + c]! - expected);
      const bound = o < outputs ? TOLERANCE * size + 1e-14 * Math.abs(expected) : 0;
      assert.ok(error <= bound, `${what}: (${o}, ${c}) is off by ${error}, more than ${bound}`);
    }
  }
}

const shapes = [
  { rows: 1, columns: 1, width: 2 },
  { rows: 3, columns: 7, width: 4 },
  { rows: 5, columns: 66, width: 6 },
  { rows: 33, columns: 65, width: 8 },
  { rows: 66, columns: 35, width: 10 },
  { rows: 67, columns: 130, width: 12 },
  { rows: 40, columns: 31, width: 14 },
  { rows: 34, columns: 12, width: 18 },
  { rows: 64, columns: 72, width: 40 },
  { rows: 12, columns: 30, width: 42 },
  { rows: 70, columns: 300, width: 50 },
];

for (const [dtype, name] of tileDtypeCodes.entries()) {
  describe(`products of ${name} tiles in floats, both directions, every build`, () => {
    for (const { rows, columns, width } of shapes) {
      test(`${rows} x ${columns}, ${width} columns`, () => {
        for (const transposed of [false, true]) {
          const problem = problemOf(
            { dtype, rows, columns, width, transposed },
            (random) => random.normal() * 2 ** random.below(12),
            (column) => 10 ** (7 * (column % 3)),
          );
          for (const build of builds) {
            const found = run(problem, build);
            assertWithinBound(problem, found, `${build} ${transposed}`);
            // However its outputs are cut into calls, the bits are the same.
            assert.deepEqual(run(problem, build, 13), found);
          }
        }
      });
    }
  });
}

test('directions of any size neither overflow nor underflow, and columns of zeros add nothing', () => {
  const sizes = [1e-300, 1e300, 0, 1e-42, 1e42, 1];
  for (const dtype of [0, 1]) {
    for (const transposed of [false, true]) {
      const problem = problemOf(
        { dtype, rows: 65, columns: 67, width: 6, transposed },
        (random) => random.uniform(),
        (column) => sizes[column]!,
      );
      for (const build of builds) assertWithinBound(problem, run(problem, build), build);
    }
  }
});

test('positive entries, small ones and zeros among them', () => {
  for (const dtype of [0, 1]) {
    for (const transposed of [false, true]) {
      for (const spread of [2, 30]) {
        const problem = problemOf(
          { dtype, rows: 72, columns: 136, width: 10, transposed },
          (random) => 2 ** (-spread * random.uniform()),
          () => 1,
        );
        for (const build of builds) assertWithinBound(problem, run(problem, build), build);
      }
    }
  }
});

test('tiles of float64 give the bits of products in doubles', () => {
  const problem = problemOf(
    { dtype: 2, rows: 20, columns: 70, width: 10, transposed: false },
    (random) => random.normal(),
    () => 1,
  );
  for (const build of builds) assert.deepEqual(run(problem, build), run(problem, build, 20, false));
});

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
    const kernels = loadKernels(arena.memory, build);
    for (const transposed of [true, false]) {
      for (const first of [0, 1, 3]) {
        // One row (or column) from another place on, so that each number is decoded in every way.
        const count = 65536 - first;
        sums.fill(0);
        const from = tile! + 2 * first;
        if (transposed)
          kernels.addTransposedTileProduct32(from, 0, 65536, 1, count, v!, 2, target!, scratch!);
        else kernels.addTileProduct32(from, 0, 1, count, 1, v!, 2, target!, scratch!);
        for (let i = 0; i < count; i++) {
          const expected = halfToNumber(first + i) + 0;
          assert.ok(Object.is(sums[2 * i]! + 0, expected), `${build}: bits ${first + i}`);
          assert.ok(Object.is(sums[2 * i + 1]! + 0, 2 * expected + 0), `${build}: bits ${first + i}`);
        }
      }
    }
  }
});
