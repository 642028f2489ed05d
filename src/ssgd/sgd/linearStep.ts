import type { Kernels } from '../../arithmetic/kernels.js';
import { allFinite } from '../../data/badValue.js';
import type { RowBlock } from '../../data/rowBlock.js';
import type { Arena } from '../../memory/arena.js';
import type { Loss } from '../losses/loss.js';
import { lossOf } from '../losses/losses.js';
import { lossOfRows } from '../losses/severalTargets.js';
import type { LossName, TrainOptions } from '../options.js';
import { forEachBatch } from './batchPasses.js';
import type { RowSample } from './calibration.js';
import { countRight } from './countRight.js';
import { type JudgedRows, KeptOfFold } from './keptOfFold.js';
import { followsLength, fullSquare, holdLongRows, weightOf } from './longRows.js';
import type { ModelPlan } from './planStreaming.js';
import type { StepBatch, StepModel } from './runParts.js';

/** Where the weights of a model lie, or a copy of them. */
export interface StepWeights {
  readonly weights: Float32Array;
  readonly intercept: Float32Array;
}

/**
 * What the arithmetic of a model is however its rows lie: losses of the rows in the batch, and copies of the weights to go back
 * to, their running mean, the best. Its regions carry its prefix.
 */
export abstract class LinearStep implements StepModel {
  /** Sum of losses and number of rows classified right in the last step. */
  lossSum = 0;
  right = 0;
  counted = 0;
  weight = 0;
  readonly fold: number | undefined;
  averaged = 0;
  curvature: number;
  readonly loss: LossName;
  readonly columns: number;
  readonly outputs: number;
  readonly weights: Float32Array;
  readonly intercept: Float32Array;
  protected readonly options: TrainOptions;
  protected readonly arena: Arena;
  protected readonly kernels: Kernels;
  protected readonly scores: Float32Array;
  /** Of the intercept. */
  protected readonly gradient: Float64Array;
  /** Weights to go back to: taken often, so made once. */
  protected readonly good: StepWeights;
  readonly #prefix: string;
  /** The running mean; undefined without. */
  readonly #average: StepWeights | undefined;
  readonly #batch: StepBatch;
  /** Of the rows in the batch, those that it learns from; undefined: all. */
  readonly #kept: KeptOfFold | undefined;
  readonly #lossFunction: Loss;
  readonly #classification: boolean;
  /** Sum of losses and rows right, as a loss kernel leaves them. */
  readonly #result: Float64Array;

  constructor(
    { prefix, options, columns, fold }: ModelPlan,
    classification: boolean,
    batch: StepBatch,
    arena: Arena,
    kernels: Kernels,
    { weights, intercept }: StepWeights,
  ) {
    this.#prefix = prefix;
    this.fold = fold;
    if (fold !== undefined) this.#kept = new KeptOfFold(fold, batch, arena);
    this.#batch = batch;
    this.#lossFunction = lossOfRows(lossOf(options.loss), classification, columns);
    this.#classification = classification;
    this.options = options;
    this.arena = arena;
    this.kernels = kernels;
    this.loss = options.loss;
    this.curvature = this.#lossFunction.curvature;
    this.columns = columns;
    this.outputs = classification ? 1 : columns;
    this.weights = weights;
    this.intercept = intercept;
    this.scores = this.floats('scores');
    this.gradient = arena.float64(`${prefix}intercept gradient`);
    this.#result = arena.float64(`${prefix}batch result`);
    this.good = this.#copy('good');
    this.#average = options.average ? this.#copy('average') : undefined;
  }

  abstract step(rate: number, t: number): void;
  abstract sample(block: RowBlock): RowSample;
  abstract clearState(): void;
  /** Scores of the rows in the batch. */
  protected abstract score(): void;

  /** A region of the model. */
  protected floats(name: string): Float32Array {
    return this.arena.float32(`${this.#prefix}${name}`);
  }

  #copy(name: 'good' | 'average' | 'best'): StepWeights {
    return { weights: this.floats(`${name} weights`), intercept: this.floats(`${name} intercept`) };
  }

  /** Scores and losses of the batch; leaves the slopes where the scores were. */
  protected evaluateBatch(): void {
    this.score();
    const kept = this.#kept;
    if (kept === undefined) {
      this.#evaluateRows(this.#batch);
      return;
    }
    kept.take(this.scores, this.columns);
    this.#evaluateRows(kept);
    kept.putBack(this.scores, this.columns);
  }

  /** Losses of rows whose scores lie together. */
  #evaluateRows({ filled: rows, counted, weight, labels, labelsAddress, weights }: JudgedRows): void {
    const { scores, columns } = this;
    this.counted = counted;
    this.weight = weight;
    if (this.#lossFunction.kernel !== undefined && weights === undefined) {
      const { byteOffset: result } = this.#result;
      this.#lossFunction.kernel(this.kernels, scores.byteOffset, rows, columns, labelsAddress, result);
      this.lossSum = this.#result[0]!;
      this.right = this.#result[1]!;
      return;
    }
    this.right = this.#classification ? countRight(scores, labels, rows, columns) : 0;
    this.lossSum = this.#lossFunction.evaluate(scores, rows, columns, labels, scores, weights);
  }

  /** Takes from the slopes of rows that are too long for a step at this rate from `rows` rows, where the rate is automatic. */
  protected holdLongRows(rate: number, rows: number): void {
    const { eta0, optimizer, momentum, bias } = this.options;
    if (eta0 !== 'auto' || !followsLength(optimizer)) return;
    const full = fullSquare(rate, this.curvature, rows, momentum);
    holdLongRows(this.#batch, this.scores, this.columns, bias ? 1 : 0, full, this.fold);
  }

  /** Sums the slopes of the batch, column by column. */
  protected sumSlopes(): Float64Array {
    const { columns, gradient, scores } = this;
    const { filled: rows } = this.#batch;
    gradient.fill(0);
    for (let i = 0, at = 0; i < rows; i++) {
      for (let c = 0; c < columns; c++, at++) gradient[c]! += scores[at]!;
    }
    return gradient;
  }

  lossOn(block: RowBlock): { readonly loss: number; readonly weight: number } {
    let loss = 0;
    let weight = 0;
    forEachBatch(this.#batch, block, () => {
      this.#batch.checkLabels();
      this.evaluateBatch();
      loss += this.lossSum;
      weight += this.weight;
    });
    return { loss, weight };
  }

  /** Blocks are samples: they are small. */
  medianLabels(block: RowBlock): number[] | undefined {
    const labels = this.#labelsOf(block);
    if (labels[0]!.length === 0) return undefined;
    return labels.map((some) => Float64Array.from(some).sort()[some.length >> 1]!);
  }

  lossesAround(block: RowBlock, targets: readonly number[]): number[] {
    const result = { slope: 0 };
    const { ofResidual } = lossOf(this.loss);
    return this.#labelsOf(block).map((labels, c) => {
      const sum = labels.reduce((total, label) => total + ofResidual!(targets[c]! - label, result), 0);
      return sum / labels.length;
    });
  }

  /** Labels of the rows of a block that count, a list for each of a row. */
  #labelsOf(block: RowBlock): number[][] {
    const batch = this.#batch;
    const { labelsOfRow } = batch;
    const labels = Array.from({ length: labelsOfRow }, (): number[] => []);
    forEachBatch(batch, block, () => {
      batch.checkLabels();
      for (let i = 0; i < batch.filled; i++) {
        if (weightOf(batch, i, this.fold) === 0) continue;
        for (let l = 0; l < labelsOfRow; l++) labels[l]!.push(batch.labels[i * labelsOfRow + l]!);
      }
    });
    return labels;
  }

  /** Changes the weights and the optimiser's state. */
  tryRate(rate: number, block: RowBlock): void {
    let t = 0;
    forEachBatch(this.#batch, block, () => {
      this.#batch.checkLabels();
      this.step(rate, ++t);
    });
  }

  clearWeights(): void {
    this.weights.fill(0);
    this.intercept.fill(0);
  }

  /** Keeps the weights as they are, to go back to. */
  keep(): void {
    this.good.weights.set(this.weights);
    this.good.intercept.set(this.intercept);
  }

  /** Goes back to the weights kept last and forgets the optimiser's state, and the running mean, which may hold what exploded. */
  goBack(): void {
    this.weights.set(this.good.weights);
    this.intercept.set(this.good.intercept);
    this.clearState();
    if (this.averaged > 0) this.startAverage();
  }

  /** Begins a new running mean. */
  startAverage(): void {
    this.averaged = 0;
    this.#average!.weights.fill(0);
    this.#average!.intercept.fill(0);
  }

  /** Takes the weights as they are into their running mean. */
  average(): void {
    const share = 1 / ++this.averaged;
    const { weights, intercept: mean } = this.#average!;
    this.kernels.averageStep(weights.byteOffset, this.weights.byteOffset, this.weights.length, share);
    for (let c = 0; c < mean.length; c++) mean[c]! += share * (this.intercept[c]! - mean[c]!);
  }

  /** What is judged and becomes the model: the mean of the weights, or the weights. Valid until the next step. */
  judged(): StepWeights {
    return this.averaged > 0 ? this.#average! : this;
  }

  isFinite(): boolean {
    const { weights, intercept } = this;
    return allFinite(weights) && allFinite(intercept);
  }

  async instead<T>(write: () => void, judge: () => Promise<T>): Promise<T> {
    const { averaged, weights, intercept, good } = this;
    // Brings sparse weights up to date.
    this.judged();
    good.weights.set(weights);
    good.intercept.set(intercept);
    this.averaged = 0;
    try {
      write();
      return await judge();
    } finally {
      weights.set(good.weights);
      intercept.set(good.intercept);
      this.averaged = averaged;
    }
  }

  /** Keeps the model as it is as the best so far. */
  keepBest(): void {
    const { weights, intercept } = this.judged();
    const best = this.#copy('best');
    best.weights.set(weights);
    best.intercept.set(intercept);
  }

  /** Takes the best weights kept for the model. Training does not go on from them. */
  takeBest(): void {
    const { weights, intercept } = this.#copy('best');
    this.weights.set(weights);
    this.intercept.set(intercept);
    this.averaged = 0;
  }
}
