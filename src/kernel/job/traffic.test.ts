import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { classes, jobContext, jobOptions } from '../../../test/support/kernelTraining.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { KernelTrainOptions, SolverName } from '../options.js';
import { planKernelTraining, trainKernel } from '../trainKernel.js';
import { generateKernel, planGenerate } from './generateKernel.js';

const rbf = { kernel: 'rbf', sigma: 4, reg: [0.1] };

/** What a plan tells and what its run has done, with so many times the smallest budget (default: that of `changes`). */
async function both(
  solver: SolverName,
  changes: Partial<KernelTrainOptions>,
  times?: number,
  store = false,
  dtype: 'uint8' | 'float32' = 'float32',
) {
  const storage = new MemoryStorage();
  const dataset = await classes(storage, 3, dtype, 600, 300);
  const { context } = jobContext(storage);
  const given = jobOptions({ tol: 1e-12, nthreads: 2, ...changes });
  const stored = store ? { memId: (await generateKernel(dataset, given, context)).memId } : {};
  const plan = (bufferBytes: number) =>
    planKernelTraining(solver, dataset, { ...given, ...stored, bufferBytes }, context);
  let { bufferBytes } = given;
  if (times !== undefined) {
    const error: unknown = await plan(1).catch((refused) => refused);
    bufferBytes = Math.round(times * 1e6 * Number(/needs at least ([0-9.]+) MB/.exec(String(error))![1]));
  }
  const result = await trainKernel(solver, dataset, { ...given, ...stored, bufferBytes }, context);
  return { plan: await plan(bufferBytes), result };
}

describe('the bytes a plan says are those its run reads, within a twentieth', () => {
  const cases: readonly (readonly [SolverName, number, Partial<KernelTrainOptions>, boolean?, 'uint8'?])[] = [
    ['cg', 1, { ...rbf, passes: 3 }],
    ['cg', 1.2, { ...rbf, passes: 5 }],
    ['cg', 1.5, { ...rbf, passes: 5 }, false, 'uint8'],
    ['cg', 5, { ...rbf, passes: 6, simulated: true }],
    ['cg', 1.2, { ...rbf, passes: 5, rank: 0, dtype: 'float64' }],
    ['cg', 1.3, { kernel: 'rbf', reg: [1, 0.1], passes: 8 }],
    ['cg', 1, { ...rbf, passes: 4, tile: 48 }, true],
    ['cg', 1.5, { ...rbf, passes: 4, tile: 48 }, true],
    ['bcd', 1, { ...rbf, passes: 4 }],
    ['bcd', 1.2, { ...rbf, passes: 7, tile: 32 }],
    ['bcd', 2, { ...rbf, passes: 8, block: 64, tile: 64 }],
    ['bcd', 1.2, { ...rbf, reg: [1, 0.1], passes: 8, block: 64, tile: 64 }],
    ['bcd', 1.2, { ...rbf, passes: 6, tile: 48 }, true],
    ['nystrom', 1, { ...rbf, centers: 100 }],
    ['nystrom', 1.1, { ...rbf, centers: 200, reg: [1, 0.1] }],
    ['nystrom', 3, { ...rbf, centers: 100, simulated: true }, false, 'uint8'],
    ['nystrom', 1.2, { kernel: 'laplacian', centers: 20 }],
    ['ssgd', 1.1, { ...rbf, epochs: 2, tile: 48 }, true],
  ];
  for (const [solver, times, changes, store, dtype] of cases) {
    const name = `${solver}, ${times} times the least${store ? ', stored' : ''}: ${JSON.stringify(changes)} ${dtype ?? ''}`;
    test(name, async () => {
      const { plan, result } = await both(solver, changes, times, store, dtype);
      assert.equal(result.passes, plan.passes);
      assert.ok(
        Math.abs(plan.bytesRead / result.bytesRead - 1) < 0.05,
        `${plan.bytesRead} planned, ${result.bytesRead} read`,
      );
      assert.equal(result.plan.bytesRead, plan.bytesRead);
      assert.equal(plan.threads, 2);
      assert.ok(
        plan.notes.some((note) => note.startsWith('2 threads')),
        plan.notes.join('; '),
      );
    });
  }

  test('generate, with the lengthscale from the data', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32', 600, 300);
    const options = { ...jobOptions({ kernel: 'rbf', bufferBytes: 700_000, nthreads: 2 }) };
    const { context } = jobContext(storage);
    const plan = await planGenerate(dataset, options, context);
    const { bytesRead } = await generateKernel(dataset, options, context);
    assert.ok(
      Math.abs(plan.bytesRead / bytesRead - 1) < 0.05,
      `${plan.bytesRead} planned, ${bytesRead} read`,
    );
    assert.equal(plan.threads, 2);
  });
});

describe('--passes is the most that are made, that for the true residual included', () => {
  const cases: readonly (readonly [SolverName, number, Partial<KernelTrainOptions>])[] = [
    ['cg', 2, {}],
    ['cg', 3, { reg: [1, 0.1] }],
    ['cg', 2, { reg: [1, 0.1], refit: false }],
    ['bcd', 4, { block: 16, tile: 16 }],
    ['bcd', 4, {}],
  ];
  for (const [solver, least, changes] of cases) {
    test(`${solver} ${JSON.stringify(changes)}: at least ${least}`, async () => {
      for (let passes = least; passes < least + 4; passes++) {
        const { plan, result } = await both(solver, { ...rbf, ...changes, passes });
        assert.ok(result.passes <= passes, `${result.passes} of ${passes}`);
        assert.equal(plan.passes, result.passes, `of ${passes}`);
      }
      await assert.rejects(both(solver, { ...rbf, ...changes, passes: least - 1 }), {
        code: 'MLML_USAGE',
        message: new RegExp(`^--passes=${least - 1}: ${solver} needs at least ${least}`),
      });
    });
  }
});
