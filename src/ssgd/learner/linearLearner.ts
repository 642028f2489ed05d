import { gather64Of } from '../../arithmetic/gather.js';
import { type Kernels, loadKernels } from '../../arithmetic/kernels.js';
import { columnsOf } from '../../data/columns/columnMapping.js';
import type { RowBlock } from '../../data/rowBlock.js';
import { Arena } from '../../memory/arena.js';
import { classOf } from '../evaluate.js';
import type { Evaluation } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import { classSharesOf } from '../rowWeights.js';
import { Scorer } from '../score.js';
import { firstCounting } from '../sgd/batchPasses.js';
import { measureCurvature } from '../sgd/calibration.js';
import { ModelStep } from '../sgd/modelStep.js';
import { RowBatch } from '../sgd/rowBatch.js';
import { runningRmse } from '../sgd/runningRmse.js';
import { Trainee } from '../sgd/trainee.js';
import { convertModel } from '../warmStart.js';
import { type LearnerOptions, type LearnerSetting, learnerSetting } from './learnerOptions.js';
import type { LearnerPlan } from './planLearner.js';
import {
  checkFeatures,
  checkRows,
  type LearnerFeatures,
  type LearnerRows,
  RowEncoder,
} from './rowEncoder.js';

/** Rows of the first call on which an automatic rate is measured. */
const SAMPLE_ROWS = 1024;

/**
 * A linear model that learns from rows as they are given, by the same steps as `train('ssgd', …)`: the rows of such a
 * run in its order, with the same options, end in the same bits.
 *
 * It knows no number of rows in all. So the penalties are given for each row (`reg` of `train` over its rows), and the
 * learning rate follows a schedule that needs no end: constant, inverse (the default) or step.
 */
export class LinearLearner {
  readonly #setting: LearnerSetting;
  readonly #plan: LearnerPlan;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #encoder: RowEncoder;
  readonly #batch: RowBatch;
  readonly #trainee: Trainee;
  readonly #model: ModelStep;
  readonly #scorer: Scorer;
  /** Whether the scorer holds the weights as they are. */
  #scoring = false;

  constructor(setting: LearnerSetting, onEvent: LearnerOptions['onEvent']) {
    const { description, plan, scaling, centre, mean, weighting, init, options, classCounts } = setting;
    const { steps, model, layout } = plan;
    this.#setting = setting;
    this.#plan = plan;
    const arena = new Arena(plan.regions);
    const kernels = loadKernels(arena.memory);
    this.#arena = arena;
    this.#kernels = kernels;
    this.#encoder = new RowEncoder(arena.uint8('rows'), layout);
    const { multiply, add } = scaling;
    const centred = { multiply, add: add.map((value, j) => value - centre[j]!) };
    const classification = description.task === 'classification';
    this.#batch = new RowBatch(steps, classification ? description.k : 0, arena, kernels, centred, weighting);
    const step = new ModelStep(steps, model, classification, this.#batch, arena, kernels);
    this.#model = step;
    this.#trainee = new Trainee(
      {
        plan: steps,
        model,
        classification,
        classShares: classCounts && classSharesOf(classCounts, weighting),
        rowFeatures: layout.d,
        initial:
          init &&
          (({ intercept }, bias) =>
            convertModel(init, scaling, centre, mean, bias, {
              weights: step.weights,
              stride: steps.stride,
              intercept,
            })),
        emit: onEvent ?? (() => {}),
      },
      step,
    );
    this.#scorer = new Scorer({ arena, kernels }, layout, model.columns, scaling);
    // Before the first rows come it is the model it starts from, or one of zeros.
    if (init !== undefined)
      convertModel(init, scaling, centre, mean, options.bias, {
        weights: step.weights,
        intercept: step.intercept,
        stride: steps.stride,
      });
  }

  /** Bytes of all that grows with d, k and the batch. */
  get plannedPeakBytes(): number {
    return this.#plan.plannedPeakBytes;
  }

  /** Rows learnt from. */
  get samples(): number {
    return this.#trainee.samples;
  }

  /**
   * Learns from rows, a step for every `batch` of them and one for those left over. Returns the loss of the rows (with
   * their weights) and accuracy, or rmse (where loss is
   * ridge and rows have no weights), while the weights moved. The first call with rows that count sets an automatic
   * learning rate: give it a fair sample of some hundred.
   *
   * @throws MlmlError `MLML_USAGE` for arrays that do not fit, `MLML_BAD_DATA` for values that cannot be used: nothing has
   *   been learnt then; `MLML_DIVERGED` at a given rate: the weights are then the last good ones
   */
  partialFit(rows: LearnerRows): Evaluation {
    const { description, options, weighting } = this.#setting;
    const count = checkRows(rows, description, weighting?.behindLabel ?? false);
    const trainee = this.#trainee;
    trainee.beginEpoch();
    this.#scoring = false;
    for (let from = 0; from < count; ) {
      const many = Math.min(this.#plan.rows, count - from);
      this.#encoder.encode(rows.x, rows.y, rows.weights, from, many);
      this.#learn({ base: this.#arena.address('rows'), order: 0, from: 0, to: many });
      from += many;
    }
    if (this.#batch.filled > 0) this.#step();
    const { meanLoss, accuracy } = trainee.epochLoss;
    const common = { rows: count, loss: meanLoss };
    if (description.task === 'classification') return { ...common, accuracy };
    return weighting?.behindLabel
      ? common
      : { ...common, ...runningRmse(options, trainee.model.columns, meanLoss) };
  }

  #learn(block: RowBlock): void {
    let sought = this.#trainee.calibrated;
    for (let at = block.from; at < block.to; ) {
      if (!sought && this.#batch.filled === 0) {
        sought = true;
        this.#calibrate(block, at);
      }
      at += this.#batch.take(block, at);
      if (this.#batch.full) this.#step();
    }
  }

  #step(): void {
    try {
      this.#trainee.update(0, this.#batch.filled, undefined);
    } catch (error) {
      this.#trainee.model.goBack();
      throw error;
    } finally {
      this.#batch.clear();
    }
  }

  #calibrate(block: RowBlock, at: number): void {
    const trainee = this.#trainee;
    const from = firstCounting(this.#batch, block, at);
    if (from === block.to) return trainee.calibrate(undefined, undefined);
    const sample = { ...block, from, to: Math.min(block.to, from + SAMPLE_ROWS) };
    const vector = this.#arena.float64('score weights').subarray(0, this.#plan.layout.d);
    // Measuring overwrites what has been learnt.
    const unknown = this.#setting.options.eta0 === 'auto' && trainee.eta0 === 0;
    trainee.calibrate(sample, unknown ? measureCurvature(trainee.model.sample(sample), vector) : undefined);
  }

  /** The model as it is now: a copy that goes its own way. With `average`, the mean of the weights over all steps. */
  model(): LinearModel {
    this.#fillScorer();
    const { description, scaling, options } = this.#setting;
    const { task, d, classNames, fingerprint } = description;
    const { columns } = this.#plan.model;
    return {
      task,
      loss: options.loss,
      d,
      k: columns,
      scaling: { name: scaling.name, multiply: scaling.multiply.slice(), add: scaling.add.slice() },
      weights: this.#scorer.weights.slice(0, columns * d),
      intercept: this.#scorer.intercept.slice(0, columns),
      classNames,
      fingerprint,
      ...columnsOf(description),
    };
  }

  /** Scores of rows, rows × columns, in double precision. */
  scores(x: LearnerFeatures): Float64Array {
    const { columns } = this.#plan.model;
    const rows = checkFeatures(x, this.#setting.description);
    const all = new Float64Array(rows * columns);
    this.#forEachScore(x, rows, (scores, at, row) => {
      for (let c = 0; c < columns; c++) all[row * columns + c] = scores[at + c]!;
    });
    return all;
  }

  /** The class of each row, or its predicted targets, rows × outputs. */
  predict(x: LearnerFeatures): Float64Array {
    const { columns } = this.#plan.model;
    const classification = this.#setting.description.task === 'classification';
    const rows = checkFeatures(x, this.#setting.description);
    if (!classification) return this.scores(x);
    const all = new Float64Array(rows);
    this.#forEachScore(x, rows, (scores, at, row) => {
      all[row] = classOf(scores, at, columns);
    });
    return all;
  }

  #forEachScore(
    x: LearnerFeatures,
    rows: number,
    visit: (scores: Float64Array, at: number, row: number) => void,
  ): void {
    this.#fillScorer();
    const arena = this.#arena;
    const { layout, model } = this.#plan;
    const { d, rowBytes, dtype } = layout;
    const gather = gather64Of(this.#kernels, dtype);
    const address = (name: string) => arena.address(name);
    const scores = arena.float64('score scores');
    const together = Math.floor(scores.length / model.columns);
    for (let from = 0; from < rows; ) {
      const many = Math.min(this.#plan.rows, rows - from);
      this.#encoder.encode(x, undefined, undefined, from, many);
      for (let at = 0; at < many; at += together) {
        const count = Math.min(together, many - at);
        gather(address('rows'), rowBytes, 0, at, count, d, d, address('score scaling'), address('score x'));
        const [w, intercept, target] = ['score weights', 'score intercept', 'score scores'].map(address);
        this.#kernels.scores64(address('score x'), count, d, w!, model.columns, intercept!, target!);
        for (let i = 0; i < count; i++) visit(scores, i * model.columns, from + at + i);
      }
      from += many;
    }
  }

  #fillScorer(): void {
    if (this.#scoring) return;
    const { weights, intercept } = this.#scorer;
    this.#model.writeTo(weights, intercept, this.#setting.centre);
    this.#scoring = true;
  }
}

/**
 * Opens a learner inside `bufferBytes`. Its memory is made here; it holds no file and needs no closing.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`, `MLML_USAGE`, `MLML_MISMATCH` (a model to start from that does not fit)
 *
 * @example
 * const learner = await openLearner({ d: 3, k: 2, loss: 'logistic' });
 * learner.partialFit({ x: Float32Array.of(1, 0, 2, 0, 1, 1), y: [0, 1] });
 * console.log(learner.predict(Float32Array.of(1, 0, 1)));
 */
export async function openLearner(options: LearnerOptions): Promise<LinearLearner> {
  return new LinearLearner(learnerSetting(options), options.onEvent);
}
