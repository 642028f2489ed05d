import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RecordView, recordWords, sparseDtypeCodes } from '../data/sparse/sparseRecord.js';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { bestBuild, type KernelBuild, loadKernels } from './kernels.js';
import { panelBytes, sparseSums } from './sparseProducts.js';

const D = 70;
const LENGTH = 40;
const CAPACITY = 48;
const COUNT = 37;
const STRIDE = 40;
const builds: KernelBuild[] = bestBuild() === 'relaxed' ? ['plain', 'simd', 'relaxed'] : ['plain', 'simd'];
const bytesOf = { float32: 4, float64: 8 } as const;
type Work = keyof typeof bytesOf;

/** 37 random rows, dense in `features` as well, packed in memory that was full of not-a-numbers. */
function world(build: KernelBuild, work: Work, dtype: 'uint8' | 'float32' | 'float64', lowest = -1e15) {
  const rowBytes = 4 * recordWords(LENGTH, dtype);
  const size = bytesOf[work];
  const arena = new Arena([
    { name: 'rows', bytes: CAPACITY * rowBytes },
    { name: 'factors', bytes: 8 * D },
    { name: 'counts', bytes: 4 * CAPACITY },
    { name: 'indices', bytes: 4 * CAPACITY * LENGTH },
    { name: 'values', bytes: size * CAPACITY * LENGTH },
    { name: 'norms', bytes: size * CAPACITY },
    { name: 'map', bytes: 4 * D },
    { name: 'panel', bytes: panelBytes(D, LENGTH, size) },
    { name: 'plane', bytes: size * CAPACITY * STRIDE },
  ]);
  new Uint8Array(arena.buffer).fill(0xff);
  arena.uint32('map').fill(0);
  const random = Random.of(3, sparseDtypeCodes[dtype]);
  const factors = arena.float64('factors');
  for (let j = 0; j < D; j++) factors[j] = j % 9 === 4 ? 0 : 0.5 + random.uniform();
  const view = new RecordView(arena.uint8('rows'), dtype);
  const features: Float64Array[] = [];
  for (let row = 0; row < COUNT; row++) {
    const dense = new Float64Array(D);
    const indices: number[] = [];
    // Rows without a nonzero, equal rows, and one that fills its slot.
    const share = row === 7 ? 0 : row === 8 ? 1 : 0.3;
    for (let j = 0; j < D && indices.length < LENGTH; j++) if (random.uniform() < share) indices.push(j);
    let values = indices.map(() => (dtype === 'uint8' ? 1 + random.below(255) : random.normal()));
    if (dtype === 'float32') values = values.map(Math.fround);
    view.write((row * rowBytes) / 4, 1, indices.length, Uint32Array.from(indices), Float64Array.from(values));
    for (const [i, j] of indices.entries()) {
      const x = Math.max(lowest, values[i]! * factors[j]!);
      dense[j] = work === 'float32' ? Math.fround(x) : x;
    }
    features.push(dense);
  }
  const kernels = loadKernels(arena.memory, build);
  const at = (name: string) => arena.address(name);
  const single = work === 'float32';
  const code = sparseDtypeCodes[dtype];
  for (let first = 0; first < CAPACITY; first += 16) {
    (single ? kernels.packSparse32 : kernels.packSparse64)(
      at('rows') + first * rowBytes,
      rowBytes,
      Math.max(0, Math.min(16, COUNT - first)),
      code,
      at('factors'),
      lowest,
      1e15,
      at('counts') + 4 * first,
      at('indices') + 4 * first * LENGTH,
      at('values') + size * first * LENGTH,
      LENGTH,
    );
  }
  const numbers = (name: string) => (single ? arena.float32(name) : arena.float64(name));
  const products = (kind: number, aFrom: number, rows: number, bFrom: number, columns: number) => {
    numbers('plane').fill(Number.NaN);
    const block = (from: number) =>
      [
        at('counts') + 4 * from,
        at('indices') + 4 * from * LENGTH,
        at('values') + size * from * LENGTH,
      ] as const;
    (single ? kernels.sparseProducts32 : kernels.sparseProducts64)(
      kind,
      ...block(aFrom),
      rows,
      ...block(bFrom),
      columns,
      LENGTH,
      at('map'),
      at('panel'),
      at('plane'),
      STRIDE,
    );
    assert.ok(
      arena.uint32('map').every((entry) => entry === 0),
      'the map is left as it was',
    );
    return numbers('plane');
  };
  return { arena, kernels, at, features, products, numbers, single, size };
}

const term = {
  product: (x: number, y: number) => x * y,
  smaller: (x: number, y: number) => (x * y > 0 ? Math.min(Math.abs(x), Math.abs(y)) : 0),
  harmonic: (x: number, y: number) => (x > 0 && y > 0 ? (2 * x * y) / (x + y) : 0),
};

for (const build of builds) {
  describe(`sparse products, ${build} build`, () => {
    for (const work of ['float32', 'float64'] as const) {
      for (const dtype of ['uint8', 'float32', 'float64'] as const) {
        for (const [kind, name] of sparseSums.entries()) {
          test(`${name} of ${dtype} in ${work}`, () => {
            const lowest = name === 'harmonic' ? 0 : -1e15;
            const { features, products, numbers, arena, kernels, at, single, size } = world(
              build,
              work,
              dtype,
              lowest,
            );
            const scale = dtype === 'uint8' ? (name === 'product' ? 4e4 : 300) : 4;
            const tolerance = (work === 'float32' ? 1e-6 : 1e-14) * scale * D;
            // Uneven sizes: rows and columns that are no multiple of anything.
            for (const [aFrom, rows, bFrom, columns] of [
              [0, COUNT, 0, COUNT],
              [16, 5, 0, 33],
              [0, 18, 32, 5],
            ] as const) {
              const plane = products(kind, aFrom, rows, bFrom, columns);
              for (let r = 0; r < Math.ceil(rows / 4) * 4; r++) {
                for (let c = 0; c < STRIDE; c++) {
                  const found = plane[r * STRIDE + c]!;
                  if (r >= rows || c >= columns) {
                    if (c >= columns) assert.equal(found, 0);
                    continue;
                  }
                  const y = features[bFrom + c]!;
                  const wanted = features[aFrom + r]!.reduce((sum, x, j) => sum + term[name](x, y[j]!), 0);
                  assert.ok(Math.abs(found - wanted) <= tolerance, `(${r}, ${c}): ${found}, not ${wanted}`);
                }
              }
            }
            // To the bit symmetric, and its diagonal is the norms.
            const plane = products(kind, 0, COUNT, 0, COUNT).slice();
            for (let r = 0; r < COUNT; r++)
              for (let c = 0; c < r; c++) assert.equal(plane[r * STRIDE + c], plane[c * STRIDE + r]);
            const norms = single ? kernels.sparseNorms32 : kernels.sparseNorms64;
            for (let first = 0; first < CAPACITY; first += 16)
              norms(
                kind,
                at('counts') + 4 * first,
                at('values') + size * first * LENGTH,
                LENGTH,
                at('norms') + size * first,
              );
            for (let r = 0; r < COUNT; r++) assert.equal(numbers('norms')[r], plane[r * (STRIDE + 1)]);
            for (let r = COUNT; r < CAPACITY; r++) assert.equal(numbers('norms')[r], 0);
            assert.equal(arena.uint32('counts')[7], 0);
          });
        }
      }
    }

    test('shifts of rows, and a plane less them', () => {
      const { features, arena, kernels, at } = world(build, 'float64', 'float64');
      const vector = arena.float64('factors');
      for (let j = 0; j < D; j++) vector[j] = Math.sin(j);
      kernels.sparseShifts64(
        at('counts'),
        at('indices'),
        at('values'),
        LENGTH,
        at('factors'),
        0.25,
        at('norms'),
      );
      const shifts = arena.float64('norms').slice(0, 16);
      for (let r = 0; r < 16; r++) {
        const wanted = features[r]!.reduce((sum, x, j) => sum + x * Math.sin(j), 0) - 0.25;
        assert.ok(Math.abs(shifts[r]! - wanted) < 1e-12);
      }
      const plane = arena.float64('plane');
      plane.fill(1);
      kernels.shiftPlane64(at('plane'), at('norms'), at('norms'), 4, 8);
      for (let r = 0; r < 4; r++)
        for (let c = 0; c < 8; c++) assert.equal(plane[r * 8 + c], 1 - (shifts[r]! + shifts[c]!));
      assert.equal(plane[32], 1);
    });
  });
}
