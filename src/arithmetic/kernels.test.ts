import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { lossOf } from '../ssgd/losses/losses.js';
import { type Dtype, dtypeBytes, writeNumber } from './dtype.js';
import { gather32Of, gather64Of, labelDtypeCodes, scalingBytes, writeScaling } from './gather.js';
import { type KernelBuild, loadKernels } from './kernels.js';

/** WebAssembly sums in another order, and in the relaxed build with one rounding less per term. */
const TOLERANCE32 = 2e-5;
const TOLERANCE64 = 1e-13;
const builds: KernelBuild[] = ['simd', 'relaxed'];
const SIZE = 1 << 20;

/** Two arenas with the same random floats in [−1, 1): one for the reference, one for the build under test. */
function pair(build: KernelBuild) {
  const arenas = [0, 1].map(() => new Arena([{ name: 'all', bytes: SIZE }]));
  const random = Random.of(1, 2);
  const values = Float32Array.from({ length: SIZE / 4 }, () => 2 * random.uniform() - 1);
  for (const arena of arenas) arena.float32('all').set(values);
  const [plain, fast] = arenas as [Arena, Arena];
  return {
    plain,
    fast,
    start: plain.address('all'),
    kernels: [loadKernels(plain.memory, 'plain'), loadKernels(fast.memory, build)] as const,
  };
}

function assertClose(fast: ArrayLike<number>, plain: ArrayLike<number>, tolerance: number): void {
  assert.equal(fast.length, plain.length);
  for (let i = 0; i < plain.length; i++) {
    const limit = tolerance * Math.max(1, Math.abs(plain[i]!));
    assert.ok(Math.abs(fast[i]! - plain[i]!) <= limit, `place ${i}: ${fast[i]} is not ${plain[i]}`);
  }
}

const shapes = [
  { m: 1, stride: 16, k: 1 },
  { m: 1, stride: 48, k: 10 },
  { m: 2, stride: 64, k: 5 },
  { m: 3, stride: 112, k: 7 },
  { m: 32, stride: 784, k: 10 },
  { m: 5, stride: 16, k: 26 },
];

for (const build of builds) {
  describe(`kernels, ${build} build against the plain reference`, () => {
    for (const { m, stride, k } of shapes) {
      const name = `m=${m} stride=${stride} k=${k}`;
      test(`scores32 ${name}`, () => {
        const { plain, fast, start, kernels } = pair(build);
        const w = start + 4 * m * stride;
        const out = w + 4 * k * stride + 64;
        for (const kernel of kernels) kernel.scores32(start, m, stride, w, k, w + 4 * k * stride, out);
        assertClose(
          new Float32Array(fast.buffer, out, m * k),
          new Float32Array(plain.buffer, out, m * k),
          TOLERANCE32 * Math.sqrt(stride),
        );
      });

      test(`scores64 ${name}, odd number of features`, () => {
        const { plain, fast, start, kernels } = pair(build);
        const d = stride - 3;
        const random = Random.of(5);
        const values = Float64Array.from({ length: (m + k) * d + k }, () => random.normal());
        for (const arena of [plain, fast]) new Float64Array(arena.buffer, start, values.length).set(values);
        const w = start + 8 * m * d;
        const out = w + 8 * k * d + 8 * k;
        for (const kernel of kernels) kernel.scores64(start, m, d, w, k, w + 8 * k * d, out);
        assertClose(
          new Float64Array(fast.buffer, out, m * k),
          new Float64Array(plain.buffer, out, m * k),
          TOLERANCE64 * stride,
        );
      });

      for (const kernelName of ['gradient32', 'momentumStep', 'nesterovStep'] as const) {
        test(`${kernelName} ${name}`, () => {
          const { plain, fast, start, kernels } = pair(build);
          const slopes = start + 4 * m * stride;
          const w = slopes + 4 * Math.ceil((m * k) / 16) * 16;
          const v = w + 4 * k * stride;
          // In two parts, of which one may be empty.
          const half = 16 * Math.floor(stride / 32);
          for (const kernel of kernels) {
            for (const [from, to] of [
              [half, stride],
              [0, half],
            ] as const) {
              if (kernelName === 'gradient32')
                kernel.gradient32(start, m, stride, from, to, slopes, k, w, v, 1 / m, 0.01);
              else kernel[kernelName](start, m, stride, from, to, slopes, k, w, v, 1 / m, 0.01, 0.05, 0.9);
            }
          }
          assertClose(
            new Float32Array(fast.buffer, w, 2 * k * stride),
            new Float32Array(plain.buffer, w, 2 * k * stride),
            TOLERANCE32,
          );
        });
      }
    }

    test('adagrad, adam, soft threshold and averaging', () => {
      const { plain, fast, start, kernels } = pair(build);
      const count = 4096;
      const [w, g, u, s] = [0, 1, 2, 3].map((part) => start + part * 4 * count) as [
        number,
        number,
        number,
        number,
      ];
      for (const [i, kernel] of kernels.entries()) {
        const squares = new Float32Array((i === 0 ? plain : fast).buffer, s, count);
        for (let j = 0; j < count; j++) squares[j] = Math.abs(squares[j]!);
        kernel.adagradStep(w, g, s, count, 0.1, 1e-8);
        kernel.adamStep(w, g, u, s, count, 0.01, 0.9, 0.999, 1e-6);
        kernel.softThreshold(w, count, 0.2);
        kernel.softThresholdScaled(w, s, count, 0.01, 1e-3);
        kernel.averageStep(g, w, count, 0.25);
      }
      assertClose(
        new Float32Array(fast.buffer, w, 4 * count),
        new Float32Array(plain.buffer, w, 4 * count),
        TOLERANCE32,
      );
      assert.ok(new Float32Array(fast.buffer, w, count).some((x) => x === 0));
    });

    for (const { m, k } of [...shapes, { m: 33, k: 3 }]) {
      if (k < 2) continue;
      test(`softmaxSlopes m=${m} k=${k}`, () => {
        const { plain, fast, start, kernels } = pair(build);
        const random = Random.of(11, m, k);
        const scores = Float32Array.from({ length: m * k }, () => 8 * random.normal());
        // Equal, far apart and enormous scores.
        scores.fill(2, 0, k);
        scores[k * m - 1] = 300;
        const labels = Float64Array.from({ length: m }, () => random.below(k));
        const labelsAt = start + 8192;
        const result = labelsAt + 8 * m;
        for (const [i, arena] of [plain, fast].entries()) {
          new Float32Array(arena.buffer, start, m * k).set(scores);
          new Float64Array(arena.buffer, labelsAt, m).set(labels);
          kernels[i]!.softmaxSlopes(start, m, k, labelsAt, result);
        }
        const slopes = (arena: Arena) => new Float32Array(arena.buffer, start, m * k);
        assertClose(slopes(fast), slopes(plain), 1e-6);
        assertClose(
          new Float64Array(fast.buffer, result, 2),
          new Float64Array(plain.buffer, result, 2),
          1e-6,
        );
        // The plain kernel is the plain loss.
        const wanted = Float64Array.from(scores);
        const sum = lossOf('softmax').evaluate(wanted, m, k, labels, wanted);
        assertClose(slopes(plain), wanted, 1e-6);
        assertClose([new Float64Array(plain.buffer, result, 1)[0]!], [sum], 1e-6);
        new Float32Array(fast.buffer, start, 1)[0] = Number.NaN;
        kernels[1].softmaxSlopes(start, m, k, labelsAt, result);
        assert.ok(Number.isNaN(new Float64Array(fast.buffer, result, 1)[0]!), 'NaN is seen');
      });
    }

    for (const dtype of labelDtypeCodes) {
      test(`gathering ${dtype} rows in a given order`, () => {
        gatherAgrees(build, dtype);
      });
    }

    test('scatterRows stops at the first full slot', () => {
      const { plain, fast, start, kernels } = pair(build);
      const rowBytes = 7;
      const rows = 40;
      const random = Random.of(9);
      const words = Float64Array.from({ length: rows }, () => random.below(3));
      const order = start + 1024;
      const buckets = order + 4 * rows;
      const cursors = buckets + 4 * rows;
      const limits = cursors + 12;
      const slots = limits + 12;
      const stops: number[] = [];
      for (const [i, kernel] of kernels.entries()) {
        const memory = new Uint32Array((i === 0 ? plain : fast).buffer);
        for (let row = 0; row < rows; row++) memory[order / 4 + row] = rows - 1 - row;
        memory.set(words, buckets / 4);
        for (let b = 0; b < 3; b++) {
          memory[cursors / 4 + b] = slots + b * 100;
          memory[limits / 4 + b] = slots + b * 100 + 9 * rowBytes;
        }
        stops.push(kernel.scatterRows(start, rowBytes, order, buckets, 0, rows, cursors, limits));
      }
      assert.equal(stops[0], stops[1]);
      assert.ok(stops[0]! < rows);
      assert.deepEqual(new Uint8Array(fast.buffer, cursors, 400), new Uint8Array(plain.buffer, cursors, 400));
    });
  });
}

function gatherAgrees(build: KernelBuild, dtype: Dtype): void {
  const { plain, fast, start, kernels } = pair(build);
  const d = 37;
  const stride = 48;
  const rows = 9;
  const labelOffset = d * dtypeBytes[dtype];
  const rowBytes = labelOffset + dtypeBytes[dtype];
  const random = Random.of(3);
  const scaling = {
    multiply: Float64Array.from({ length: d }, () => random.normal()),
    add: Float64Array.from({ length: d }, () => random.normal()),
  };
  const values = Array.from({ length: rows * (d + 1) }, () =>
    dtype === 'uint8'
      ? random.below(256)
      : dtype === 'int8'
        ? random.below(256) - 128
        : random.below(4000) - 2000,
  );
  const order = start + 8192;
  const scalingAt = order + 64;
  const target = scalingAt + 4096;
  for (const [i, arena] of [plain, fast].entries()) {
    const view = new DataView(arena.buffer);
    for (const [place, value] of values.entries()) {
      const offset = Math.floor(place / (d + 1)) * rowBytes + (place % (d + 1)) * dtypeBytes[dtype];
      writeNumber(view, start + offset, dtype, value);
    }
    new Uint32Array(arena.buffer, order, rows).set([5, 3, 8, 1, 0, 2, 7, 7, 4]);
    const kernel = kernels[i]!;
    writeScaling(arena.buffer, scalingAt, stride, dtype, 32, scaling);
    assert.ok(scalingBytes(d, stride, dtype, 32) <= 4096);
    gather32Of(kernel, dtype)(start, rowBytes, order, 2, 6, d, stride, scalingAt, target);
    writeScaling(arena.buffer, scalingAt, stride, dtype, 64, scaling);
    gather64Of(kernel, dtype)(start, rowBytes, 0, 1, 3, d, stride, scalingAt, target + 4 * stride * 8);
    kernel.gatherLabels(
      start,
      rowBytes,
      labelOffset,
      labelDtypeCodes.indexOf(dtype),
      1,
      order,
      1,
      8,
      target + 65536,
    );
    // The last feature and the label, as two labels of a row.
    kernel.gatherLabels(
      start,
      rowBytes,
      labelOffset - dtypeBytes[dtype],
      labelDtypeCodes.indexOf(dtype),
      2,
      order,
      1,
      8,
      target + 66560,
    );
  }
  assertClose(
    new Float32Array(fast.buffer, target, 6 * stride),
    new Float32Array(plain.buffer, target, 6 * stride),
    2e-6,
  );
  const doubles = (arena: Arena) => new Float64Array(arena.buffer, target + 32 * stride, 3 * stride);
  assertClose(doubles(fast), doubles(plain), 1e-14);
  const labels = (arena: Arena) => [...new Float64Array(arena.buffer, target + 65536, 8)];
  assert.deepEqual(labels(fast), labels(plain));
  assert.deepEqual(labels(fast).slice(0, 2), [values[3 * (d + 1) + d], values[8 * (d + 1) + d]]);
  const pairs = (arena: Arena) => [...new Float64Array(arena.buffer, target + 66560, 16)];
  assert.deepEqual(pairs(fast), pairs(plain));
  assert.deepEqual(
    pairs(fast).filter((_, i) => i % 2 === 1),
    labels(fast),
  );
  assert.equal(pairs(fast)[0], values[3 * (d + 1) + d - 1]);
  // The reference itself: row 8 comes first, scaled by hand.
  const first = new Float32Array(plain.buffer, target, 1)[0]!;
  assertClose([first], [scaling.multiply[0]! * values[8 * (d + 1)]! + scaling.add[0]!], 1e-6);
}
