import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { halfToNumber, numberToHalf } from './dtype.js';
import type { WorkType } from './epilogue.js';
import { type KernelBuild, loadKernels } from './kernels.js';

const builds: KernelBuild[] = ['plain', 'simd', 'relaxed'];
const works: WorkType[] = ['float32', 'float64'];
const SIZE = 1 << 18;

function workshop(build: KernelBuild) {
  const arena = new Arena([
    { name: 'source', bytes: SIZE },
    { name: 'target', bytes: SIZE },
  ]);
  const kernels = loadKernels(arena.memory, build);
  const [source, target] = [arena.address('source'), arena.address('target')];
  const numbers = (name: string, work: WorkType) =>
    work === 'float32' ? arena.float32(name) : arena.float64(name);
  return { arena, kernels, source, target, numbers };
}

/** The distance of neighbouring numbers of a type at x; of the smallest normal ones below them. */
function ulp(x: number, work: WorkType): number {
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  return work === 'float32' ? 2 ** (Math.max(exponent, -126) - 23) : 2 ** (Math.max(exponent, -1022) - 52);
}

/** Applies f to all values of a list in a build and gives the results. */
function apply(
  build: KernelBuild,
  work: WorkType,
  values: ArrayLike<number>,
  name: string,
  ...parameters: number[]
): { readonly given: number[]; readonly found: number[] } {
  const { kernels, source, target, numbers } = workshop(build);
  numbers('source', work).set(values);
  const suffix = work === 'float32' ? '32' : '64';
  const kernel = (kernels as unknown as Record<string, (...all: number[]) => void>)[name + suffix]!;
  kernel(source, target, Math.ceil(values.length / 8) * 8, ...parameters);
  return {
    given: [...numbers('source', work).subarray(0, values.length)],
    found: [...numbers('target', work).subarray(0, values.length)],
  };
}

const steps = (from: number, to: number, count: number) =>
  Float64Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

/** 2 for exp and 4 for tanh, and one more for doubles: Math.exp and Math.tanh are themselves off by up to one. */
const ulps = { exp: { float32: 2, float64: 3 }, tanh: { float32: 4, float64: 5 } } as const;

describe('elementary functions', () => {
  for (const build of builds) {
    for (const work of works) {
      test(`${build}, ${work}`, () => {
        const close = (found: number, wanted: number, x: number, name: 'exp' | 'tanh') => {
          const error = Math.abs(found - wanted) / ulp(wanted, work);
          assert.ok(error <= ulps[name][work], `${name}(${x}) is ${found}, ${error} ulp from ${wanted}`);
        };
        const least = work === 'float32' ? 87 : 708;
        for (const range of [1, least]) {
          const { given, found } = apply(build, work, steps(0, range, 20000), 'exponentials', -1);
          for (const [i, x] of given.entries()) close(found[i]!, Math.exp(-x), -x, 'exp');
        }
        const far = apply(build, work, [0, 800, 1e30, work === 'float32' ? 3e38 : 1e300], 'exponentials', -1);
        assert.deepEqual(far.found, [1, 0, 0, 0]);
        assert.ok(Number.isNaN(apply(build, work, [NaN, 0, 0, 0], 'exponentials', -1).found[0]));
        for (const range of [0.01, 1, 30]) {
          const { given, found } = apply(build, work, steps(-range, range, 20000), 'tangents', 1, 0);
          for (const [i, x] of given.entries()) close(found[i]!, Math.tanh(x), x, 'tanh');
        }
        const huge = apply(build, work, [-1e30, 1e30, 1e-30, 0], 'tangents', 1, 0);
        assert.deepEqual(huge.found.slice(0, 2), [-1, 1]);
        assert.ok(Math.abs(huge.found[2]! / 1e-30 - 1) < 1e-6);
        assert.equal(huge.found[3], 0);
        const powers = apply(build, work, [2, -3, 0, 1], 'powers', 1, 0, 11).found;
        assert.deepEqual(powers, [2048, -177147, 0, 1]);
        for (const order of [0, 1, 2]) {
          const matern = apply(build, work, [0, 1e8, 1e30, 1], 'materns', 2, order).found;
          assert.deepEqual(matern.slice(0, 3), [1, 0, 0]);
          const wanted = [1, 3, 3 + 4 / 3][order]! * Math.exp(-2);
          assert.ok(Math.abs(matern[3]! - wanted) < 3 * ulp(wanted, work));
        }
      });
    }

    test(`${build}: angles`, () => {
      const { arena, kernels, source, target } = workshop(build);
      const cosines = [...steps(-1, 1, 10001), ...steps(1 - 1e-9, 1, 100), ...steps(-1, 1e-9 - 1, 99)];
      arena.float64('source').set(cosines);
      // With norms of 1 and depth 1 the tangent kernel less the arc-cosine one is c·κ₀(c), κ₀ = 1 − acos(c)/π.
      const norms = source + 8 * 16384;
      arena.float64('source').fill(1, 16384, 16384 + cosines.length);
      const results = [0, 1].map((tangent) => {
        kernels.arcCosines64(source, target, norms, norms, 1, cosines.length, 1, 1, tangent);
        return arena.float64('target').slice(0, cosines.length);
      });
      for (const [i, c] of cosines.entries()) {
        const angle = Math.acos(c);
        const wanted = (Math.sqrt((1 - c) * (1 + c)) + (Math.PI - angle) * c) / Math.PI;
        assert.ok(Math.abs(results[0]![i]! - wanted) < 1e-15, `arc-cosine of ${c}`);
        const slope = results[1]![i]! - results[0]![i]!;
        assert.ok(Math.abs(slope - c * (1 - angle / Math.PI)) < 1e-15, `tangent of ${c}`);
      }
    });
  }
});

test('arc-cosine and tangent kernels are means over random ReLU units', () => {
  // κ₁ = 2·E[relu(w·x)·relu(w·y)] and κ₀ = 2·P[w·x > 0, w·y > 0] for unit vectors (Cho & Saul 2009).
  const random = Random.of(5);
  const cosine = 0.3;
  let [both, mean] = [0, 0];
  const draws = 200_000;
  for (let i = 0; i < draws; i++) {
    const first = random.normal();
    const second = cosine * first + Math.sqrt(1 - cosine ** 2) * random.normal();
    if (first <= 0 || second <= 0) continue;
    both++;
    mean += first * second;
  }
  const { arena, kernels, source, target } = workshop('plain');
  arena.float64('source').set([3 * cosine, 9, 1], 0);
  const value = (tangent: number) => {
    kernels.arcCosines64(source, target, source + 8, source + 16, 1, 1, 1, 1, tangent);
    return arena.float64('target')[0]! / 3;
  };
  assert.ok(Math.abs(value(0) - (2 * mean) / draws) < 0.01);
  assert.ok(Math.abs(value(1) - value(0) - (cosine * 2 * both) / draws) < 0.005);
});

describe('stores round to the nearest and write nothing behind', () => {
  for (const build of builds) {
    test(build, () => {
      const { arena, kernels, source, target } = workshop(build);
      const random = Random.of(11);
      const special = [
        0,
        -0,
        1,
        -2.5,
        65504,
        65519,
        65520,
        1e30,
        -1e30,
        Infinity,
        NaN,
        2 ** -14,
        2 ** -24,
        2 ** -25,
        2 ** -26,
      ];
      // Ties between two halves, and their neighbours.
      const ties = Array.from({ length: 3000 }, () => {
        const bits = random.below(0x7bff);
        const tie = (halfToNumber(bits) + halfToNumber(bits + 1)) / 2;
        return tie * (1 + (random.below(3) - 1) * 2 ** -20) * (random.below(2) === 0 ? 1 : -1);
      });
      const values = [...special, ...ties];
      const columns = values.length;
      for (const work of works) {
        const view = work === 'float32' ? arena.float32('source') : arena.float64('source');
        view.set(values);
        const halves = new Uint16Array(arena.buffer, target, columns + 3).fill(7);
        kernels[work === 'float32' ? 'store16From32' : 'store16From64'](
          source,
          columns,
          1,
          columns,
          target,
          columns,
        );
        for (const [i, x] of values.entries()) {
          const wanted = numberToHalf(Math.max(-65504, Math.min(65504, Math.fround(x))));
          assert.equal(halves[i], wanted, `${x} became ${halfToNumber(halves[i]!)}`);
        }
        assert.deepEqual([...halves.subarray(columns)], [7, 7, 7]);
        const floats = new Float32Array(arena.buffer, target, columns + 3).fill(7);
        kernels[work === 'float32' ? 'store32From32' : 'store32From64'](
          source,
          columns,
          1,
          columns,
          target,
          columns,
        );
        const most = 2 ** 128 - 2 ** 104;
        for (const [i, x] of values.entries())
          assert.equal(floats[i], Math.max(-most, Math.min(most, Math.fround(x))));
        assert.deepEqual([...floats.subarray(columns)], [7, 7, 7]);
      }
      // Rows of a tile: 2 × 5 out of a plane 8 wide, 7 apart.
      arena.float64('source').set(steps(0, 15, 16));
      for (const [name, size] of [
        ['store16From64', 2],
        ['store32From64', 4],
        ['store64From64', 8],
      ] as const) {
        arena.uint8('target').fill(0);
        kernels[name](source, 8, 2, 5, target, 7);
        const read = { 2: arena.uint8('target'), 4: arena.float32('target'), 8: arena.float64('target') }[
          size
        ];
        const found =
          size === 2
            ? [...new Uint16Array(arena.buffer, target, 14)].map(halfToNumber)
            : [...read.subarray(0, 14)];
        assert.deepEqual(found, [0, 1, 2, 3, 4, 0, 0, 8, 9, 10, 11, 12, 0, 0], name);
      }
    });
  }
});

test('integer distances are exact where sums of norms are beyond 2^31', () => {
  for (const build of builds) {
    for (const work of works) {
      const { arena, kernels, source, target, numbers } = workshop(build);
      const norm = 33025 * 255 ** 2;
      arena.int32('source').fill(0).set([norm, 0, 0, 0, 0, 0, 0, 0, norm, 5, 0, 0]);
      const inPlace = work === 'float32' ? 0 : 8;
      // Products with the rows on the right: equal, small, zero.
      arena.int32('target').set([norm, 2, 0, 0], inPlace);
      const distances = work === 'float32' ? kernels.byteDistances32 : kernels.byteDistances64;
      distances(target, source, source + 32, 1, 8);
      const wanted = [0, norm + 1, norm, norm].map(work === 'float32' ? Math.fround : (x) => x);
      assert.deepEqual([...numbers('target', work).subarray(0, 4)], wanted);
    }
  }
});
