import { resolve } from 'node:path';
import type { Dataset } from '../../data/dataset.js';
import type { Task } from '../../data/format.js';
import type { RowBlock } from '../../data/rowBlock.js';
import { Arena } from '../../memory/arena.js';
import { type Checkpoint, noCheckpoint } from '../../storage/checkpoint.js';
import type { Blocks } from '../../storage/stateFile.js';
import type { Evaluation, TrainEvent, TrainListener } from '../events.js';
import type { TrainOptions } from '../options.js';
import { isWeighted, weightingOf } from '../rowWeights.js';
import type { RowStream } from '../shuffle/rowStream.js';
import type { KeepingStates } from '../shuffle/scratchKeeper.js';
import { startThreads } from '../startThreads.js';
import type { JobContext, Trained } from '../train.js';
import { firstCounting } from './batchPasses.js';
import { DenseParts } from './denseParts.js';
import { farLabels, labelFigures } from './farLabels.js';
import type { ModelPlan, StreamingPlan } from './planStreaming.js';
import { runningRmse } from './runningRmse.js';
import type { RunParts, RunPlan, StepModel } from './runParts.js';
import { OpeningSignal, type StreamingState } from './streamingState.js';
import { Trainee, totalSamples } from './trainee.js';
import { TraineeGroup } from './traineeGroup.js';

/** Rows of the first block on which the curvature and the first loss are measured. */
const SAMPLE_ROWS = 1024;
/** Steps between two looks whether a state is due. */
const STEPS_PER_LOOK = 16;

/** Hears what a model tells, with its number in a sweep. A model that leaves out a fold tells of trouble only. */
function listenerOf({ variant, fold }: ModelPlan, { sweep, folds }: TrainOptions, emit: TrainListener) {
  const numbered: TrainListener =
    sweep === undefined ? emit : (event) => emit({ ...event, model: variant } as TrainEvent);
  if (fold === undefined) return numbered;
  const part = `without fold ${fold + 1} of ${folds}`;
  const ofFold: TrainListener = (event) => {
    if (event.type === 'warning') numbered({ ...event, message: `${part}: ${event.message}` });
  };
  return ofFold;
}

/** One run of sgd, ssgd or hsgd: a stream of rows, batches of them, the models that step from each batch. */
export class StreamingRun {
  readonly #plan: RunPlan;
  readonly #parts: RunParts;
  readonly #task: Task;
  readonly #options: TrainOptions;
  readonly #context: JobContext;
  readonly #checkpoint: Checkpoint;
  readonly #blocks: Blocks;
  readonly #emit: TrainListener;
  readonly #group: TraineeGroup;
  #stream!: RowStream;
  #opening!: OpeningSignal;
  /** Rows of the epoch that have been used. */
  #row = 0;
  /** Traffic up to the state that the run went on from. */
  #before = { bytesRead: 0, bytesWritten: 0 };
  #rowsChecked = false;
  #labelsSeen = false;
  #labelRemedy: string | undefined;

  constructor(plan: RunPlan, parts: RunParts, task: Task, options: TrainOptions, context: JobContext) {
    this.#plan = plan;
    this.#parts = parts;
    this.#task = task;
    this.#options = options;
    this.#context = context;
    this.#checkpoint = context.checkpoint ?? noCheckpoint(context.signal);
    this.#emit = context.onEvent ?? (() => {});
    this.#blocks = parts.savedRegions(this.#checkpoint.states !== undefined);
    const { classShares, rowFeatures, initial } = parts;
    const classification = task === 'classification';
    const trainees = plan.models.map((model) => {
      const emit = listenerOf(model, options, this.#emit);
      const setting = { plan, model, classification, classShares, rowFeatures, initial, emit };
      return new Trainee(setting, parts.model(model));
    });
    this.#group = new TraineeGroup(trainees, options, plan.models, totalSamples(plan), this.#emit);
  }

  async run(): Promise<Trained> {
    try {
      return await this.#run();
    } finally {
      await this.#parts.close();
    }
  }

  async #run(): Promise<Trained> {
    const { storage, scratchFolder, signal } = this.#context;
    const { chosen } = this.#plan;
    const saved = (await this.#checkpoint.load(this.#blocks)) as StreamingState | undefined;
    if (saved !== undefined) this.#restore(saved);
    await this.#parts.prepare();
    const opening = new OpeningSignal(signal);
    this.#opening = opening;
    this.#stream = await this.#parts.openStream({
      storage,
      scratchFolder,
      seed: this.#options.seed,
      signal: opening.signal,
      onProgress: (progress) => this.#emit({ type: 'progress', phase: 'shuffle', epoch: 0, ...progress }),
      ...(saved === undefined ? {} : { start: saved.epoch, from: saved.shuffle }),
      ...this.#keeping(),
    });
    let epochs = saved?.epoch ?? 0;
    let test: Evaluation | undefined;
    try {
      while (epochs < chosen.epochs && (this.#group.active.length > 0 || epochs === saved?.epoch)) {
        const here = epochs === saved?.epoch ? saved : undefined;
        await this.#trainEpoch(epochs, here?.row ?? 0);
        this.#group.endEpoch();
        // What follows may be long, and is not saved in the middle.
        if (here === undefined && this.#checkpoint.due(this.#group.samples)) await this.#save(epochs, false);
        if (this.#plan.heldOut > 0 && here?.judged !== true) {
          this.#rest(epochs, false);
          await this.#group.judge(this.#judge, epochs + 1);
        }
        this.#rest(epochs, true);
        epochs++;
        if (this.#options.sweep === undefined) test = await this.#evaluate('test', epochs);
      }
    } catch (error) {
      // While the stream still knows where it is.
      await this.#checkpoint.rescue();
      await this.#stream.close(signal?.aborted === true && this.#checkpoint.states !== undefined);
      throw error;
    }
    await this.#stream.close();
    for (const trainee of this.#group.active) trainee.clock.log(trainee.steps);
    await this.#group.conclude({
      judge: (models) => this.#parts.evaluate(models, 'train', signal),
      weighted: isWeighted(this.#options),
      test,
    });
    if (this.#plan.folds > 0) await this.#group.crossValidate(this.#judgeFolds);
    return await this.#result(epochs, test);
  }

  /** Scratch outlives the process while states are saved. */
  #keeping(): { keep?: KeepingStates } {
    const { states } = this.#checkpoint;
    if (states === undefined) return {};
    const sequence = () => this.#checkpoint.states!.sequence;
    return { keep: { folder: resolve(states.folder), sequence } };
  }

  async #result(epochs: number, lastTest: Evaluation | undefined): Promise<Trained> {
    const { winner, crossValidation } = this.#group;
    // The figures of the last epoch are not those of the weights that are kept, or there are none.
    const again = winner.bestEpoch > 0 || this.#options.sweep !== undefined;
    const test = again ? await this.#evaluate('test', winner.bestEpoch || epochs) : lastTest;
    const train = this.#options.simulated
      ? await this.#evaluate('train', winner.bestEpoch || epochs)
      : this.#runningEvaluation(winner);
    const { prepared } = this.#parts;
    return {
      model: this.#parts.linearModel(winner.model),
      ...(this.#labelRemedy === undefined ? {} : { labelRemedy: this.#labelRemedy }),
      plan: this.#plan,
      epochs,
      samples: this.#group.samples,
      bytesRead: this.#traffic.bytesRead + prepared.bytesRead,
      bytesWritten: this.#traffic.bytesWritten + prepared.bytesWritten,
      train,
      test,
      heldOut: winner.heldOut,
      halvings: winner.halvings,
      ...(winner.bestEpoch > 0 ? { bestEpoch: winner.bestEpoch } : {}),
      ...(this.#options.sweep === undefined || crossValidation !== undefined
        ? {}
        : { sweep: this.#group.table() }),
      ...(crossValidation === undefined ? {} : { crossValidation }),
    };
  }

  /** Trains on the rows of an epoch from row `fromRow` on. */
  async #trainEpoch(epoch: number, fromRow: number): Promise<void> {
    const { batch, hogwild } = this.#parts;
    const group = this.#group;
    const { lastStep } = this.#plan.chosen;
    // From now on memory changes.
    this.#checkpoint.atRest(undefined);
    if (fromRow === 0) group.beginEpoch();
    this.#row = fromRow;
    if (group.active.length === 0 || group.steps >= lastStep) return;
    for await (const block of this.#stream.epoch(epoch, fromRow)) {
      // From here on a job that is to stop saves its state first.
      this.#opening.end();
      if (batch.filled === 0) this.#lookAtLabels(block);
      let sought = group.calibrated;
      for (let at = block.from; at < block.to; ) {
        // Between steps, as the batch is needed for it. Most often before the first.
        if (!sought && batch.filled === 0) {
          sought = true;
          this.#calibrate(block, at);
        }
        if (batch.filled === 0 && hogwild !== undefined) {
          const before = at;
          at = hogwild.train(group.active[0]!, block, at, epoch, this.#progress);
          this.#row += at - before;
          if (at > before && this.#checkpoint.due(group.samples)) await this.#save(epoch, false);
          if (at === block.to) break;
        }
        const taken = batch.take(block, at);
        at += taken;
        this.#row += taken;
        if (!batch.full) continue;
        this.#update(epoch);
        if (group.halvingIsDue()) await group.halve(this.#judge, epoch);
        if (group.active.length === 0) return;
        const { steps, samples } = group.active[0]!;
        if (steps >= lastStep) return;
        const look = this.#checkpoint.eager || steps % STEPS_PER_LOOK === 0;
        if (look && this.#checkpoint.due(samples)) await this.#save(epoch, false);
      }
      await this.#requireFiniteRows();
    }
    if (batch.filled > 0) this.#update(epoch);
  }

  /** Between the steps of an epoch and the next: scoring may take long. `judged`: models have been judged after it. */
  #rest(epoch: number, judged: boolean): void {
    this.#checkpoint.atRest(() => this.#save(epoch, judged));
  }

  async #save(epoch: number, judged: boolean): Promise<void> {
    const state: StreamingState = {
      epoch,
      row: this.#row,
      judged,
      trainees: this.#group.trainees.map((trainee) => trainee.state()),
      group: this.#group.state(),
      ...this.#traffic,
      shuffle: await this.#stream.state?.(),
    };
    const progress = { done: this.#group.samples, total: totalSamples(this.#plan), unit: 'rows' };
    await this.#checkpoint.save(state, this.#blocks, progress);
    await this.#stream.saved?.(this.#checkpoint.states!.sequence);
    this.#emit({ type: 'checkpoint', ...progress });
  }

  #restore({ trainees, group, bytesRead, bytesWritten }: StreamingState): void {
    for (const [i, trainee] of this.#group.trainees.entries()) trainee.restore(trainees[i]!);
    this.#group.restore(group);
    this.#before = { bytesRead, bytesWritten };
    const done = this.#group.samples;
    this.#emit({ type: 'resumed', done, total: totalSamples(this.#plan), unit: 'rows' });
  }

  /** Bytes read and written so far, also by processes before this one. */
  get #traffic(): { readonly bytesRead: number; readonly bytesWritten: number } {
    return {
      bytesRead: this.#before.bytesRead + this.#stream.bytesRead + this.#parts.bytesScored,
      bytesWritten: this.#before.bytesWritten + this.#stream.bytesWritten,
    };
  }

  /** One step of each model from the rows in the batch. */
  #update(epoch: number): void {
    const { batch } = this.#parts;
    batch.checkLabels();
    this.#parts.beginStep();
    this.#group.update(epoch, batch.filled, this.#progress);
    this.#parts.endStep();
    batch.clear();
  }

  /** After the first divergence of a run: one pass over the rows tells whether NaN or an infinity among them caused it. */
  async #requireFiniteRows(): Promise<void> {
    if (this.#rowsChecked || !this.#group.trainees.some((trainee) => trainee.troubled)) return;
    this.#rowsChecked = true;
    await this.#parts.requireFiniteRows(this.#context.signal);
  }

  /** Warns, once, of labels that single precision cannot tell apart. */
  #lookAtLabels(block: RowBlock): void {
    if (this.#labelsSeen || this.#task === 'classification') return;
    this.#labelsSeen = true;
    const sample = { ...block, to: Math.min(block.to, block.from + SAMPLE_ROWS) };
    const figures = labelFigures(this.#parts.batch, sample);
    const far = farLabels(this.#plan.verb, this.#options.loss, figures);
    this.#labelRemedy = far?.remedy;
    if (far !== undefined) this.#emit({ type: 'warning', message: far.message });
  }

  #calibrate(block: RowBlock, at: number): void {
    const from = firstCounting(this.#parts.batch, block, at);
    const sample =
      from === block.to ? undefined : { ...block, from, to: Math.min(block.to, from + SAMPLE_ROWS) };
    this.#group.calibrate(sample, this.#parts.vector);
  }

  async #evaluate(part: 'train' | 'test', epoch: number): Promise<Evaluation | undefined> {
    if (!this.#parts.hasRows(part)) return undefined;
    const { winner } = this.#group;
    const [evaluation] = await this.#parts.evaluate([winner.model], part, this.#context.signal);
    if (part === 'test') winner.clock.testAccuracy = evaluation!.accuracy;
    this.#emit({ type: 'evaluation', part, epoch, evaluation: evaluation! });
    return evaluation;
  }

  /** What the last epoch showed of the training rows while the weights still moved. */
  #runningEvaluation({ epochLoss, options, model }: Trainee): Evaluation {
    const { rows, meanLoss, accuracy } = epochLoss;
    if (this.#task === 'classification') return { rows, loss: meanLoss, accuracy };
    return { rows, loss: meanLoss, ...runningRmse(options, model.columns, meanLoss) };
  }

  readonly #judge = (models: readonly StepModel[]) =>
    this.#parts.evaluate(models, 'holdout', this.#context.signal);

  readonly #judgeFolds = (models: readonly StepModel[]) =>
    this.#parts.evaluateFolds(models, this.#context.signal);

  readonly #progress = (done: number, total: number, epoch: number): void => {
    const { bytesRead, bytesWritten } = this.#traffic;
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
  context: JobContext,
): Promise<Trained> {
  const { task, k } = dataset.description;
  const classes = task === 'classification' ? k : 0;
  const weighting = weightingOf(dataset.description, options);
  const lockFree = plan.threads > 1 && plan.verb === 'hsgd';
  const arena = new Arena(plan.regions);
  const hogwild = { plan, classes, weighting, memory: arena.memory };
  const workspace = await startThreads(arena, plan.threads, lockFree ? { hogwild } : {});
  try {
    const parts = new DenseParts(workspace, plan, dataset, options, context);
    return await new StreamingRun(plan, parts, task, options, context).run();
  } finally {
    await workspace.threads.close();
  }
}
