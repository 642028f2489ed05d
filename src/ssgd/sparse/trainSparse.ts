import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import { Arena } from '../../memory/arena.js';
import type { TrainOptions } from '../options.js';
import { weightingOf } from '../rowWeights.js';
import { StreamingRun } from '../sgd/trainStreaming.js';
import { startThreads } from '../startThreads.js';
import type { JobContext, Trained } from '../train.js';
import type { SparsePlan } from './planSparse.js';
import { SparseParts } from './sparseParts.js';
import { sparseScaling } from './sparseScaling.js';
import { writeFactors } from './writeFactors.js';

/**
 * Trains on sparse rows by the loop of `trainStreaming`: the same objective, schedules, watches, sweeps and saved states. A step costs
 * what its rows have nonzeros; see `SparseStep`.
 */
export async function trainSparse(
  plan: SparsePlan,
  dataset: SparseDataset,
  options: TrainOptions,
  context: JobContext,
): Promise<Trained> {
  const { description } = dataset;
  const { task, k, d } = description;
  const lockFree = plan.threads > 1;
  const arena = new Arena(plan.regions);
  const hogwild = {
    plan,
    classes: task === 'classification' ? k : 0,
    weighting: weightingOf(description, options),
    memory: arena.memory,
  };
  const scaling = await sparseScaling(dataset, options.scale);
  await writeFactors(plan, dataset, scaling, arena);
  const mean = new Float64Array(context.init === undefined ? 0 : d);
  if (context.init !== undefined) await dataset.readFeatures('mean', mean);
  const workspace = await startThreads(arena, plan.threads, lockFree ? { hogwild } : {});
  try {
    const parts = new SparseParts(workspace, plan, dataset, options, context, scaling, mean);
    return await new StreamingRun(plan, parts, task, options, context).run();
  } finally {
    await workspace.threads.close();
  }
}
