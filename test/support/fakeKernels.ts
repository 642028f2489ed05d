import { rowLayout } from '../../src/data/rowLayout.js';
import { MlmlError } from '../../src/errors.js';
import type { KernelFunction } from '../../src/kernel/functions/kernelFunction.js';
import type { KernelJobs, StoredKernel } from '../../src/kernel/jobs.js';
import type { KernelModel } from '../../src/kernel/kernelModel.js';
import type { Plan } from '../../src/memory/plan.js';

export const fakeKernel: KernelFunction = { kind: 'rbf', lengthscale: 5 };

export const fakeKernelPlan: Plan = {
  job: 'kernel rbf of 10 rows x 2 features',
  budgetBytes: 1e6,
  regions: [{ name: 'tile', bytes: 1024 }],
  plannedPeakBytes: 2048,
  passes: 20,
  bytesRead: 4000,
  bytesWritten: 0,
  scratchBytes: 800,
  notes: ['tiles of 16 x 16', 'stored: 0.1 minutes; computed in each pass: 0.4 minutes'],
};

/** A model over all ten rows of the data set `data/digits` (see `makeDataset`). */
export const fakeKernelModel: KernelModel = {
  task: 'classification',
  kernel: fakeKernel,
  d: 2,
  k: 3,
  n: 10,
  regularization: 0.1,
  loss: 'ridge',
  scaling: 'unit',
  geometry: {
    layout: rowLayout(2, 'uint8', 'uint8'),
    multiply: new Float64Array(2).fill(1 / 255),
    add: new Float64Array(2),
    mean: new Float64Array(2),
    maxNorm: 1.5,
    maxCentredNorm: 1.5,
  },
  coefficients: Float64Array.from({ length: 30 }, (_, i) => (i + 1) / 30),
  rows: { kind: 'dataset', path: 'data/digits' },
  classNames: ['none', 'right', 'up, high'],
  fingerprint: 'f',
};

export const storedKernels: readonly StoredKernel[] = [
  {
    memId: 'digits-rbf-1a2b',
    folder: 'kernels/digits-rbf-1a2b',
    kernel: fakeKernel,
    n: 8,
    tileSize: 16,
    dtype: 'float16',
    scale: 'unit',
    bytes: 12_345_678,
    tiles: 66,
    tilesDone: 66,
    complete: true,
    dataset: { name: 'tiny', fingerprint: 'f', subset: 8 },
    busy: false,
  },
  {
    memId: 'spam-linear-3c4d',
    folder: 'kernels/spam-linear-3c4d',
    kernel: { kind: 'linear' },
    n: 3680,
    tileSize: 16,
    dtype: 'float64',
    scale: 'standard',
    bytes: 1000,
    tiles: 10,
    tilesDone: 4,
    complete: false,
    dataset: { name: 'spam', fingerprint: 'g', subset: 0 },
    busy: true,
  },
];

/** Computes nothing, but tells and returns everything. */
export const fakeKernels: KernelJobs = {
  planGenerate: async (_dataset, options) => ({ ...fakeKernelPlan, budgetBytes: options.bufferBytes }),
  async generateKernel(_dataset, options, { onEvent }) {
    onEvent?.({ type: 'plan', plan: fakeKernelPlan });
    onEvent?.({ type: 'kernel', kernel: fakeKernel, reason: 'sigma as given' });
    onEvent?.({ type: 'resumed', done: 20, total: 66 });
    return {
      memId: 'digits-rbf-1a2b',
      folder: `${options.kernels}/digits-rbf-1a2b`,
      kernel: fakeKernel,
      n: 10,
      tileSize: 1504,
      dtype: options.dtype,
      bytes: 12_345_678,
      tilesMade: 46,
      tiles: 66,
      seconds: 0.5,
      bytesRead: 1_000_000,
      bytesWritten: 9_000_000,
      plan: fakeKernelPlan,
    };
  },
  async planKernelTraining(solver, _dataset, options) {
    if (options.bufferBytes < 1000) throw new MlmlError('MLML_BUDGET_TOO_SMALL', `${solver} needs more`);
    return { ...fakeKernelPlan, job: `${solver} on 10 rows`, budgetBytes: options.bufferBytes };
  },
  async trainKernel(solver, dataset, options, { onEvent }) {
    const { memId, reg } = options;
    const best = Math.min(1, reg.length - 1);
    const heldOut = reg.length > 1 ? { heldOut: reg.map((_, i) => (i === best ? 0.75 : 0.5)) } : {};
    const validation = (i: number) => (reg.length > 1 ? { validation: i === best ? 0.75 : 0.5 } : {});
    const progress = { type: 'progress', epoch: 0, total: 66, bytesRead: 60, bytesWritten: 0 } as const;
    onEvent?.({ type: 'plan', plan: fakeKernelPlan });
    onEvent?.({ type: 'kernel', kernel: fakeKernel, reason: 'sigma: median of 1 000 distances' });
    onEvent?.({ ...progress, phase: 'precondition', done: 3 });
    onEvent?.({ ...progress, phase: 'solve', done: 10 });
    const residuals = reg.map((_, i) => 0.1 * (i + 1));
    onEvent?.({ type: 'pass', pass: 1, residuals, exact: false, ...heldOut });
    onEvent?.({ type: 'checkpoint', pass: 1 });
    onEvent?.({ type: 'pass', pass: 2, residuals: reg.map(() => 1e-5), exact: true, ...heldOut });
    const test = { rows: 2, loss: 0.25, accuracy: 0.5 };
    onEvent?.({ type: 'evaluation', part: 'test', epoch: 0, evaluation: test });
    const rows = { kind: 'dataset', path: dataset.path } as const;
    return {
      model: {
        ...fakeKernelModel,
        regularization: reg[best]!,
        rows,
        fingerprint: dataset.description.fingerprint,
      },
      plan: fakeKernelPlan,
      solver: solver === 'krr' ? 'cg' : solver,
      reasons: solver === 'krr' ? ['10 rows are few'] : [],
      memId,
      passes: 2,
      residual: 1e-5,
      stopped: 'tolerance',
      regularizations: reg.map((regularization, i) => ({ regularization, residual: 1e-5, ...validation(i) })),
      leaveOneOut: solver === 'closed' ? 0.7 : undefined,
      seconds: 0.5,
      bytesRead: 120,
      bytesWritten: 90,
      train: options.simulated ? { rows: 10, loss: 0.01, accuracy: 1 } : undefined,
      test,
    };
  },
  listKernels: async () => [...storedKernels],
  findKernel: async (_storage, _folder, memId) => storedKernels.find((each) => each.memId === memId)!,
  removeKernel: async (storage, folder, memId) => await storage.remove(`${folder}/${memId}`),
  async verifyKernel(_storage, _folder, memId, { onEvent }) {
    const progress = { type: 'progress', epoch: 0, total: 66, bytesRead: 60, bytesWritten: 0 } as const;
    onEvent?.({ ...progress, phase: 'verify', done: 66 });
    return storedKernels.find((each) => each.memId === memId)!;
  },
};
