import type { Kernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import { Arena } from '../../memory/arena.js';
import type { Region } from '../../memory/plan.js';
import type { RowWeighting } from '../rowWeights.js';
import { learningRate } from '../schedules.js';
import type { SparsePlan } from '../sparse/planSparse.js';
import { SparseBatch } from '../sparse/sparseBatch.js';
import { SparseStep } from '../sparse/sparseStep.js';
import { ModelStep } from './modelStep.js';
import type { StreamingPlan } from './planStreaming.js';
import { RowBatch } from './rowBatch.js';
import type { StepModel } from './runParts.js';
import { OUTCOME } from './streamingThreads.js';

/** What every thread of hsgd is told at its start. Plain data. */
export interface HogwildSetup {
  readonly plan: StreamingPlan | SparsePlan;
  /** Number of classes; 0 for regression. */
  readonly classes: number;
  readonly weighting: RowWeighting | undefined;
  /** The arena's. */
  readonly memory: WebAssembly.Memory;
}

/** Batches of a block that threads take one after the other. Rows `from + i·batch` on of the block are batch i. */
export interface Segment {
  readonly block: RowBlock;
  readonly batches: number;
  /** Steps and rows of the run before it, and rows of the whole run. */
  readonly steps: number;
  readonly samples: number;
  readonly total: number;
  readonly eta0: number;
  /** Of the loss, that the rate was made for. */
  readonly curvature: number;
  /** Largest squared norm that a row can have. */
  readonly squareBound: number;
}

/** Places of the control words: the next batch to take, and whether to stop. */
export const NEXT = 0;
export const STOP = 1;

function isSparsePlan(plan: StreamingPlan | SparsePlan): plan is SparsePlan {
  return !('stride' in plan);
}

/** The regions of a plan as one thread sees them: its own bear the names that those of the main thread have. */
function regionsOf(regions: readonly Region[], thread: number): Region[] {
  const prefix = `thread ${thread} `;
  const own = new Set(
    regions.flatMap(({ name }) => (name.startsWith(prefix) ? name.slice(prefix.length) : [])),
  );
  return regions.map((region) => {
    const { name } = region;
    if (name.startsWith(prefix)) return { ...region, name: name.slice(prefix.length) };
    return own.has(name) ? { ...region, name: `main ${name}` } : region;
  });
}

/**
 * One thread of Hogwild! (Niu, Recht, Ré, Wright, NIPS 2011): takes batches of a segment and steps from each on the
 * weights that all threads share, without locks: what another thread writes between this one's reading of a weight and
 * its writing is lost. Rows, scores and the state of the optimiser are its own.
 */
export class HogwildThread {
  readonly #plan: Pick<StreamingPlan, 'chosen' | 'models'>;
  readonly #batch: RowBatch | SparseBatch;
  readonly #step: StepModel;
  readonly #control: Int32Array;
  readonly #outcomes: Float64Array;

  constructor({ plan, classes, weighting, memory }: HogwildSetup, thread: number, kernels: Kernels) {
    const arena = new Arena(regionsOf(plan.regions, thread), memory);
    this.#plan = plan;
    const model = plan.models[0]!;
    if (isSparsePlan(plan)) {
      const batch = new SparseBatch(plan, classes, arena, kernels, weighting?.classWeights);
      this.#batch = batch;
      this.#step = new SparseStep(plan, model, classes > 0, batch, arena, kernels);
    } else {
      const batch = new RowBatch(plan, classes, arena, kernels, undefined, weighting);
      this.#batch = batch;
      this.#step = new ModelStep(plan, model, classes > 0, batch, arena, kernels);
    }
    this.#control = arena.int32('hogwild control');
    this.#outcomes = arena.float64('hogwild outcomes');
  }

  /** Trains on batches until none is open, or a loss is no number: then all threads stop. */
  train({ block, batches, steps, samples, total, eta0, curvature, squareBound }: Segment): void {
    const { chosen, models } = this.#plan;
    const { damp, step } = models[0]!.options;
    const schedule = { schedule: models[0]!.schedule, eta0, damp, step };
    const part = { ...block };
    const model = this.#step;
    model.curvature = curvature;
    this.#batch.squareBound = squareBound;
    while (Atomics.load(this.#control, STOP) === 0) {
      const number = Atomics.add(this.#control, NEXT, 1);
      if (number >= batches) return;
      const done = samples + number * chosen.batch;
      part.to = block.from + (number + 1) * chosen.batch;
      this.#batch.take(part, part.to - chosen.batch);
      this.#batch.checkLabels();
      const rate = learningRate(schedule, {
        step: steps + number,
        progress: Math.min(1, done / total),
      });
      model.step(rate, steps + number + 1);
      const at = OUTCOME * number;
      this.#outcomes[at] = model.lossSum;
      this.#outcomes[at + 1] = model.right;
      this.#outcomes[at + 2] = model.counted;
      this.#outcomes[at + 3] = model.weight;
      this.#batch.clear();
      if (!Number.isFinite(model.lossSum)) Atomics.store(this.#control, STOP, 1);
    }
  }
}
