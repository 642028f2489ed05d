import type { Kernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import type { Arena } from '../../memory/arena.js';
import type { Loss } from '../losses/loss.js';
import { lossOf } from '../losses/losses.js';
import type { InterceptStep, Optimizer, WeightStep } from '../optimizers/optimizer.js';
import { optimizerOf } from '../optimizers/optimizers.js';
import type { LossName, TrainOptions } from '../options.js';
import type { RowSample } from './calibration.js';
import { countRight } from './countRight.js';
import type { ModelPlan, StepPlan } from './planStreaming.js';
import type { RowBatch } from './rowBatch.js';
import type { StepModel } from './runParts.js';
import type { SharedStep } from './sharedStep.js';

/**
 * The arithmetic of one model: scores of the rows in the batch, losses, slopes, the update of its weights. Its
 * weights are rows of the matrix of all models; its other regions carry its prefix. Nothing is allocated after
 * construction.
 */
export class ModelStep implements StepModel {
  /** Sum of losses and number of rows classified right in the last step. */
  lossSum = 0;
  right = 0;
  /** columns × stride floats, and columns floats. */
  readonly weights: Float32Array;
  readonly intercept: Float32Array;
  readonly #plan: StepPlan;
  readonly #model: ModelPlan;
  readonly #options: TrainOptions;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #batch: RowBatch;
  readonly #optimizer: Optimizer;
  readonly #lossFunction: Loss;
  readonly #classification: boolean;
  readonly #addresses: { readonly scores: number; readonly intercept: number; readonly result: number };
  /** Weights to go back to: taken often, so made once. */
  readonly #good: { readonly weights: Float32Array; readonly intercept: Float32Array };
  readonly #scores: Float32Array;
  /** Sum of losses and rows right, as a loss kernel leaves them. */
  readonly #result: Float64Array;
  /** Where several threads share each step. */
  readonly #shared: SharedStep | undefined;
  readonly #weightStep: WeightStep;
  readonly #interceptStep: InterceptStep;
  readonly loss: LossName;
  /** Columns of scores. */
  readonly columns: number;
  /** Steps in the running mean of the weights, which stands for them as soon as there is one. */
  averaged = 0;

  constructor(
    plan: StepPlan,
    model: ModelPlan,
    classification: boolean,
    batch: RowBatch,
    arena: Arena,
    kernels: Kernels,
    shared?: SharedStep,
  ) {
    this.#shared = shared;
    const { stride } = plan;
    const { columns, firstColumn, prefix, options } = model;
    this.#plan = plan;
    this.#model = model;
    this.#options = options;
    this.#arena = arena;
    this.#kernels = kernels;
    this.#batch = batch;
    this.#classification = classification;
    this.#optimizer = optimizerOf(options.optimizer);
    this.#lossFunction = lossOf(options.loss);
    this.loss = options.loss;
    this.columns = columns;
    const address = (name: string) => arena.address(`${prefix}${name}`);
    const w = arena.address('weights') + 4 * firstColumn * stride;
    const intercept = arena.address('intercept') + 4 * firstColumn;
    this.#addresses = { scores: address('scores'), intercept, result: address('batch result') };
    this.#scores = arena.float32(`${prefix}scores`);
    this.#result = arena.float64(`${prefix}batch result`);
    this.#good = { weights: this.#floats('good weights'), intercept: this.#floats('good intercept') };
    this.weights = new Float32Array(arena.buffer, w, columns * stride);
    this.intercept = new Float32Array(arena.buffer, intercept, columns);
    const states = Array.from({ length: this.#optimizer.matrices }, (_, i) => i);
    this.#weightStep = {
      kernels,
      x: batch.x,
      m: 0,
      stride,
      from: 0,
      to: stride,
      slopes: address('scores'),
      k: columns,
      w,
      state: states.map((i) => address(`state ${i}`)),
      scale: 0,
      decay: options.reg / plan.rows,
      rate: 0,
      momentum: options.momentum,
      t: 0,
    };
    this.#interceptStep = {
      values: this.intercept,
      gradient: arena.float64(`${prefix}intercept gradient`),
      state: states.map((i) => arena.float32(`${prefix}intercept state ${i}`)),
      rate: 0,
      momentum: options.momentum,
      t: 0,
    };
  }

  #floats(name: string): Float32Array {
    return this.#arena.float32(`${this.#model.prefix}${name}`);
  }

  /** Scores and losses of the batch; leaves the slopes where the scores were. */
  #evaluateBatch(): void {
    const { stride } = this.#plan;
    const { columns } = this.#model;
    const { w, x } = this.#weightStep;
    const { filled: rows, labels, labelsAddress, weights } = this.#batch;
    const { scores, intercept, result } = this.#addresses;
    if (this.#shared?.pace.shared) this.#shared.score(x, rows, stride, w, columns, intercept, scores);
    else this.#kernels.scores32(x, rows, stride, w, columns, intercept, scores);
    if (this.#lossFunction.kernel !== undefined && weights === undefined) {
      this.#lossFunction.kernel(this.#kernels, scores, rows, columns, labelsAddress, result);
      this.lossSum = this.#result[0]!;
      this.right = this.#result[1]!;
      return;
    }
    this.right = this.#classification ? countRight(this.#scores, labels, rows, columns) : 0;
    this.lossSum = this.#lossFunction.evaluate(this.#scores, rows, columns, labels, this.#scores, weights);
  }

  /** One update from the rows in the batch. `t` counts steps from 1. */
  step(rate: number, t: number): void {
    this.#evaluateBatch();
    const rows = this.#batch.filled;
    const weightStep = this.#weightStep;
    weightStep.m = rows;
    weightStep.scale = 1 / rows;
    weightStep.rate = rate;
    weightStep.t = t;
    const l1 = this.#options.l1 / this.#plan.rows;
    if (this.#shared?.pace.shared) this.#shared.update(this.#options.optimizer, weightStep, l1);
    else {
      this.#optimizer.stepWeights(weightStep);
      if (l1 > 0) this.#optimizer.shrinkWeights(weightStep, l1);
    }
    if (this.#options.bias) this.#stepIntercept(rows, rate, t);
  }

  #stepIntercept(rows: number, rate: number, t: number): void {
    const { columns } = this.#model;
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

  /** Loss of the rows of a block with the weights as they are, and the sum of their weights; uses the batch, changes nothing else. */
  lossOn(block: RowBlock): { readonly loss: number; readonly weight: number } {
    let loss = 0;
    let weight = 0;
    this.#batch.forEach(block, () => {
      this.#batch.checkLabels();
      this.#evaluateBatch();
      loss += this.lossSum;
      weight += this.#batch.weight;
    });
    return { loss, weight };
  }

  /** Rows of the batch that count, and the sum of their weights. */
  get counted(): number {
    return this.#batch.counted;
  }
  get weight(): number {
    return this.#batch.weight;
  }

  /** Steps at a constant rate from the rows of a block: changes the weights and the optimiser's state. */
  tryRate(rate: number, block: RowBlock): void {
    let t = 0;
    this.#batch.forEach(block, () => {
      this.#batch.checkLabels();
      this.step(rate, ++t);
    });
  }

  /** The rows of a block as a sample for the automatic rate. Overwrites weights and first state: for use before training. */
  sample(block: RowBlock): RowSample {
    const { stride, layout } = this.#plan;
    const { d } = layout;
    const batch = this.#batch;
    const product = this.#floats('state 0').subarray(0, d);
    const { w, x, state } = this.#weightStep;
    const { scores } = this.#addresses;
    const zero = this.#arena.address(`${this.#model.prefix}good intercept`);
    this.#good.intercept.fill(0);
    return {
      rows: block.to - block.from,
      d,
      forEachRow: (visit) => {
        batch.forEach(block, () => {
          for (let i = 0; i < batch.filled; i++) {
            let squares = 0;
            for (let j = i * stride; j < i * stride + d; j++) squares += batch.values[j]! * batch.values[j]!;
            visit(squares, batch.weights === undefined ? 1 : batch.weights[i]!);
          }
        });
      },
      applySecondMoment: (vector) => {
        this.weights.fill(0).set(vector);
        vector.fill(0);
        batch.forEach(block, () => {
          const rows = batch.filled;
          this.#kernels.scores32(x, rows, stride, w, 1, zero, scores);
          for (let i = 0; batch.weights !== undefined && i < rows; i++) this.#scores[i]! *= batch.weights[i]!;
          this.#kernels.gradient32(x, rows, stride, 0, stride, scores, 1, w, state[0]!, 1, 0);
          for (let j = 0; j < d; j++) vector[j]! += product[j]!;
        });
        for (let j = 0; j < d; j++) vector[j]! /= block.to - block.from;
      },
    };
  }

  clearWeights(): void {
    this.weights.fill(0);
    this.intercept.fill(0);
  }

  /** Keeps the weights as they are, to go back to. */
  keep(): void {
    this.#good.weights.set(this.weights);
    this.#good.intercept.set(this.intercept);
  }

  /** Goes back to the weights kept last and forgets the optimiser's state, and the running mean, which may hold what exploded. */
  goBack(): void {
    this.weights.set(this.#good.weights);
    this.intercept.set(this.#good.intercept);
    this.clearState();
    if (this.averaged > 0) this.startAverage();
  }

  clearState(): void {
    for (let i = 0; i < this.#optimizer.matrices; i++) {
      this.#floats(`state ${i}`).fill(0);
      this.#floats(`intercept state ${i}`).fill(0);
    }
  }

  /** Begins a new running mean. */
  startAverage(): void {
    this.averaged = 0;
    this.#floats('average weights').fill(0);
    this.#floats('average intercept').fill(0);
  }

  /** Takes the weights as they are into their running mean. */
  average(): void {
    const share = 1 / ++this.averaged;
    const target = this.#arena.address(`${this.#model.prefix}average weights`);
    this.#kernels.averageStep(target, this.#weightStep.w, this.weights.length, share);
    const mean = this.#floats('average intercept');
    for (let c = 0; c < mean.length; c++) mean[c]! += share * (this.intercept[c]! - mean[c]!);
  }

  /** What is judged and becomes the model: the mean of the weights, or the weights. */
  #judged(): { readonly weights: Float32Array; readonly intercept: Float32Array } {
    if (this.averaged === 0) return this;
    return { weights: this.#floats('average weights'), intercept: this.#floats('average intercept') };
  }

  /** Keeps the model as it is as the best so far. */
  keepBest(): void {
    const { weights, intercept } = this.#judged();
    this.#floats('best weights').set(weights);
    this.#floats('best intercept').set(intercept);
  }

  /** Takes the best weights kept for the model. Training does not go on from them. */
  takeBest(): void {
    this.weights.set(this.#floats('best weights'));
    this.intercept.set(this.#floats('best intercept'));
    this.averaged = 0;
  }

  /**
   * Writes the model in double precision, columns × d, for scoring. The centring moves into the intercept:
   * w·(x − μ) + c = w·x + (c − w·μ).
   */
  writeTo(weights: Float64Array, intercept: Float64Array, centre: Float64Array): void {
    const { stride, layout } = this.#plan;
    const judged = this.#judged();
    for (let c = 0; c < this.columns; c++) {
      let shift = 0;
      for (let j = 0; j < layout.d; j++) {
        const weight = judged.weights[c * stride + j]!;
        weights[c * layout.d + j] = weight;
        shift += weight * centre[j]!;
      }
      intercept[c] = judged.intercept[c]! - shift;
    }
  }
}
