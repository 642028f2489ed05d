import { type Dtype, dtypeBytes } from '../../arithmetic/dtype.js';
import type { Task } from '../../data/format.js';
import { labelCount, type RowLayout, rowLayout } from '../../data/rowLayout.js';
import { MlmlError } from '../../errors.js';
import { LARGEST_ARENA } from '../../memory/arena.js';
import { alignUp, budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import { lossOf } from '../losses/losses.js';
import type { TrainOptions } from '../options.js';
import { isWeighted } from '../rowWeights.js';
import { scorerRegions, scoringBytes } from '../score.js';
import { outputsOf } from '../sgd/planModels.js';
import { FLOATS_PER_BLOCK, type ModelPlan, type StepPlan, stepRegions } from '../sgd/planStreaming.js';
import { initialModelRegions } from '../warmStart.js';

/** Rows encoded at once are worth no more. */
const MOST_ROW_BYTES = 1 << 20;
/** Kernels may read so far behind the last row. */
const TAIL = 64;

/** What decides how much memory a learner needs. */
export interface LearnerSize {
  readonly d: number;
  readonly k: number;
  readonly task: Task;
  readonly dtype: Dtype;
  readonly options: TrainOptions;
  readonly batch: number;
  /** Rows come with weights, which lie behind their labels. */
  readonly weighted: boolean;
}

/** What a learner keeps in memory. Rows lie as in a data set: features, label, and the weight when there is one. */
export interface LearnerPlan {
  readonly steps: StepPlan;
  readonly model: ModelPlan;
  readonly regions: readonly Region[];
  readonly plannedPeakBytes: number;
  readonly layout: RowLayout;
  /** Rows encoded at once. */
  readonly rows: number;
}

/**
 * Room for what lies outside the arena, whose pages are never touched: the scaling, the centre and the scaling with the centre
 * taken off; counts, weights and shares of the classes.
 */
function outsideRegion(d: number, k: number): Region {
  return { name: 'outside', bytes: 8 * (4 * d + 3 * k) };
}

/**
 * Sizes of a learner's memory. Nothing that grows with d or k has been made yet. `MLML_BUDGET_TOO_SMALL` names the smallest
 * budget that works; `MLML_USAGE` for one that no memory would hold.
 */
export function planLearner(size: LearnerSize): LearnerPlan {
  const { d, k, task, options, dtype, batch, weighted } = size;
  const plain = rowLayout(d, dtype, 'float64', labelCount(size));
  const layout = weighted ? { ...plain, rowBytes: plain.rowBytes + dtypeBytes.float64 } : plain;
  const columns = lossOf(options.loss).columns(task, k);
  const stride = alignUp(d, FLOATS_PER_BLOCK);
  const { schedule } = options;
  const model: ModelPlan = {
    options,
    prefix: '',
    firstColumn: 0,
    variant: 0,
    columns,
    schedule: schedule === 'auto' ? 'inverse' : schedule,
  };
  const regionsWith = (rows: number, scoring: number): Region[] => [
    ...stepRegions(layout, stride, batch, [model], weighted || isWeighted(options)),
    ...initialModelRegions(options, d, columns),
    outsideRegion(d, k),
    // The rows to score are those of the learner.
    ...scorerRegions(layout, columns, scoring).filter(({ name }) => name !== 'score rows'),
    { name: 'rows', bytes: rows * layout.rowBytes + TAIL },
  ];
  const bytesWith = (rows: number, scoring: number) => layOut(regionsWith(rows, scoring)).totalBytes;
  const budget = Math.min(options.bufferBytes, LARGEST_ARENA);
  const job = `a learner of ${d} features x ${outputsOf(1, columns)}`;
  const least = bytesWith(1, 0);
  if (least > options.bufferBytes) throw budgetTooSmall(job, least, options.bufferBytes);
  if (least > LARGEST_ARENA) {
    throw new MlmlError(
      'MLML_USAGE',
      `${job} with ${batch} rows a step takes ${Math.ceil(least / 1e6)} MB, whatever bufferBytes is, and memory ends at 4 GiB; use fewer features, or a smaller batch`,
    );
  }
  const scoring = bytesWith(1, scoringBytes(budget)) <= budget ? scoringBytes(budget) : 0;
  const left = Math.min(MOST_ROW_BYTES, budget - bytesWith(1, scoring));
  const rows = 1 + Math.max(0, Math.floor((left - TAIL) / layout.rowBytes));
  const regions = regionsWith(rows, scoring);
  return {
    layout,
    rows,
    steps: {
      layout,
      // The penalty is one for each row.
      rows: 1,
      stride,
      folds: 0,
      chosen: { batch, epochs: 1, lastStep: Number.POSITIVE_INFINITY, centred: false },
    },
    model,
    regions,
    plannedPeakBytes: layOut(regions).totalBytes,
  };
}
