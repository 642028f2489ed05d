import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { type KernelBuild, type Kernels, loadKernels } from './kernels.js';
import { PACK_ROWS, type ProductKind, packedRowsBytes } from './rowProducts.js';

const builds: KernelBuild[] = ['plain', 'simd', 'relaxed'];

interface Shape {
  readonly d: number;
  readonly aFrom: number;
  readonly rows: number;
  readonly bFrom: number;
  readonly columns: number;
  /** Both sides from the same packed block. */
  readonly same?: boolean;
}

/** Odd and even d, around the sizes where the sums are cut in blocks; edges on each side of 4, 8 and 16. */
const shapes: Shape[] = [
  { d: 1, aFrom: 0, rows: 1, bFrom: 0, columns: 1 },
  { d: 2, aFrom: 16, rows: 3, bFrom: 0, columns: 4 },
  { d: 3, aFrom: 0, rows: 5, bFrom: 16, columns: 5, same: true },
  { d: 8, aFrom: 0, rows: 16, bFrom: 0, columns: 8, same: true },
  { d: 9, aFrom: 16, rows: 17, bFrom: 16, columns: 9 },
  { d: 31, aFrom: 0, rows: 32, bFrom: 0, columns: 33 },
  { d: 57, aFrom: 32, rows: 6, bFrom: 16, columns: 47 },
  { d: 255, aFrom: 0, rows: 7, bFrom: 0, columns: 12 },
  { d: 256, aFrom: 0, rows: 9, bFrom: 16, columns: 13 },
  { d: 513, aFrom: 16, rows: 10, bFrom: 0, columns: 14, same: true },
  { d: 784, aFrom: 0, rows: 13, bFrom: 0, columns: 15 },
  { d: 1025, aFrom: 0, rows: 14, bFrom: 0, columns: 16 },
  { d: 3072, aFrom: 0, rows: 2, bFrom: 0, columns: 3, same: true },
];

/** What the kernels of a kind read, and which values a test takes. */
interface KindOfRows {
  readonly kind: ProductKind;
  readonly signed: boolean;
  readonly elementBytes: number;
  readonly sumBytes: number;
  value(random: Random): number;
}

const kinds: Record<string, KindOfRows> = {
  uint8: { kind: 'bytes', signed: false, elementBytes: 1, sumBytes: 4, value: (random) => random.below(256) },
  int8: {
    kind: 'bytes',
    signed: true,
    elementBytes: 1,
    sumBytes: 4,
    value: (random) => random.below(256) - 128,
  },
  float32: {
    kind: 'float32',
    signed: false,
    elementBytes: 4,
    sumBytes: 4,
    value: (random) => Math.fround(random.normal()),
  },
  float64: {
    kind: 'float64',
    signed: false,
    elementBytes: 8,
    sumBytes: 8,
    value: (random) => random.normal(),
  },
};

/** Rows of values, and how their kind lies in an arena: source rows, packed blocks, sums. */
class Rows {
  readonly values: number[][];

  constructor(
    readonly of: KindOfRows,
    readonly count: number,
    readonly d: number,
    value: () => number,
  ) {
    this.values = Array.from({ length: count }, () => Array.from({ length: d }, value));
  }

  get rowBytes(): number {
    // Bytes lie as in a row file: a label behind the features.
    return this.of.kind === 'bytes' ? this.d + 1 : this.d * this.of.elementBytes;
  }

  get capacity(): number {
    return Math.ceil(this.count / PACK_ROWS) * PACK_ROWS;
  }

  /** Writes the rows at `source` and packs them in two parts, the second one from row 16 on. */
  pack(kernels: Kernels, arena: Arena, source: string, target: string): void {
    const { kind, elementBytes, signed } = this.of;
    const view = new DataView(arena.buffer, arena.address(source));
    this.values.forEach((row, r) => {
      row.forEach((value, j) => {
        const at = r * this.rowBytes + j * elementBytes;
        if (kind === 'float64') view.setFloat64(at, value, true);
        else if (kind === 'float32') view.setFloat32(at, value, true);
        else view.setUint8(at, value & 255);
      });
      if (kind === 'bytes') view.setUint8(r * this.rowBytes + this.d, 201);
    });
    const parts = [Math.min(PACK_ROWS, this.count), Math.max(0, this.count - PACK_ROWS)];
    let first = 0;
    for (const count of parts) {
      const from = arena.address(source) + first * this.rowBytes;
      const to = arena.address(target);
      if (count === 0) break;
      if (kind === 'bytes')
        kernels.packByteRows(from, this.rowBytes, first, count, this.d, signed ? 1 : 0, to, this.capacity);
      else if (kind === 'float32') kernels.packFloatRows32(from, first, count, this.d, to, this.capacity);
      else kernels.packFloatRows64(from, first, count, this.d, to, this.capacity);
      first += count;
    }
  }
}

/** The sums that a build gives for a shape, with the sums and the sums of magnitudes worked out here. */
function measure(build: KernelBuild, of: KindOfRows, shape: Shape, value: () => number) {
  const { d, aFrom, rows, bFrom, columns } = shape;
  const height = Math.ceil(rows / 4) * 4;
  const stride = Math.ceil(columns / 4) * 4 + 4;
  const a = new Rows(of, Math.max(aFrom + rows, shape.same ? bFrom + columns : 0), d, value);
  const b = shape.same ? a : new Rows(of, bFrom + columns, d, value);
  const packedBytes = (side: Rows) => packedRowsBytes(of.kind, d, side.capacity) + 16;
  const arena = new Arena([
    { name: 'sourceA', bytes: a.count * a.rowBytes },
    { name: 'sourceB', bytes: b.count * b.rowBytes },
    { name: 'a', bytes: packedBytes(a) },
    { name: 'b', bytes: packedBytes(b) },
    { name: 'target', bytes: (height * stride + 16) * of.sumBytes },
  ]);
  // What was in memory before must not matter: not-a-numbers in every format.
  new Uint8Array(arena.buffer).fill(0xff);
  const kernels = loadKernels(arena.memory, build);
  a.pack(kernels, arena, 'sourceA', 'a');
  if (!shape.same) b.pack(kernels, arena, 'sourceB', 'b');
  const product = {
    bytes: kernels.byteProducts,
    float32: kernels.floatProducts32,
    float64: kernels.floatProducts64,
  }[of.kind];
  const [left, right] = [arena.address('a'), arena.address(shape.same ? 'a' : 'b')];
  const target = arena.address('target');
  product(left, a.capacity, aFrom, rows, right, b.capacity, bFrom, columns, d, target, stride);
  const sums =
    of.kind === 'bytes'
      ? arena.int32('target')
      : of.kind === 'float32'
        ? arena.float32('target')
        : arena.float64('target');
  return { a, b, sums, height, stride };
}

/**
 * Bytes: exact. Floats: n·ε·Σ|x_j·y_j|, the bound of a sum of n rounded products in any order (Higham, Accuracy and
 * Stability, 3.1), with ε the unit roundoff of the type; it is as wide as the order of the sum is free.
 */
function check(build: KernelBuild, of: KindOfRows, shape: Shape, value: () => number): void {
  const { a, b, sums, height, stride } = measure(build, of, shape, value);
  const roundoff = of.kind === 'bytes' ? 0 : of.kind === 'float32' ? 2 ** -24 : 2 ** -53;
  const untouched = new DataView(new Uint8Array(8).fill(0xff).buffer);
  const empty = of.kind === 'bytes' ? untouched.getInt32(0) : Number.NaN;
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < stride; c++) {
      const found = sums[r * stride + c]!;
      if (r < shape.rows && c < shape.columns) {
        let sum = 0;
        let magnitude = 0;
        for (let j = 0; j < shape.d; j++) {
          const product = a.values[shape.aFrom + r]![j]! * b.values[shape.bFrom + c]![j]!;
          sum += product;
          magnitude += Math.abs(product);
        }
        const limit = 2 * (shape.d + 1) * roundoff * magnitude;
        assert.ok(Math.abs(found - sum) <= limit, `row ${r}, column ${c}: ${found} is not ${sum}`);
      } else if (c >= stride - 4) {
        assert.equal(found, empty, `row ${r}, column ${c} lies behind the target and was written`);
      }
    }
  }
  for (let i = height * stride; i < sums.length; i++)
    assert.equal(sums[i], empty, 'written behind the target');
}

for (const build of builds) {
  describe(`products of rows, ${build} build`, () => {
    for (const [name, of] of Object.entries(kinds)) {
      for (const shape of shapes) {
        const { d, aFrom, rows, bFrom, columns, same } = shape;
        const blocks = same ? 'one block' : 'two blocks';
        test(`${name} d=${d}, ${rows} rows from ${aFrom} by ${columns} from ${bFrom}, ${blocks}`, () => {
          const random = Random.of(d, rows, columns);
          check(build, of, shape, () => of.value(random));
        });
      }
    }

    const corner = { aFrom: 0, rows: 5, bFrom: 0, columns: 5 };
    test('the largest sums of bytes are exact: 33 025 features of 255', () => {
      check(build, kinds['uint8']!, { d: 33_025, ...corner }, () => 255);
    });
    test('the largest sums of signed bytes are exact: 65 535 features of −128, one less than overflows', () => {
      check(build, kinds['int8']!, { d: 131_071, ...corner, same: true }, () => -128);
    });
    test('bytes at both ends of their range', () => {
      for (const name of ['uint8', 'int8']) {
        const random = Random.of(3);
        const of = kinds[name]!;
        const ends = of.signed ? [-128, 127] : [0, 255];
        check(build, of, { d: 4099, ...corner }, () => ends[random.below(2)]!);
      }
    });

    test('rows behind the packed ones are zero up to the next multiple of 16', () => {
      for (const of of Object.values(kinds)) {
        const { sums, stride } = measure(
          build,
          of,
          { d: 5, aFrom: 0, rows: 3, bFrom: 0, columns: 3 },
          () => 1,
        );
        assert.equal(sums[0], 5);
        assert.equal(sums[2 * stride + 2], 5);
        const padded = paddedSums(build, of);
        assert.deepEqual(padded, new Array(16).fill(0).fill(5, 0, 3));
      }
    });
  });
}

/** Products of one row of five ones with all 16 rows of a block of which three, also ones, were packed. */
function paddedSums(build: KernelBuild, of: KindOfRows): number[] {
  const rows = new Rows(of, 3, 5, () => 1);
  const arena = new Arena([
    { name: 'source', bytes: 3 * rows.rowBytes },
    { name: 'packed', bytes: packedRowsBytes(of.kind, 5, 16) + 16 },
    { name: 'target', bytes: 4 * 16 * of.sumBytes },
  ]);
  new Uint8Array(arena.buffer).fill(0xff);
  const kernels = loadKernels(arena.memory, build);
  rows.pack(kernels, arena, 'source', 'packed');
  const packed = arena.address('packed');
  const target = arena.address('target');
  const product = {
    bytes: kernels.byteProducts,
    float32: kernels.floatProducts32,
    float64: kernels.floatProducts64,
  }[of.kind];
  product(packed, 16, 0, 1, packed, 16, 0, 16, 5, target, 16);
  const sums =
    of.kind === 'bytes'
      ? arena.int32('target')
      : of.kind === 'float32'
        ? arena.float32('target')
        : arena.float64('target');
  return Array.from(sums.subarray(0, 16));
}
