import { type Gather, gather32Of, labelDtypeCodes, writeScaling } from '../../arithmetic/gather.js';
import type { Kernels } from '../../arithmetic/kernels.js';
import { foldedLayout } from '../../data/foldedRows.js';
import type { RowBlock } from '../../data/rowBlock.js';
import type { RowLayout } from '../../data/rowLayout.js';
import type { Arena } from '../../memory/arena.js';
import { checkLabels } from '../checkLabels.js';
import { type RowWeighting, readRowWeights } from '../rowWeights.js';
import { partsWorth } from '../threadsWorth.js';
import type { StepPlan } from './planStreaming.js';
import type { SharedStep } from './sharedStep.js';

const UINT8 = labelDtypeCodes.indexOf('uint8');

/**
 * The rows of one step: gathered from blocks, scaled, as floats, with their labels. Knows nothing of models; all
 * models that train on a stream step from the same batch. Lies in the regions 'x', 'labels' and 'scaling'.
 */
export class RowBatch {
  /** Rows in the batch so far. */
  filled = 0;
  /** Those of them whose weight is not 0, and the sum of all weights. */
  counted = 0;
  weight = 0;
  /** Address of the scaled rows, `stride` floats apart. */
  readonly x: number;
  /** The same as numbers. */
  readonly values: Float32Array;
  readonly labelsAddress: number;
  /** All labels of one row after those of another. */
  readonly labels: Float64Array;
  readonly labelsOfRow: number;
  /** Weights of the rows; undefined when all count once. */
  readonly weights: Float64Array | undefined;
  squareBound = Number.POSITIVE_INFINITY;
  /** Below 0: not known yet. */
  #largestSquare = -1;
  /** Whether somebody asked for it, of this batch and of the one before: threads that gather rows find it by the way. */
  #asked = false;
  #askedBefore = false;
  /** Folds of the rows, which they carry behind them; undefined without a cross-validation. */
  readonly folds: Float64Array | undefined;
  /** How rows lie in blocks. */
  readonly #layout: RowLayout;
  readonly #weighting: RowWeighting | undefined;
  readonly #plan: StepPlan;
  readonly #kernels: Kernels;
  readonly #gather: Gather;
  readonly #labelCode: number;
  readonly #scaling: number;
  readonly #classes: number;
  /** Where several threads share each step. */
  readonly #shared: SharedStep | undefined;

  constructor(
    plan: StepPlan,
    /** Number of classes; 0 for regression. */
    classes: number,
    arena: Arena,
    kernels: Kernels,
    /** Undefined when it lies in the arena already. */
    scaling: { readonly multiply: Float64Array; readonly add: Float64Array } | undefined,
    weighting?: RowWeighting,
    shared?: SharedStep,
  ) {
    this.#shared = shared;
    const { layout, stride } = plan;
    this.#layout = plan.folds > 0 ? foldedLayout(layout) : layout;
    this.folds = plan.folds > 0 ? arena.float64('row folds') : undefined;
    this.#plan = plan;
    this.#kernels = kernels;
    this.#classes = classes;
    this.#gather = gather32Of(kernels, layout.dtype);
    this.#labelCode = labelDtypeCodes.indexOf(layout.labelDtype);
    this.x = arena.address('x');
    this.values = arena.float32('x');
    this.labelsAddress = arena.address('labels');
    this.labels = arena.float64('labels');
    this.labelsOfRow = layout.labels;
    this.#weighting = weighting;
    this.weights = weighting === undefined ? undefined : arena.float64('row weights');
    this.#scaling = arena.address('scaling');
    if (scaling !== undefined) writeScaling(arena.buffer, this.#scaling, stride, layout.dtype, 32, scaling);
  }

  get full(): boolean {
    return this.filled === this.#plan.chosen.batch;
  }

  /** Takes rows `block.order[from …]` into the batch until it is full; returns how many. */
  take(block: RowBlock, from: number): number {
    const { stride, chosen } = this.#plan;
    const layout = this.#layout;
    const count = Math.min(chosen.batch - this.filled, block.to - from);
    const { base, order } = block;
    const target = this.x + 4 * stride * this.filled;
    if (this.#shared?.pace.shared && this.#sharesRows(count)) {
      const largest = this.#shared.gather(
        block,
        layout,
        from,
        count,
        stride,
        this.#scaling,
        target,
        this.#askedBefore,
      );
      if (this.#askedBefore && (this.filled === 0 || this.#largestSquare >= 0))
        this.#largestSquare = Math.max(largest, this.filled === 0 ? 0 : this.#largestSquare);
      else this.#largestSquare = -1;
    } else {
      this.#gather(base, layout.rowBytes, order, from, count, layout.d, stride, this.#scaling, target);
      this.#largestSquare = -1;
    }
    this.#kernels.gatherLabels(
      base,
      layout.rowBytes,
      layout.labelOffset,
      this.#labelCode,
      layout.labels,
      order,
      from,
      count,
      this.labelsAddress + 8 * layout.labels * this.filled,
    );
    if (this.folds !== undefined) {
      const behind = this.#plan.layout.rowBytes;
      const target = this.folds.byteOffset + 8 * this.filled;
      this.#kernels.gatherLabels(base, layout.rowBytes, behind, UINT8, 1, order, from, count, target);
    }
    if (this.#weighting !== undefined) {
      const { labels, weights, filled } = this;
      readRowWeights(this.#kernels, this.#weighting, layout, block, from, count, labels, weights!, filled);
      for (let i = filled; i < filled + count; i++) {
        if (weights![i] !== 0) this.counted++;
        this.weight += weights![i]!;
      }
    } else {
      this.counted += count;
      this.weight += count;
    }
    this.filled += count;
    return count;
  }

  get largestSquare(): number {
    this.#asked = true;
    if (this.#largestSquare < 0)
      this.#largestSquare = this.#kernels.largestSquare32(this.x, this.filled, this.#plan.stride);
    return this.#largestSquare;
  }

  squareOf(i: number): number {
    const { stride } = this.#plan;
    return this.#kernels.largestSquare32(this.x + 4 * stride * i, 1, stride);
  }

  /** A value of a row takes about four times a multiply-add. */
  #sharesRows(count: number): boolean {
    return partsWorth(2, 4 * count * this.#plan.stride) > 1;
  }

  /** @throws MlmlError `MLML_BAD_DATA` when a label of the batch is not a class */
  checkLabels(): void {
    if (this.#classes > 0) checkLabels(this.labels, this.filled, this.#classes);
  }

  clear(): void {
    this.filled = 0;
    this.counted = 0;
    this.weight = 0;
    this.#askedBefore = this.#asked;
    this.#asked = false;
  }
}
