import type { Kernels } from '../../arithmetic/kernels.js';
import { requireFiniteRows } from '../../data/badValue.js';
import type { Dataset } from '../../data/dataset.js';
import type { RowBlock } from '../../data/rowBlock.js';
import { makeScaling, type Scaling } from '../../data/scaling.js';
import { Arena } from '../../memory/arena.js';
import type { Workspace } from '../../threads/workspace.js';
import { evaluateWith } from '../evaluate.js';
import type { Evaluation, TrainListener } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import { lossOf } from '../losses/losses.js';
import type { TrainOptions } from '../options.js';
import { Scorer } from '../score.js';
import { openRowStream, type RowStream } from '../shuffle/rowStream.js';
import { startThreads } from '../startThreads.js';
import type { TrainContext, TrainResult } from '../train.js';
import { ModelStep } from './modelStep.js';
import type { StreamingPlan } from './planStreaming.js';
import { RowBatch } from './rowBatch.js';
import { SharedStep } from './sharedStep.js';
import { Trainee } from './trainee.js';

/** Rows of the first block on which the curvature and the first loss are measured. */
const SAMPLE_ROWS = 1024;

/** One run of sgd, ssgd or hsgd: a stream of rows, batches of them, the models that step from each batch. */
class StreamingRun {
  readonly #plan: StreamingPlan;
  readonly #dataset: Dataset;
  readonly #options: TrainOptions;
  readonly #context: TrainContext;
  readonly #emit: TrainListener;
  readonly #batch: RowBatch;
  readonly #trainees: readonly Trainee[];
  readonly #scorer: Scorer;
  readonly #scaling: Scaling;
  /** Mean of the scaled features when the rows are centred, else zeros. */
  readonly #centre: Float64Array;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  #stream!: RowStream;
  #bytesEvaluated = 0;
  #rowsChecked = false;

  constructor(
    { arena, kernels, threads }: Workspace,
    plan: StreamingPlan,
    dataset: Dataset,
    options: TrainOptions,
    context: TrainContext,
  ) {
    this.#plan = plan;
    this.#dataset = dataset;
    this.#options = options;
    this.#context = context;
    this.#emit = context.onEvent ?? (() => {});
    const { description } = dataset;
    this.#arena = arena;
    this.#kernels = kernels;
    this.#scaling = makeScaling(options.scale, description.dtype, description.statistics);
    const { multiply, add } = this.#scaling;
    const { mean } = description.statistics;
    this.#centre = multiply.map((factor, j) => (plan.chosen.centred ? factor * mean[j]! + add[j]! : 0));
    const centred = { multiply, add: add.map((value, j) => value - this.#centre[j]!) };
    const classification = description.task === 'classification';
    const shared = threads.count > 1 && plan.verb !== 'hsgd' ? new SharedStep(threads) : undefined;
    const classes = classification ? description.k : 0;
    this.#batch = new RowBatch(plan, classes, arena, kernels, centred, shared);
    const { classCounts, parts } = description;
    const classShares = classification ? classCounts.map((count) => count / parts.train.n) : undefined;
    this.#trainees = plan.models.map((model) => {
      const setting = { plan, options: model.options, classification, classShares, emit: this.#emit };
      const step = new ModelStep(plan, model, classification, this.#batch, arena, kernels, shared);
      return new Trainee(setting, step);
    });
    this.#scorer = new Scorer(arena, kernels, plan.layout, plan.columns, this.#scaling);
  }

  /** The trainee whose steps are the run's. */
  get #leader(): Trainee {
    return this.#trainees[0]!;
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
        if (epoch === chosen.epochs - 1) this.#leader.model.useAverage();
        test = await this.#evaluate('test', epoch + 1);
      }
    } finally {
      await this.#stream.close();
    }
    this.#leader.clock.log(this.#leader.steps);
    const train = this.#options.simulated
      ? await this.#evaluate('train', chosen.epochs)
      : this.#runningEvaluation();
    return {
      model: this.#model(),
      plan: this.#plan,
      epochs: chosen.epochs,
      samples: this.#leader.samples,
      bytesRead: this.#stream.bytesRead + this.#bytesEvaluated,
      bytesWritten: this.#stream.bytesWritten,
      train,
      test,
    };
  }

  async #trainEpoch(epoch: number): Promise<void> {
    const batch = this.#batch;
    for (const trainee of this.#trainees) trainee.epochLoss.reset();
    for await (const block of this.#stream.epoch(epoch)) {
      this.#context.signal?.throwIfAborted();
      if (!this.#leader.calibrated) this.#calibrate(block);
      for (let at = block.from; at < block.to; ) {
        at += batch.take(block, at);
        if (batch.full) this.#update(epoch);
        if (this.#leader.steps >= this.#plan.chosen.lastStep) return;
      }
      await this.#requireFiniteRows();
    }
    if (batch.filled > 0) this.#update(epoch);
  }

  /** One step of each model from the rows in the batch. */
  #update(epoch: number): void {
    const batch = this.#batch;
    batch.checkLabels();
    for (const trainee of this.#trainees) trainee.update(epoch, batch.filled, this.#progress);
    batch.clear();
  }

  /** After the first divergence of a run: one pass over the rows tells whether NaN or an infinity among them caused it. */
  async #requireFiniteRows(): Promise<void> {
    if (this.#rowsChecked || !this.#trainees.some((trainee) => trainee.halved)) return;
    this.#rowsChecked = true;
    await requireFiniteRows(this.#dataset.train.first(this.#plan.rows), this.#context.signal);
  }

  #calibrate(block: RowBlock): void {
    const sample = { ...block, to: Math.min(block.to, block.from + SAMPLE_ROWS) };
    const vector = this.#arena.float64('score weights').subarray(0, this.#plan.layout.d);
    for (const trainee of this.#trainees) trainee.calibrate(sample, vector);
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
    if (part === 'test') this.#leader.clock.testAccuracy = evaluation.accuracy;
    this.#emit({ type: 'evaluation', part, epoch, evaluation });
    return evaluation;
  }

  /** What the last epoch showed of the training rows while the weights still moved. */
  #runningEvaluation(): Evaluation {
    const { rows, meanLoss, accuracy } = this.#leader.epochLoss;
    if (this.#dataset.description.task === 'classification') return { rows, loss: meanLoss, accuracy };
    return { rows, loss: meanLoss, rmse: Math.sqrt(2 * meanLoss) };
  }

  #writeModel(): void {
    this.#leader.model.writeTo(this.#scorer.weights, this.#scorer.intercept, this.#centre);
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

  readonly #progress = (done: number, total: number, epoch: number): void => {
    const { bytesRead, bytesWritten } = this.#stream;
    this.#emit({ type: 'progress', phase: 'train', done, total, epoch, bytesRead, bytesWritten });
  };
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
  const workspace = await startThreads(new Arena(plan.regions), plan.threads);
  try {
    return await new StreamingRun(workspace, plan, dataset, options, context).run();
  } finally {
    await workspace.threads.close();
  }
}
