import type { Dataset } from '../../data/dataset.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import type { Plan } from '../../memory/plan.js';
import { checkDataOptions } from '../checkOptions.js';
import type { KernelFunction } from '../functions/kernelFunction.js';
import { generateTiles } from '../generate/generateTiles.js';
import { makeTiles } from '../generate/makeTiles.js';
import { type GenerationPlan, planGeneration } from '../generate/planGeneration.js';
import type { GenerateResult, KernelContext } from '../jobs.js';
import type { GenerateOptions } from '../options.js';
import { geometryOf, kernelRows } from '../rowGeometry.js';
import { describeKernel, type KernelDescription, type KernelIdentity } from '../store/kernelDescription.js';
import { findOrDescribeKernel, KernelWriter, kernelWriterRegions } from '../store/kernelWriter.js';
import { tileFileBytes } from '../store/tileLayout.js';
import {
  comparesRows,
  type Evaluation,
  evaluationRegions,
  evaluationThreads,
  evaluatorOf,
  packedBytesOf,
  startEvaluation,
} from './evaluation.js';
import {
  finiteTrainingBytes,
  kernelIdentity,
  requireFiniteTraining,
  resolveFor,
  trainingRows,
} from './kernelData.js';
import { planGivenMatrix, storeGivenMatrix } from './storeGivenMatrix.js';
import { refuseSampledMatrix, sampledJob } from './withSample.js';

/** A generation with everything decided. */
interface Generation {
  readonly evaluation: Evaluation;
  readonly identity: KernelIdentity;
  readonly threads: number;
  readonly sizes: GenerationPlan;
  readonly plan: Plan;
}

/** `bytesBefore`: read before, to look for values that are no numbers and for a lengthscale. */
function decide(
  dataset: Dataset,
  evaluation: Evaluation,
  options: GenerateOptions,
  bytesBefore: number,
  tileBefore?: number,
): Generation {
  const { kernel, dtype } = evaluation;
  const n = trainingRows(dataset.description, options);
  const threads = evaluationThreads(kernel, options.nthreads);
  const identity = kernelIdentity(dataset, kernel, dtype, options);
  const sizes = planGeneration({
    n,
    layout: dataset.layout,
    dtype,
    threads,
    budgetBytes: options.bufferBytes,
    tile: options.tile,
    ...(tileBefore === undefined ? {} : { tileBefore }),
    packedBytes: packedBytesOf(evaluation),
    otherRegions: (size, budget) => [
      ...evaluationRegions(evaluation, threads, budget).slice(1),
      ...kernelWriterRegions(describeKernel(identity, size)),
    ],
  });
  const plan: Plan = {
    job: `generate on ${n} rows of ${dataset.description.d} features`,
    budgetBytes: options.bufferBytes,
    regions: sizes.regions,
    plannedPeakBytes: sizes.plannedPeakBytes,
    passes: sizes.bytesRead / (n * dataset.layout.rowBytes),
    bytesRead: bytesBefore + sizes.bytesRead,
    bytesWritten: sizes.bytesWritten,
    scratchBytes: 0,
    threads,
    notes: sizes.notes,
  };
  return { evaluation, identity, threads, sizes, plan };
}

async function evaluationOf(
  dataset: Dataset,
  options: GenerateOptions,
  context: Pick<KernelContext, 'onEvent'>,
  resolved?: KernelFunction,
): Promise<{ readonly evaluation: Evaluation; readonly bytesBefore: number }> {
  const geometry = geometryOf(dataset, options.scale);
  const { dtype } = options;
  if (resolved !== undefined) return { evaluation: { kernel: resolved, geometry, dtype }, bytesBefore: 0 };
  const { kernel, bytesRead } = await resolveFor(dataset, geometry, options, context);
  return {
    evaluation: { kernel, geometry, dtype },
    bytesBefore: finiteTrainingBytes(dataset, options) + bytesRead,
  };
}

/** The stored kernel that generation would make of these rows, and what making all of it takes. */
export function describeGeneration(
  dataset: Dataset,
  evaluation: Evaluation,
  options: GenerateOptions,
): { readonly description: KernelDescription; readonly plan: Plan } {
  const { identity, sizes, plan } = decide(dataset, evaluation, options, 0);
  return { description: describeKernel(identity, sizes.tileSize), plan };
}

/** What `generateKernel` would use and do. Reads a sample of rows when the lengthscale is to be found. */
export async function planGenerate(
  data: Dataset | SparseDataset,
  options: GenerateOptions,
  context: KernelContext,
): Promise<Plan> {
  checkDataOptions(options);
  const dataset = await kernelRows(data, options.scale);
  const sampled = sampledJob(dataset, options, context);
  if (sampled !== undefined) {
    refuseSampledMatrix(options);
    return sampled.told(await planGenerate(sampled.dataset, sampled.options, sampled.context));
  }
  const { evaluation, bytesBefore } = await evaluationOf(dataset, options, context);
  if (!comparesRows(evaluation.kernel)) return await planGivenMatrix(dataset, options, context);
  refuseMatrix(options);
  return decide(dataset, evaluation, options, bytesBefore).plan;
}

/**
 * Builds the kernel matrix of the training rows on disk, inside `options.bufferBytes`. A killed run goes on where it
 * stopped; a kernel that is complete is left as it is. `within`: a larger job, which knows the
 * kernel and has the memory.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`, `MLML_DISK_FULL`, `MLML_BUSY`, `MLML_USAGE`, …
 */
export async function generateKernel(
  data: Dataset | SparseDataset,
  options: GenerateOptions,
  context: KernelContext,
  within?: { readonly kernel: KernelFunction; readonly memory: WebAssembly.Memory },
): Promise<GenerateResult> {
  checkDataOptions(options);
  const dataset = await kernelRows(data, options.scale);
  const sampled = sampledJob(dataset, options, context);
  if (sampled !== undefined) {
    refuseSampledMatrix(options);
    const made = await generateKernel(sampled.dataset, sampled.options, sampled.context);
    return { ...made, plan: sampled.told(made.plan) };
  }
  const start = performance.now();
  const { storage, signal, onEvent } = context;
  // A larger job has done so; a matrix that is given is checked as it is stored.
  if (within === undefined && options.matrix === undefined)
    await requireFiniteTraining(dataset, options, context);
  const { evaluation, bytesBefore } = await evaluationOf(dataset, options, context, within?.kernel);
  if (!comparesRows(evaluation.kernel)) return await storeGivenMatrix(dataset, options, context);
  refuseMatrix(options);
  let generation = decide(dataset, evaluation, options, bytesBefore);
  const description = await findOrDescribeKernel(
    storage,
    options.kernels,
    generation.identity,
    generation.sizes.tileSize,
  );
  // A kernel that was begun keeps its tiles.
  if (description.tileSize !== generation.sizes.tileSize)
    generation = decide(dataset, evaluation, options, bytesBefore, description.tileSize);
  onEvent?.({ type: 'plan', plan: generation.plan });
  const arena = new Arena(generation.plan.regions, within?.memory);
  const workspace = await startEvaluation(arena, evaluation, generation.threads);
  try {
    const writer = await KernelWriter.open(storage, options.kernels, description, workspace);
    try {
      if (writer.tilesDone > 0) onEvent?.({ type: 'resumed', done: writer.tilesDone, total: writer.tiles });
      const kernel = makeTiles(generation.sizes, {
        workspace,
        source: dataset.train.first(generation.identity.n),
        evaluator: evaluatorOf(workspace),
        rowBytes: dataset.layout.rowBytes,
        dtype: options.dtype,
      });
      const { made, tiles } = await generateTiles({
        workspace,
        kernel,
        sink: writer,
        band: generation.sizes.band,
        ...(signal === undefined ? {} : { signal }),
        ...(onEvent === undefined ? {} : { onEvent }),
      });
      await writer.finish();
      return {
        memId: description.memId,
        folder: writer.folder,
        kernel: evaluation.kernel,
        n: generation.identity.n,
        tileSize: description.tileSize,
        dtype: options.dtype,
        bytes: tileFileBytes(description),
        tilesMade: made,
        tiles,
        seconds: (performance.now() - start) / 1000,
        bytesRead: bytesBefore + kernel.bytesRead,
        bytesWritten: writer.bytesWritten,
        plan: generation.plan,
      };
    } finally {
      await writer.close();
    }
  } finally {
    await workspace.threads.close();
  }
}

function refuseMatrix({ matrix, kernel }: GenerateOptions): void {
  if (matrix === undefined) return;
  throw new MlmlError(
    'MLML_USAGE',
    `--matrix=${matrix}: is for --kernel=precomputed, not for --kernel=${kernel}; leave one of the two away`,
  );
}
