import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RecordView, sparseDtypeCodes, sparseDtypes } from '../data/sparse/sparseRecord.js';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { type KernelBuild, type Kernels, loadKernels } from './kernels.js';

const D = 50;
const ROWS = 40;
const TOLERANCE = 2e-5;
const builds: KernelBuild[] = ['simd', 'relaxed'];

/** The same random rows and numbers in an arena. */
function world(dtype: (typeof sparseDtypes)[number], k: number, build: KernelBuild) {
  const arena = new Arena([
    { name: 'rows', bytes: 1 << 15 },
    { name: 'order', bytes: 4 * ROWS },
    { name: 'result', bytes: 12 },
    { name: 'w', bytes: 4 * D * k },
    { name: 'w64', bytes: 8 * D * k },
    { name: 'intercept', bytes: 4 * k },
    { name: 'intercept64', bytes: 8 * k },
    { name: 'factors', bytes: 4 * D },
    { name: 'squares', bytes: 4 * D * k },
    { name: 'seen', bytes: 8 * D },
    { name: 'scores', bytes: 4 * ROWS * k + 16 },
    { name: 'scores64', bytes: 8 * ROWS * k },
    { name: 'labels', bytes: 8 * ROWS },
    { name: 'draws', bytes: 4 * ROWS },
    { name: 'cursors', bytes: 16 },
    { name: 'limits', bytes: 16 },
    { name: 'slots', bytes: 4 * 3000 },
  ]);
  const random = Random.of(k, sparseDtypeCodes[dtype]);
  const view = new RecordView(arena.uint8('rows'), dtype);
  let word = 0;
  for (let row = 0; row < ROWS; row++) {
    const indices: number[] = [];
    for (let j = 0; j < D; j++) if (row !== 3 && random.uniform() < (row === 5 ? 1 : 0.15)) indices.push(j);
    const values = indices.map(() => (dtype === 'uint8' ? 1 + random.below(255) : random.normal()));
    word = view.write(word, row % 3, indices.length, Uint32Array.from(indices), Float64Array.from(values));
  }
  for (const name of ['w', 'intercept', 'factors', 'scores'])
    arena.float32(name).forEach((_, i, all) => {
      all[i] = random.normal();
    });
  for (const name of ['w64', 'intercept64'])
    arena.float64(name).forEach((_, i, all) => {
      all[i] = random.normal();
    });
  arena.float32('squares').forEach((_, i, all) => {
    all[i] = 3 * random.uniform();
  });
  arena.float64('seen').forEach((_, i, all) => {
    all[i] = random.uniform();
  });
  const kernels = loadKernels(arena.memory, build);
  const at = (name: string) => arena.address(name);
  const code = sparseDtypeCodes[dtype];
  const end = at('rows') + 4 * word;
  const found = kernels.walkSparse(at('rows'), end, D, code, at('rows'), at('order'), ROWS, at('result'));
  assert.equal(found, ROWS);
  assert.deepEqual([...arena.uint32('result')], [4 * word, 0, 0]);
  const rows = [at('rows'), at('order'), 1, ROWS - 1] as const;
  return { arena, kernels, at, code, end, rows };
}

type World = ReturnType<typeof world>;

const calls: Readonly<Record<string, (world: World, kernels: Kernels, k: number, factors: number) => void>> =
  {
    sparseScores32: ({ at, code, rows }, kernels, k, factors) =>
      kernels.sparseScores32(
        ...rows,
        code,
        at('w'),
        k,
        factors,
        0.7,
        at('intercept'),
        at('scores'),
        at('labels'),
      ),
    sparseLabels: ({ at, rows }, kernels) => kernels.sparseLabels(...rows, at('labels')),
    sparseScores64: ({ at, code, rows }, kernels, k) =>
      kernels.sparseScores64(...rows, code, at('w64'), k, at('intercept64'), at('scores64'), at('labels')),
    sparseStep32: ({ at, code, rows }, kernels, k, factors) =>
      kernels.sparseStep32(...rows, code, at('w'), k, factors, at('scores'), 0.01),
    sparseShrink32: ({ at, rows }, kernels, k) =>
      kernels.sparseShrink32(...rows, at('w'), k, at('seen'), 1.5),
    sparseHogwildStep32: ({ at, code, rows }, kernels, k, factors) =>
      kernels.sparseHogwildStep32(
        ...rows,
        code,
        at('w'),
        k,
        factors,
        at('scores'),
        0.01,
        at('squares'),
        0.01,
        0.02,
      ),
    sparseAdagradSettle: ({ at, rows }, kernels, k) =>
      kernels.sparseAdagradSettle(...rows, at('w'), at('squares'), k, at('seen'), 1.5, 0.3, 0.2, 1e-8),
    sparseAdagradSettleL1: ({ at, rows }, kernels, k) =>
      kernels.sparseAdagradSettle(...rows, at('w'), at('squares'), k, at('seen'), 1.5, 0, 0.2, 1e-8),
    sparseAdagradStep: ({ at, code, rows }, kernels, k, factors) =>
      kernels.sparseAdagradStep(
        ...rows,
        code,
        at('w'),
        at('squares'),
        k,
        factors,
        at('scores'),
        0.1,
        0.3,
        1e-8,
      ),
  };

for (const build of builds) {
  describe(`sparse kernels, ${build} build against the plain reference`, () => {
    for (const dtype of sparseDtypes) {
      for (const k of [1, 3, 4, 9]) {
        for (const [name, call] of Object.entries(calls)) {
          for (const scaled of [false, true]) {
            test(`${name} ${dtype} k=${k}${scaled ? ' scaled' : ''}`, () => {
              const [plain, fast] = [world(dtype, k, 'plain'), world(dtype, k, build)];
              for (const each of [plain, fast]) call(each, each.kernels, k, scaled ? each.at('factors') : 0);
              for (const region of ['w', 'scores', 'squares'] as const)
                close(fast.arena.float32(region), plain.arena.float32(region), dtype === 'uint8' ? 255 : 1);
              for (const region of ['scores64', 'labels', 'seen'] as const)
                close(fast.arena.float64(region), plain.arena.float64(region), 1e-9);
            });
          }
        }
      }

      test(`scatterSparse ${dtype}`, () => {
        const ends = (['plain', build] as const).map((kind) => {
          const { arena, kernels, at, code } = world(dtype, 1, kind);
          const random = Random.of(9);
          arena.uint32('draws').forEach((_, i, all) => {
            all[i] = random.below(4);
          });
          const slots = at('slots');
          arena.uint32('cursors').set([0, 1, 2, 3].map((bucket) => slots + 3000 * bucket));
          arena.uint32('limits').set([slots + 3000, slots + 6000, slots + 6200, slots + 12000]);
          const done = kernels.scatterSparse(
            at('rows'),
            at('order'),
            at('draws'),
            2,
            ROWS,
            code,
            at('cursors'),
            at('limits'),
          );
          assert.ok(done > 2 && done < ROWS, String(done));
          return { done, cursors: [...arena.uint32('cursors')], slots: [...arena.uint8('slots')] };
        });
        assert.deepEqual(ends[1], ends[0]);
      });

      test(`walkSparse ${dtype}: cut rows, too many nonzeros, indices beyond d`, () => {
        for (const kind of ['plain', build] as const) {
          const { arena, kernels, at, code, end } = world(dtype, 1, kind);
          const order = [...arena.uint32('order')];
          const walk = (to: number, d = D, capacity = ROWS) =>
            kernels.walkSparse(at('rows'), to, d, code, at('rows'), at('order'), capacity, at('result'));
          const result = () => [...arena.uint32('result')];
          assert.equal(walk(end, D, 7), 7);
          assert.deepEqual(result(), [4 * order[7]!, 0, 0]);
          assert.equal(walk(at('rows') + 4 * order[7]! + 16), 7);
          assert.equal(result()[2], 4 * (order[8]! - order[7]!));
          assert.equal(walk(at('rows') + 4 * order[7]! + 8), 7);
          assert.deepEqual(result(), [4 * order[7]!, 0, 0]);
          // Row 5 has all features.
          assert.equal(walk(end, D - 1), 5);
          assert.equal(result()[1], 1);
          const words = arena.uint32('rows');
          words[order[5]! + 3 + D - 1] = D;
          assert.equal(walk(end), 5);
          assert.equal(result()[1], 2);
          words[order[5]! + 3 + 4] = 0xffffffff;
          assert.equal(walk(end), 5);
          words[order[5]!] = 0xffffffff;
          assert.equal(walk(end), 5);
          assert.equal(result()[1], 1);
        }
      });
    }
  });
}

function close(fast: ArrayLike<number>, plain: ArrayLike<number>, size: number): void {
  for (let i = 0; i < plain.length; i++) {
    const limit = (size < 1 ? size : TOLERANCE * size) * Math.max(1, Math.abs(plain[i]!));
    assert.ok(Math.abs(fast[i]! - plain[i]!) <= limit, `place ${i}: ${fast[i]} is not ${plain[i]}`);
  }
}
