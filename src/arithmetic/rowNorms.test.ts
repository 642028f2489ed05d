import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { bestBuild, type KernelBuild, loadKernels } from './kernels.js';
import { packedRowsBytes } from './rowProducts.js';

const builds: KernelBuild[] = bestBuild() === 'relaxed' ? ['plain', 'simd', 'relaxed'] : ['plain', 'simd'];
const CAPACITY = 48;
const COUNT = 37;
const sumBytes = { bytes: 4, float32: 4, float64: 8 };

/** 37 packed rows, their norms and the diagonal of their products, from memory full of not-a-numbers. */
function measure(build: KernelBuild, kind: 'bytes' | 'float32' | 'float64', signed: number, d: number) {
  const rowBytes = kind === 'bytes' ? d + 1 : d * sumBytes[kind];
  const arena = new Arena([
    { name: 'source', bytes: COUNT * rowBytes },
    { name: 'packed', bytes: packedRowsBytes(kind, d, CAPACITY) },
    { name: 'norms', bytes: CAPACITY * sumBytes[kind] },
    { name: 'products', bytes: CAPACITY ** 2 * sumBytes[kind] },
  ]);
  new Uint8Array(arena.buffer).fill(0xff);
  const kernels = loadKernels(arena.memory, build);
  const random = Random.of(d, signed);
  const [source, packed] = [arena.address('source'), arena.address('packed')];
  const [norms, products] = [arena.address('norms'), arena.address('products')];
  const numbersIn = (name: string) =>
    kind === 'bytes' ? arena.int32(name) : kind === 'float32' ? arena.float32(name) : arena.float64(name);
  if (kind === 'bytes') {
    const rows = arena.uint8('source');
    for (let i = 0; i < rows.length; i++) rows[i] = random.below(256);
    kernels.packByteRows(source, rowBytes, 0, COUNT, d, signed, packed, CAPACITY);
  } else {
    const rows = kind === 'float32' ? arena.float32('source') : arena.float64('source');
    for (let i = 0; i < rows.length; i++) rows[i] = random.normal();
    const pack = kind === 'float32' ? kernels.packFloatRows32 : kernels.packFloatRows64;
    pack(source, 0, COUNT, d, packed, CAPACITY);
  }
  for (let first = 0; first < CAPACITY; first += 16) {
    const target = norms + first * sumBytes[kind];
    if (kind === 'bytes') kernels.byteNorms(packed, CAPACITY, first, d, target);
    else if (kind === 'float32') kernels.floatNorms32(packed, first, d, target, 0);
    else kernels.floatNorms64(packed, first, d, target, 0);
  }
  const product = {
    bytes: kernels.byteProducts,
    float32: kernels.floatProducts32,
    float64: kernels.floatProducts64,
  };
  product[kind](packed, CAPACITY, 0, CAPACITY, packed, CAPACITY, 0, CAPACITY, d, products, CAPACITY);
  const diagonal = numbersIn('products').filter((_, i) => i % (CAPACITY + 1) === 0);
  return { arena, kernels, packed, address: norms, norms: numbersIn('norms'), diagonal };
}

for (const build of builds) {
  for (const [kind, signed] of [
    ['bytes', 0],
    ['bytes', 1],
    ['float32', 0],
    ['float64', 0],
  ] as const) {
    test(`norms are products of rows with themselves: ${kind}${signed ? ', signed' : ''}, ${build} build`, () => {
      for (const d of [1, 3, 21, 255, 257, 784, 1030, 3072]) {
        const { norms, diagonal } = measure(build, kind, signed, d);
        assert.deepEqual(Array.from(norms), Array.from(diagonal), `${d} features`);
        if (d === 784) assert.ok(norms[0]! > 0 && norms[COUNT] === 0 && norms[CAPACITY - 1] === 0);
      }
    });
  }

  test(`norms go on from those of features packed before, ${build} build`, () => {
    for (const kind of ['float32', 'float64'] as const) {
      const { kernels, packed, address, norms } = measure(build, kind, 0, 300);
      const once = norms.slice();
      const onward = kind === 'float32' ? kernels.floatNorms32 : kernels.floatNorms64;
      onward(packed, 0, 300, address, 1);
      for (let r = 0; r < 16; r++) assert.equal(norms[r], 2 * once[r]!);
      assert.equal(norms[16], once[16]);
    }
  });
}
