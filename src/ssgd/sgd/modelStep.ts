import type { Kernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import type { Arena } from '../../memory/arena.js';
import type { InterceptStep, Optimizer, WeightStep } from '../optimizers/optimizer.js';
import { optimizerOf } from '../optimizers/optimizers.js';
import { forEachBatch } from './batchPasses.js';
import type { RowSample } from './calibration.js';
import { LinearStep } from './linearStep.js';
import type { ModelPlan, StepPlan } from './planStreaming.js';
import type { RowBatch } from './rowBatch.js';
import type { SharedStep } from './sharedStep.js';

/**
 * The arithmetic of one model: scores of the rows in the batch, losses, slopes, the update of its weights. Its weights
 * (columns × stride floats) are rows of the matrix of all models; its other regions carry its prefix. Nothing is allocated
 * after construction.
 */
export class ModelStep extends LinearStep {
  readonly #plan: StepPlan;
  readonly #batch: RowBatch;
  readonly #optimizer: Optimizer;
  readonly #addresses: { readonly scores: number; readonly intercept: number };
  /** Where several threads share each step. */
  readonly #shared: SharedStep | undefined;
  readonly #weightStep: WeightStep;
  readonly #interceptStep: InterceptStep;

  constructor(
    plan: StepPlan,
    model: ModelPlan,
    classification: boolean,
    batch: RowBatch,
    arena: Arena,
    kernels: Kernels,
    shared?: SharedStep,
  ) {
    const { stride } = plan;
    const { columns, firstColumn, prefix, options } = model;
    const w = arena.address('weights') + 4 * firstColumn * stride;
    const intercept = arena.address('intercept') + 4 * firstColumn;
    super(model, classification, batch, arena, kernels, {
      weights: new Float32Array(arena.buffer, w, columns * stride),
      intercept: new Float32Array(arena.buffer, intercept, columns),
    });
    this.#shared = shared;
    this.#plan = plan;
    this.#batch = batch;
    this.#optimizer = optimizerOf(options.optimizer);
    const address = (name: string) => arena.address(`${prefix}${name}`);
    this.#addresses = { scores: address('scores'), intercept };
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
      gradient: this.gradient,
      state: states.map((i) => arena.float32(`${prefix}intercept state ${i}`)),
      rate: 0,
      momentum: options.momentum,
      t: 0,
    };
  }

  protected score(): void {
    const { stride } = this.#plan;
    const { w, x } = this.#weightStep;
    const { filled: rows } = this.#batch;
    const { scores, intercept } = this.#addresses;
    if (this.#shared?.pace.shared) this.#shared.score(x, rows, stride, w, this.columns, intercept, scores);
    else this.kernels.scores32(x, rows, stride, w, this.columns, intercept, scores);
  }

  step(rate: number, t: number): void {
    this.evaluateBatch();
    const rows = this.#batch.filled;
    this.holdLongRows(rate, rows);
    const weightStep = this.#weightStep;
    weightStep.m = rows;
    weightStep.scale = 1 / rows;
    weightStep.rate = rate;
    weightStep.t = t;
    const l1 = this.options.l1 / this.#plan.rows;
    if (this.#shared?.pace.shared) this.#shared.update(this.options.optimizer, weightStep, l1);
    else {
      this.#optimizer.stepWeights(weightStep);
      if (l1 > 0) this.#optimizer.shrinkWeights(weightStep, l1);
    }
    if (this.options.bias) this.#stepIntercept(rows, rate, t);
  }

  #stepIntercept(rows: number, rate: number, t: number): void {
    const step = this.#interceptStep;
    const gradient = this.sumSlopes();
    for (let c = 0; c < this.columns; c++) gradient[c]! /= rows;
    step.rate = rate;
    step.t = t;
    this.#optimizer.stepIntercept(step);
  }

  /** The rows of a block as a sample for the automatic rate. Overwrites weights and first state: for use before training. */
  sample(block: RowBlock): RowSample {
    const { stride, layout } = this.#plan;
    const { d } = layout;
    const batch = this.#batch;
    const product = this.floats('state 0').subarray(0, d);
    const { w, x, state } = this.#weightStep;
    const { scores } = this.#addresses;
    const zero = this.good.intercept.byteOffset;
    this.good.intercept.fill(0);
    return {
      rows: block.to - block.from,
      d,
      forEachRow: (visit) => {
        forEachBatch(batch, block, () => {
          for (let i = 0; i < batch.filled; i++) {
            let squares = 0;
            for (let j = i * stride; j < i * stride + d; j++) squares += batch.values[j]! * batch.values[j]!;
            visit(squares, batch.weights === undefined ? 1 : batch.weights[i]!);
          }
        });
      },
      applySecondMoment: (vector, longest) => {
        this.weights.fill(0).set(vector);
        vector.fill(0);
        forEachBatch(batch, block, () => {
          const rows = batch.filled;
          this.kernels.scores32(x, rows, stride, w, 1, zero, scores);
          for (let i = 0; batch.weights !== undefined && i < rows; i++) this.scores[i]! *= batch.weights[i]!;
          for (let i = 0; longest < Number.POSITIVE_INFINITY && i < rows; i++)
            this.scores[i]! *= Math.min(1, longest / batch.squareOf(i));
          this.kernels.gradient32(x, rows, stride, 0, stride, scores, 1, w, state[0]!, 1, 0);
          for (let j = 0; j < d; j++) vector[j]! += product[j]!;
        });
        for (let j = 0; j < d; j++) vector[j]! /= block.to - block.from;
      },
    };
  }

  clearState(): void {
    for (let i = 0; i < this.#optimizer.matrices; i++) {
      this.floats(`state ${i}`).fill(0);
      this.floats(`intercept state ${i}`).fill(0);
    }
  }

  /**
   * Writes the model in double precision, columns × d, for scoring. The centring moves into the intercept:
   * w·(x − μ) + c = w·x + (c − w·μ).
   */
  writeTo(weights: Float64Array, intercept: Float64Array, centre: Float64Array): void {
    const { stride, layout } = this.#plan;
    const judged = this.judged();
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
