import { type Kernels, loadKernels } from '../../arithmetic/kernels.js';
import type { Dataset } from '../../data/dataset.js';
import type { RowBlock } from '../../data/rowBlock.js';
import { makeScaling, type Scaling } from '../../data/scaling.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { evaluateWith } from '../evaluate.js';
import type { Evaluation, TrainListener } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import { lossOf } from '../losses/losses.js';
import type { TrainOptions } from '../options.js';
import { learningRate } from '../schedules.js';
import { Scorer } from '../score.js';

import { openRowStream, type RowStream } from '../shuffle/rowStream.js';
import type { TrainContext, TrainResult } from '../train.js';
import { BatchTrainer } from './batchTrainer.js';
import { automaticRate, measureCurvature } from './calibration.js';
import { DivergenceWatch } from './divergence.js';
import type { StreamingPlan } from './planStreaming.js';
import { ProgressClock, RunningLoss } from './progressClock.js';

/** Rows of the first block on which the curvature and the first loss are measured. */
const SAMPLE_ROWS = 1024;
/** Halvings of an automatic rate before giving up. */
const MOST_HALVINGS = 60;
/** Divergences in a row after which the weights kept last are given up. */
const FAILURES_OF_KEPT_WEIGHTS = 3;

/** One run of sgd, ssgd or hsgd. */
class StreamingRun {
  readonly #plan: StreamingPlan;
  readonly #dataset: Dataset;
  readonly #options: TrainOptions;
  readonly #context: TrainContext;
  readonly #emit: TrainListener;
  readonly #trainer: BatchTrainer;
  readonly #scorer: Scorer;
  readonly #scaling: Scaling;
  /** Mean of the scaled features when the rows are centred, else zeros. */
  readonly #centre: Float64Array;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #clock: ProgressClock;
  readonly #epochLoss = new RunningLoss();
  #watch!: DivergenceWatch;
  #stream!: RowStream;
  #eta0 = 0;
  #halvings = 0;
  /** Divergences since weights were kept last. */
  #failures = 0;
  #step = 0;
  #samples = 0;
  #bytesEvaluated = 0;

  constructor(plan: StreamingPlan, dataset: Dataset, options: TrainOptions, context: TrainContext) {
    this.#plan = plan;
    this.#dataset = dataset;
    this.#options = options;
    this.#context = context;
    this.#emit = context.onEvent ?? (() => {});
    const { description } = dataset;
    this.#arena = new Arena(plan.regions);
    this.#kernels = loadKernels(this.#arena.memory);
    this.#scaling = makeScaling(options.scale, description.dtype, description.statistics);
    const { multiply, add } = this.#scaling;
    const { mean } = description.statistics;
    this.#centre = multiply.map((factor, j) => (plan.chosen.centred ? factor * mean[j]! + add[j]! : 0));
    const classification = description.task === 'classification';
    this.#trainer = new BatchTrainer(
      plan,
      options,
      classification ? description.k : 0,
      this.#arena,
      this.#kernels,
      {
        multiply,
        add: add.map((value, j) => value - this.#centre[j]!),
      },
    );
    this.#scorer = new Scorer(this.#arena, this.#kernels, plan.layout, plan.columns, this.#scaling);
    this.#clock = new ProgressClock(this.#emit, options.logfreq, classification);
  }

  async run(): Promise<Omit<TrainResult, 'seconds'>> {
    const { storage, scratchFolder, signal } = this.#context;
    const { shuffle, rows, chosen } = this.#plan;
    this.#stream = await openRowStream(shuffle, this.#dataset.train.first(rows), this.#arena, this.#kernels, {
      storage,
      scratchFolder,
      seed: this.#options.seed,
      ...(signal === undefined ? {} : { signal }),
      onProgress: (progress) => this.#emit({ type: 'progress', phase: 'shuffle', epoch: 0, ...progress }),
    });
    let test: Evaluation | undefined;
    try {
      for (let epoch = 0; epoch < chosen.epochs; epoch++) {
        await this.#trainEpoch(epoch);
        if (epoch === chosen.epochs - 1) this.#trainer.useAverage();
        test = await this.#evaluate('test', epoch + 1);
      }
    } finally {
      await this.#stream.close();
    }
    this.#clock.log(this.#step);
    const train = this.#options.simulated
      ? await this.#evaluate('train', chosen.epochs)
      : this.#runningEvaluation();
    return {
      model: this.#model(),
      plan: this.#plan,
      epochs: chosen.epochs,
      samples: this.#samples,
      bytesRead: this.#stream.bytesRead + this.#bytesEvaluated,
      bytesWritten: this.#stream.bytesWritten,
      train,
      test,
    };
  }

  async #trainEpoch(epoch: number): Promise<void> {
    this.#epochLoss.reset();
    for await (const block of this.#stream.epoch(epoch)) {
      this.#context.signal?.throwIfAborted();
      if (this.#step === 0 && this.#eta0 === 0) this.#calibrate(block);
      for (let at = block.from; at < block.to; ) {
        at += this.#trainer.take(block, at);
        if (this.#trainer.filled === this.#plan.chosen.batch) this.#update(epoch);
        if (this.#step >= this.#plan.chosen.lastStep) return;
      }
    }
    if (this.#trainer.filled > 0) this.#update(epoch);
  }

  /** One step of the optimiser and everything that watches it. */
  #update(epoch: number): void {
    const { chosen, rows } = this.#plan;
    const { damp, step, average } = this.#options;
    const total = Math.min(chosen.epochs * rows, chosen.lastStep * chosen.batch);
    const clock = { step: this.#step, progress: Math.min(1, this.#samples / total) };
    const rate = learningRate({ schedule: chosen.schedule, eta0: this.#eta0, damp, step }, clock);
    const batchRows = this.#trainer.filled;
    this.#step++;
    this.#samples += batchRows;
    this.#trainer.step(rate, this.#step);
    const { lossSum, right } = this.#trainer;
    const verdict = this.#watch.observe(lossSum, batchRows);
    if (verdict === 'diverged') return this.#recover();
    if (verdict === 'good') {
      this.#trainer.keep();
      this.#failures = 0;
    }
    if (average && epoch === chosen.epochs - 1) this.#trainer.average();
    this.#epochLoss.add(lossSum, right, batchRows);
    const now = { step: this.#step, samples: this.#samples, epoch, learningRate: rate };
    this.#clock.step(now, lossSum, right, batchRows, () => this.#progress(this.#samples, total, epoch));
  }

  /** Starting weights, first loss and learning rate, from the first rows of the stream. */
  #calibrate(block: RowBlock): void {
    const sample = { ...block, to: Math.min(block.to, block.from + SAMPLE_ROWS) };
    const { chosen, rows } = this.#plan;
    const { options, trainer } = { options: this.#options, trainer: this.#trainer };
    const loss = lossOf(options.loss);
    if (options.eta0 === 'auto') {
      const vector = this.#arena.float64('score weights').subarray(0, this.#plan.layout.d);
      const curvature = measureCurvature(trainer.sample(sample), vector);
      const { eta0, reason } = automaticRate(curvature, {
        optimizer: options.optimizer,
        lossCurvature: loss.curvature,
        batch: chosen.batch,
        momentum: options.momentum,
        bias: options.bias,
        decay: options.reg / rows,
        d: this.#plan.layout.d,
      });
      this.#eta0 = eta0;
      this.#emit({ type: 'rate', eta0, reason });
    } else {
      this.#eta0 = options.eta0;
      this.#emit({ type: 'rate', eta0: this.#eta0, reason: 'as given' });
    }
    trainer.clearState();
    this.#startWeights();
    const firstLoss = trainer.meanLoss(sample);
    if (!Number.isFinite(firstLoss)) {
      throw new MlmlError(
        'MLML_BAD_DATA',
        `the first rows have a loss of ${firstLoss} before any training: some feature or target is not a finite number`,
      );
    }
    this.#watch = new DivergenceWatch(firstLoss, options.eta0 === 'auto');
  }

  /** Zero weights; with squared losses the intercept starts from the class frequencies, which need not be learnt then. */
  #startWeights(): void {
    const { trainer, options, description } = {
      trainer: this.#trainer,
      options: this.#options,
      description: this.#dataset.description,
    };
    trainer.weights.fill(0);
    trainer.intercept.fill(0);
    const { task, classCounts, parts } = description;
    const squared = options.loss === 'ridge' || options.loss === 'huber';
    if (options.bias && options.eta0 === 'auto' && squared && task === 'classification') {
      trainer.intercept.set(classCounts.map((count) => count / parts.train.n));
    }
    trainer.keep();
  }

  /** After a divergence: an automatic rate is halved and the last good weights are taken up again. */
  #recover(): void {
    const { eta0 } = this.#options;
    const rate = this.#eta0.toPrecision(3);
    if (eta0 !== 'auto' || ++this.#halvings > MOST_HALVINGS) {
      throw new MlmlError(
        'MLML_DIVERGED',
        `the loss exploded at step ${this.#step} with learning rate ${rate}; give a smaller --eta0 (say ${(this.#eta0 / 10).toPrecision(2)}) or --eta0=auto`,
      );
    }
    this.#eta0 /= 2;
    // When the kept weights fail again and again they are no good for the rows that come now: start over.
    if (++this.#failures > FAILURES_OF_KEPT_WEIGHTS) this.#startWeights();
    this.#trainer.restore();
    this.#watch.restart();
    this.#clock.forget();
    this.#epochLoss.reset();
    const message = `the loss rose at step ${this.#step}: going back to the last good weights with half the learning rate`;
    this.#emit({ type: 'warning', message });
    this.#emit({ type: 'rate', eta0: this.#eta0, reason: 'halved after a divergence' });
  }

  async #evaluate(part: 'train' | 'test', epoch: number): Promise<Evaluation | undefined> {
    const file = part === 'train' ? this.#dataset.train.first(this.#plan.rows) : this.#dataset.test;
    if (file.rows === 0) return undefined;
    this.#writeModel();
    const { task } = this.#dataset.description;
    const loss = lossOf(this.#options.loss);
    const evaluation = await evaluateWith(
      this.#scorer,
      loss,
      task,
      this.#plan.columns,
      file,
      this.#context.signal,
    );
    this.#bytesEvaluated += file.rows * this.#plan.layout.rowBytes;
    if (part === 'test') this.#clock.testAccuracy = evaluation.accuracy;
    this.#emit({ type: 'evaluation', part, epoch, evaluation });
    return evaluation;
  }

  /** What the last epoch showed of the training rows while the weights still moved. */
  #runningEvaluation(): Evaluation {
    const { rows, meanLoss, accuracy } = this.#epochLoss;
    if (this.#dataset.description.task === 'classification') return { rows, loss: meanLoss, accuracy };
    return { rows, loss: meanLoss, rmse: Math.sqrt(2 * meanLoss) };
  }

  /** Weights in double precision for scoring; the centring moves into the intercept: w·(x − μ) + c = w·x + (c − w·μ). */
  #writeModel(): void {
    const { columns, stride, layout } = this.#plan;
    const { weights, intercept } = this.#scorer;
    for (let c = 0; c < columns; c++) {
      let shift = 0;
      for (let j = 0; j < layout.d; j++) {
        const weight = this.#trainer.weights[c * stride + j]!;
        weights[c * layout.d + j] = weight;
        shift += weight * this.#centre[j]!;
      }
      intercept[c] = this.#trainer.intercept[c]! - shift;
    }
  }

  #model(): LinearModel {
    this.#writeModel();
    const { task, d, classNames, fingerprint } = this.#dataset.description;
    const { weights, intercept } = this.#scorer;
    return {
      task,
      loss: this.#options.loss,
      d,
      k: this.#plan.columns,
      scaling: this.#scaling,
      weights,
      intercept,
      classNames,
      fingerprint,
    };
  }

  #progress(done: number, total: number, epoch: number) {
    const { bytesRead, bytesWritten } = this.#stream;
    return { type: 'progress', phase: 'train', done, total, epoch, bytesRead, bytesWritten } as const;
  }
}

/**
 * Trains by streaming stochastic gradient descent: rows come in random order from disk (or from memory when
 * they fit), each step updates the weights from a batch of them.
 *
 * Minimises Σᵢ loss(xᵢ, yᵢ) + ½·reg·‖W‖² + l1·Σ|W|; the gradient of a step is the mean over its rows plus
 * (reg/n)·W, so the minimiser is that of `closed` and `gd`.
 */
export async function trainStreaming(
  plan: StreamingPlan,
  dataset: Dataset,
  options: TrainOptions,
  context: TrainContext,
): Promise<Omit<TrainResult, 'seconds'>> {
  return await new StreamingRun(plan, dataset, options, context).run();
}
