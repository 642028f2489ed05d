/**
 * Labels of regression that lie far from 0 compared with how they spread. Scores of steps are sums in single precision: where its
 * numbers lie too far apart at the size of the labels, no score is near a label, whatever the weights.
 */
import type { RowBlock } from '../../data/rowBlock.js';
import type { LossName, Verb } from '../options.js';
import { forEachBatch } from './batchPasses.js';
import type { StepBatch } from './runParts.js';

/** Bits of the significand of single precision. */
const BITS = 24;
/** Its numbers at the largest label lie no farther apart than the standard deviation over this, or labels cannot be learnt. */
const LEAST_STEPS = 1000;

/** One label of the rows looked at. */
export interface LabelFigures {
  readonly rows: number;
  readonly mean: number;
  readonly deviation: number;
  /** The largest absolute value. */
  readonly largest: number;
}

/** Figures of each label of the rows of a block that count. The batch must be empty, and is after it. */
export function labelFigures(batch: StepBatch, block: RowBlock): LabelFigures[] {
  const outputs = batch.labelsOfRow;
  // Welford's running means and squared deviations.
  const [means, squares, largest] = [0, 0, 0].map(() => new Float64Array(outputs));
  let rows = 0;
  forEachBatch(batch, block, () => {
    batch.checkLabels();
    for (let i = 0; i < batch.filled; i++) {
      if (batch.weights?.[i] === 0) continue;
      rows++;
      for (let l = 0; l < outputs; l++) {
        const label = batch.labels[i * outputs + l]!;
        const before = label - means![l]!;
        means![l]! += before / rows;
        squares![l]! += before * (label - means![l]!);
        largest![l] = Math.max(largest![l]!, Math.abs(label));
      }
    }
  });
  return Array.from(means!, (mean, l) => {
    return { rows, mean, deviation: Math.sqrt(squares![l]! / Math.max(rows, 1)), largest: largest![l]! };
  });
}

/** What lies between two neighbouring numbers of single precision of this size. */
function spacingAt(size: number): number {
  return 2 ** (Math.floor(Math.log2(size)) - BITS + 1);
}

/** The roundest number near the mean that leaves labels no farther from 0 than they spread. */
function offsetOf({ mean, deviation }: LabelFigures): number {
  const unit = 10 ** Math.floor(Math.log10(deviation));
  // Divided for units below 1, which are no exact numbers.
  return unit < 1 ? Math.round(mean / unit) / Math.round(1 / unit) : Math.round(mean / unit) * unit;
}

/** What to tell of labels that lie too far from 0, and what helps; undefined when none does. */
export function farLabels(
  verb: Verb,
  loss: LossName,
  figures: readonly LabelFigures[],
): { readonly message: string; readonly remedy: string } | undefined {
  // Labels that are all alike are learnt by an intercept.
  const isFar = ({ deviation, largest }: LabelFigures) =>
    deviation > 0 && spacingAt(largest) * LEAST_STEPS > deviation;
  const index = figures.findIndex(isFar);
  if (index < 0) return undefined;
  const { rows, mean, deviation, largest } = figures[index]!;
  const many = figures.filter(isFar).length;
  const which = figures.length === 1 ? 'the labels lie' : `label ${index + 1} of ${figures.length} lies`;
  const others = many > 1 ? ` (and ${many - 1} more)` : '';
  // closed minimises squares alone.
  const verbs = loss === 'ridge' ? 'the verb closed or gd' : 'the verb gd';
  const remedy = `${verbs}, or subtract about ${offsetOf(figures[index]!)} from the label`;
  return {
    remedy,
    message:
      `${which} far from 0${others}: mean ${mean.toPrecision(3)}, standard deviation ${deviation.toPrecision(3)}, in ${rows} rows looked at; ` +
      `${verb} computes scores in single precision, whose numbers lie ${spacingAt(largest).toPrecision(3)} apart there, and may learn little or nothing; use ${remedy}`,
  };
}
