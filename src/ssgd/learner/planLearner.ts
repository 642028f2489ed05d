import { dtypeBytes } from '../../arithmetic/dtype.js';
import { type RowLayout, rowLayout } from '../../data/rowLayout.js';
import { alignUp, budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import { lossOf } from '../losses/losses.js';
import { scorerRegions, scoringBytes } from '../score.js';
import { FLOATS_PER_BLOCK, type ModelPlan, type StepPlan, stepRegions } from '../sgd/planStreaming.js';
import { initialModelRegions } from '../warmStart.js';
import type { LearnerSetting } from './learnerOptions.js';

/** Rows encoded at once are worth no more. */
const MOST_ROW_BYTES = 1 << 20;
/** Kernels may read so far behind the last row. */
const TAIL = 64;

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

/** Sizes of a learner's memory. `MLML_BUDGET_TOO_SMALL` names the smallest budget that works. */
export function planLearner({ description, options, dtype, batch, weighting }: LearnerSetting): LearnerPlan {
  const { d, task, k } = description;
  const plain = rowLayout(d, dtype, 'float64');
  const layout = weighting?.behindLabel ? { ...plain, rowBytes: plain.rowBytes + dtypeBytes.float64 } : plain;
  const columns = lossOf(options.loss).columns(task, k);
  const stride = alignUp(d, FLOATS_PER_BLOCK);
  const { schedule } = options;
  const model: ModelPlan = {
    options,
    prefix: '',
    firstColumn: 0,
    columns,
    schedule: schedule === 'auto' ? 'inverse' : schedule,
  };
  const regionsWith = (rows: number, scoring: number): Region[] => [
    ...stepRegions(layout, stride, batch, [model], weighting !== undefined),
    ...initialModelRegions(options, d, columns),
    // The rows to score are those of the learner.
    ...scorerRegions(layout, columns, scoring).filter(({ name }) => name !== 'score rows'),
    { name: 'rows', bytes: rows * layout.rowBytes + TAIL },
  ];
  const bytesWith = (rows: number, scoring: number) => layOut(regionsWith(rows, scoring)).totalBytes;
  const budget = options.bufferBytes;
  const job = `a learner of ${d} features x ${columns} ${columns === 1 ? 'output' : 'outputs'}`;
  const least = bytesWith(1, 0);
  if (least > budget) throw budgetTooSmall(job, least, budget);
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
      chosen: { batch, epochs: 1, lastStep: Number.POSITIVE_INFINITY, centred: false },
    },
    model,
    regions,
    plannedPeakBytes: layOut(regions).totalBytes,
  };
}
