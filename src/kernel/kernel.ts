/**
 * `mlml/kernel`: kernel ridge regression whose kernel matrix is larger than memory.
 *
 * @example
 * import { nodeStorage, openByName } from 'mlml/data';
 * import { defaultKernelOptions, trainKernel } from 'mlml/kernel';
 *
 * const dataset = await openByName(nodeStorage, 'digits', { n: 5000 });
 * const options = { ...defaultKernelOptions, bufferBytes: 64e6, nthreads: 2 };
 * const { model, test, residual } = await trainKernel('cg', dataset, options, {
 *   storage: nodeStorage,
 *   scratchFolder: 'scratch',
 * });
 * console.log(test?.accuracy, residual, model.n);
 * await dataset.close();
 *
 * @module
 */
export type { KernelEvent, KernelListener } from './events.js';
export type { RowGeometry } from './functions/blockEvaluator.js';
export { type CustomBlock, customKernel } from './functions/customKernel.js';
export {
  type KernelFunction,
  type KernelKind,
  type TileDtype,
  tileDtypes,
} from './functions/kernelFunction.js';
export { kernelName } from './functions/kernelName.js';
export { generateKernel, planGenerate } from './job/generateKernel.js';
export type {
  GenerateResult,
  KernelContext,
  KernelJobs,
  KernelTrainResult,
  KrrPick,
  RegularizationResult,
  StoredKernel,
} from './jobs.js';
export type { KernelModel, ModelRows } from './kernelModel.js';
export { importKernel } from './memMatrix/importKernel.js';
export { iteratedRows, type MatrixSource, npyMatrix, rawMatrix } from './memMatrix/matrixSource.js';
export type { MatrixOptions } from './memMatrix/matrixWorkspace.js';
export { type MatrixBlock, MemMatrix, type NewMatrix, type RowRange } from './memMatrix/memMatrix.js';
export {
  defaultKernelOptions,
  type GenerateOptions,
  type KernelChoice,
  type KernelDataOptions,
  type KernelTrainOptions,
  type SolverName,
  solverNames,
} from './options.js';
export { type PruneOptions, pruneModel } from './prune.js';
export type { KernelData, KernelDescription } from './store/kernelDescription.js';
export { findKernel, listKernels, removeKernel, verifyKernel } from './store/storeList.js';
export { planKernelTraining, trainKernel } from './trainKernel.js';
