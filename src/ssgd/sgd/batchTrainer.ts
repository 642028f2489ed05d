import { type Gather, gather32Of, labelDtypeCodes, writeScaling } from '../../arithmetic/gather.js';
import type { Kernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import type { Arena } from '../../memory/arena.js';
import { checkLabels } from '../checkLabels.js';
import type { Loss } from '../losses/loss.js';
import { lossOf } from '../losses/losses.js';
import type { InterceptStep, Optimizer, WeightStep } from '../optimizers/optimizer.js';
import { optimizerOf } from '../optimizers/optimizers.js';
import type { TrainOptions } from '../options.js';
import type { RowSample } from './calibration.js';
import type { StreamingPlan } from './planStreaming.js';

/**
 * The arithmetic of streaming SGD: fills a batch with scaled rows, computes scores, losses and slopes, updates
 * the weights. Everything lies in the arena; nothing is allocated after construction.
 */
export class BatchTrainer {
  /** Rows in the batch so far. */
  filled = 0;
  /** Sum of losses and number of rows classified right in the last step. */
  lossSum = 0;
  right = 0;
  readonly weights: Float32Array;
  readonly intercept: Float32Array;
  readonly #plan: StreamingPlan;
  readonly #options: TrainOptions;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #optimizer: Optimizer;
  readonly #loss: Loss;
  readonly #gather: Gather;
  readonly #labelCode: number;
  readonly #classification: boolean;
  readonly #classes: number;
  readonly #addresses: {
    readonly x: number;
    readonly labels: number;
    readonly scores: number;
    readonly scaling: number;
    readonly result: number;
  };
  readonly #scores: Float32Array;
  readonly #labels: Float64Array;
  /** Sum of losses and rows right, as a loss kernel leaves them. */
  readonly #result: Float64Array;
  readonly #weightStep: WeightStep;
  readonly #interceptStep: InterceptStep;
  #averaged = 0;

  constructor(
    plan: StreamingPlan,
    options: TrainOptions,
    /** Number of classes; 0 for regression. */
    classes: number,
    arena: Arena,
    kernels: Kernels,
    scaling: { readonly multiply: Float64Array; readonly add: Float64Array },
  ) {
    const { layout, columns, stride } = plan;
    this.#plan = plan;
    this.#options = options;
    this.#arena = arena;
    this.#kernels = kernels;
    this.#classification = classes > 0;
    this.#classes = classes;
    this.#optimizer = optimizerOf(options.optimizer);
    this.#loss = lossOf(options.loss);
    this.#gather = gather32Of(kernels, layout.dtype);
    this.#labelCode = labelDtypeCodes.indexOf(layout.labelDtype);
    const address = (name: string) => arena.address(name);
    this.#addresses = {
      x: address('x'),
      labels: address('labels'),
      scores: address('scores'),
      scaling: address('scaling'),
      result: address('batch result'),
    };
    this.#scores = arena.float32('scores');
    this.#labels = arena.float64('labels');
    this.#result = arena.float64('batch result');
    this.weights = arena.float32('weights');
    this.intercept = arena.float32('intercept');
    writeScaling(arena.buffer, address('scaling'), stride, layout.dtype, 32, scaling);
    const states = Array.from({ length: this.#optimizer.matrices }, (_, i) => i);
    this.#weightStep = {
      kernels,
      x: address('x'),
      m: 0,
      stride,
      slopes: address('scores'),
      k: columns,
      w: address('weights'),
      state: states.map((i) => address(`state ${i}`)),
      scale: 0,
      decay: options.reg / plan.rows,
      rate: 0,
      momentum: options.momentum,
      t: 0,
    };
    this.#interceptStep = {
      values: this.intercept,
      gradient: arena.float64('intercept gradient'),
      state: states.map((i) => arena.float32(`intercept state ${i}`)),
      rate: 0,
      momentum: options.momentum,
      t: 0,
    };
  }

  /** Takes rows `block.order[from …]` into the batch until it is full; returns how many. */
  take(block: RowBlock, from: number): number {
    const { layout, stride, chosen } = this.#plan;
    const { x, labels, scaling } = this.#addresses;
    const count = Math.min(chosen.batch - this.filled, block.to - from);
    const { base, order } = block;
    this.#gather(
      base,
      layout.rowBytes,
      order,
      from,
      count,
      layout.d,
      stride,
      scaling,
      x + 4 * stride * this.filled,
    );
    const labelsAt = labels + 8 * this.filled;
    this.#kernels.gatherLabels(
      base,
      layout.rowBytes,
      layout.labelOffset,
      this.#labelCode,
      order,
      from,
      count,
      labelsAt,
    );
    this.filled += count;
    return count;
  }

  /** Scores and losses of the batch; leaves the slopes where the scores were. */
  #evaluateBatch(): void {
    if (this.#classification) checkLabels(this.#labels, this.filled, this.#classes);
    const { columns, stride } = this.#plan;
    const { w, x } = this.#weightStep;
    const rows = this.filled;
    this.#kernels.scores32(
      x,
      rows,
      stride,
      w,
      columns,
      this.#arena.address('intercept'),
      this.#addresses.scores,
    );
    if (this.#loss.kernel !== undefined) {
      const { scores, labels, result } = this.#addresses;
      this.#loss.kernel(this.#kernels, scores, rows, columns, labels, result);
      [this.lossSum, this.right] = [this.#result[0]!, this.#result[1]!];
      return;
    }
    this.right = this.#classification ? countRight(this.#scores, this.#labels, rows, columns) : 0;
    this.lossSum = this.#loss.evaluate(this.#scores, rows, columns, this.#labels, this.#scores);
  }

  /** One update from the rows in the batch, and empties it. `t` counts steps from 1. */
  step(rate: number, t: number): void {
    this.#evaluateBatch();
    const rows = this.filled;
    const weightStep = this.#weightStep;
    weightStep.m = rows;
    weightStep.scale = 1 / rows;
    weightStep.rate = rate;
    weightStep.t = t;
    this.#optimizer.stepWeights(weightStep);
    if (this.#options.l1 > 0) {
      this.#optimizer.shrinkWeights(weightStep, this.#options.l1 / this.#plan.rows);
    }
    if (this.#options.bias) this.#stepIntercept(rows, rate, t);
    this.filled = 0;
  }

  #stepIntercept(rows: number, rate: number, t: number): void {
    const { columns } = this.#plan;
    const step = this.#interceptStep;
    step.gradient.fill(0);
    for (let i = 0, at = 0; i < rows; i++) {
      for (let c = 0; c < columns; c++, at++) step.gradient[c]! += this.#scores[at]!;
    }
    for (let c = 0; c < columns; c++) step.gradient[c]! /= rows;
    step.rate = rate;
    step.t = t;
    this.#optimizer.stepIntercept(step);
  }

  /** Mean loss of the rows of a block with the weights as they are; changes nothing. */
  meanLoss(block: RowBlock): number {
    let sum = 0;
    for (let at = block.from; at < block.to; ) {
      at += this.take(block, at);
      this.#evaluateBatch();
      sum += this.lossSum;
      this.filled = 0;
    }
    return sum / (block.to - block.from);
  }

  /** The rows of a block as a sample for the automatic rate. Overwrites weights and first state: for use before training. */
  sample(block: RowBlock): RowSample {
    const { stride, layout } = this.#plan;
    const { d } = layout;
    const batch = new Float32Array(this.#arena.buffer, this.#addresses.x, stride * this.#plan.chosen.batch);
    const product = this.#arena.float32('state 0').subarray(0, d);
    const { w, x, state } = this.#weightStep;
    const zero = this.#arena.address('good intercept');
    const forEachBatch = (visit: (rows: number) => void) => {
      for (let at = block.from; at < block.to; ) {
        at += this.take(block, at);
        visit(this.filled);
        this.filled = 0;
      }
    };
    return {
      rows: block.to - block.from,
      d,
      forEachSquaredNorm: (visit) => {
        forEachBatch((rows) => {
          for (let i = 0; i < rows; i++) {
            let squares = 0;
            for (let j = i * stride; j < i * stride + d; j++) squares += batch[j]! * batch[j]!;
            visit(squares);
          }
        });
      },
      applySecondMoment: (vector) => {
        this.weights.fill(0).set(vector);
        vector.fill(0);
        forEachBatch((rows) => {
          this.#kernels.scores32(x, rows, stride, w, 1, zero, this.#addresses.scores);
          this.#kernels.gradient32(x, rows, stride, this.#addresses.scores, 1, w, state[0]!, 1, 0);
          for (let j = 0; j < d; j++) vector[j]! += product[j]!;
        });
        for (let j = 0; j < d; j++) vector[j]! /= block.to - block.from;
      },
    };
  }

  /** Keeps the weights as they are, to go back to. */
  keep(): void {
    this.#arena.float32('good weights').set(this.weights);
    this.#arena.float32('good intercept').set(this.intercept);
  }

  /** Goes back to the weights kept last and forgets the optimiser's state and the batch. */
  restore(): void {
    this.weights.set(this.#arena.float32('good weights'));
    this.intercept.set(this.#arena.float32('good intercept'));
    this.clearState();
    this.filled = 0;
  }

  clearState(): void {
    for (let i = 0; i < this.#optimizer.matrices; i++) {
      this.#arena.float32(`state ${i}`).fill(0);
      this.#arena.float32(`intercept state ${i}`).fill(0);
    }
  }

  /** Takes the weights as they are into their running mean. */
  average(): void {
    const share = 1 / ++this.#averaged;
    const address = (name: string) => this.#arena.address(name);
    this.#kernels.averageStep(address('average weights'), this.#weightStep.w, this.weights.length, share);
    const mean = this.#arena.float32('average intercept');
    for (let c = 0; c < mean.length; c++) mean[c]! += share * (this.intercept[c]! - mean[c]!);
  }

  /** Replaces the weights by their running mean, when there is one. */
  useAverage(): void {
    if (this.#averaged === 0) return;
    this.weights.set(this.#arena.float32('average weights'));
    this.intercept.set(this.#arena.float32('average intercept'));
  }
}

/** Rows whose class is `classOf` their scores; written out for floats alone, since every training row passes here. */
function countRight(scores: Float32Array, labels: Float64Array, rows: number, columns: number): number {
  let right = 0;
  if (columns === 1) {
    for (let i = 0; i < rows; i++) if (scores[i]! > 0 === labels[i]! > 0) right++;
    return right;
  }
  for (let i = 0, at = 0; i < rows; i++, at += columns) {
    const label = labels[i]!;
    const wanted = scores[at + label]!;
    // The first of equals wins: columns before the label must be smaller, columns behind it may be equal.
    let c = 0;
    while (c < label && scores[at + c]! < wanted) c++;
    if (c < label) continue;
    c++;
    while (c < columns && scores[at + c]! <= wanted) c++;
    if (c === columns) right++;
  }
  return right;
}
