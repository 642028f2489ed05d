import type { RowBlock } from '../../data/rowBlock.js';
import { MlmlError } from '../../errors.js';
import { crossValidated, ranked } from '../crossValidation.js';
import type { CrossValidatedModel, Evaluation, SweepModel, TrainListener } from '../events.js';
import type { SweepName, TrainOptions } from '../options.js';
import { measureCurvature } from './calibration.js';
import { isBetter } from './earlyStopping.js';
import { type Concluding, finalVerdict } from './finalVerdict.js';
import { Halving } from './halving.js';
import type { ModelPlan } from './planStreaming.js';
import type { StepModel } from './runParts.js';
import { namesOf } from './sweepGrid.js';
import type { Trainee } from './trainee.js';

/** Evaluates models on the held-out rows. */
export type Judge = (models: readonly StepModel[]) => Promise<Evaluation[]>;

/** Whether a model has trained, or trains, to its end. */
function isFinished({ fate }: Trainee): boolean {
  return fate === 'trained' || fate === 'stopped';
}

/**
 * All models that train from one stream: one, or those of a sweep, each with those that leave out a fold. A model that is out
 * takes no more arithmetic.
 */
export class TraineeGroup {
  readonly trainees: readonly Trainee[];
  readonly #options: TrainOptions;
  readonly #names: readonly SweepName[];
  readonly #models: readonly ModelPlan[];
  readonly #emit: TrainListener;
  readonly #halving: Halving;
  #active: readonly Trainee[];
  /** Of each of the sweep, the best first; undefined before folds have been judged. */
  #crossValidation: readonly CrossValidatedModel[] | undefined;
  /** Why the model that was the last to diverge did. */
  #failure: unknown;

  /** @param total rows of all steps of the run */
  constructor(
    trainees: readonly Trainee[],
    options: TrainOptions,
    models: readonly ModelPlan[],
    total: number,
    emit: TrainListener,
  ) {
    this.trainees = trainees;
    this.#options = options;
    this.#names = namesOf(options.sweep ?? {});
    this.#models = models;
    this.#emit = emit;
    this.#active = trainees;
    this.#halving = new Halving(options.halving ? trainees.length : 1, total);
  }

  get #isSweep(): boolean {
    return this.#options.sweep !== undefined;
  }

  /** The models that train. */
  get active(): readonly Trainee[] {
    return this.#active;
  }

  /** Steps and rows of the models that train, which are the same for all of them; of the whole run when none is left. */
  get steps(): number {
    return Math.max(...this.trainees.map(({ steps }) => steps));
  }
  get samples(): number {
    return Math.max(...this.trainees.map(({ samples }) => samples));
  }

  get calibrated(): boolean {
    return this.#active.every(({ calibrated }) => calibrated);
  }

  /**
   * Learning rates and starting weights of all models, from rows of a block of which the first counts, if there is one.
   * `vector`: work space for d numbers.
   */
  calibrate(sample: RowBlock | undefined, vector: Float64Array): void {
    // The curvature is that of the rows, whatever the model, and measuring it overwrites what a model has learnt.
    const automatic = this.#active.find(({ options, eta0 }) => options.eta0 === 'auto' && eta0 === 0);
    const curvature =
      automatic !== undefined && sample !== undefined
        ? measureCurvature(automatic.model.sample(sample), vector)
        : undefined;
    for (const trainee of this.#active) if (!trainee.calibrated) trainee.calibrate(sample, curvature);
  }

  beginEpoch(): void {
    for (const trainee of this.#active) trainee.beginEpoch();
  }

  /** One step of each model from the rows in the batch. In a sweep a model that diverges for good is out. */
  update(
    epoch: number,
    batchRows: number,
    progress: (done: number, total: number, epoch: number) => void,
  ): void {
    const active = this.#active;
    let out = 0;
    for (let i = 0; i < active.length; i++) {
      try {
        active[i]!.update(epoch, batchRows, i === 0 ? progress : undefined);
      } catch (error) {
        this.#leave(active[i]!, error);
        out++;
      }
    }
    if (out > 0) this.#settle();
  }

  /** After the steps of an epoch, before models are scored. */
  endEpoch(): void {
    const active = this.#active;
    for (const trainee of active) {
      try {
        trainee.requireFinite();
      } catch (error) {
        this.#leave(trainee, error);
      }
    }
    if (active.some(({ fate }) => fate === 'diverged')) this.#settle();
  }

  /** A model is out of a sweep when it diverged for good. Alone, or with another error, it is the end of the run. */
  #leave(trainee: Trainee, error: unknown): void {
    if (!this.#isSweep || !(error instanceof MlmlError) || error.code !== 'MLML_DIVERGED') throw error;
    this.#failure = error;
    for (const other of this.#sharing(trainee)) other.fate = 'diverged';
  }

  /**
   * After the last epoch: the weights of all models are those that are kept, and those of them that diverged without recovering are out;
   * throws when they all did.
   */
  async conclude(concluding: Concluding): Promise<void> {
    const finished = this.trainees.filter(isFinished);
    for (const trainee of finished) trainee.finish();
    const failures = await finalVerdict(finished, concluding);
    for (const [trainee, failure] of failures) this.#leave(trainee, failure);
    if (failures.size > 0) this.#settle();
  }

  /** A model and those of the same options that leave out a fold, or learn from all rows: judged together, they are out together. */
  #sharing(trainee: Trainee): Trainee[] {
    const variant = this.#variantOf(trainee);
    return this.trainees.filter((_, i) => this.#models[i]!.variant === variant);
  }

  /** Takes models that are out from those that train. When all diverged, so did the run. */
  #settle(): void {
    this.#active = this.#active.filter(({ fate }) => fate === 'trained');
    if (this.trainees.every(({ fate }) => fate === 'diverged' || fate === 'dropped')) throw this.#failure;
  }

  /** Whether it is time to drop models, after a step; to be followed by `halve`. */
  halvingIsDue(): boolean {
    return this.#active.length > 0 && this.#halving.due(this.#active[0]!.samples);
  }

  /** Drops the worse half of the models that train, by the held-out rows. `epoch` counts from 0. */
  async halve(judge: Judge, epoch: number): Promise<void> {
    const evaluations = await judge(this.#active.map(({ model }) => model));
    for (const [i, trainee] of this.#active.entries()) trainee.heldOut = evaluations[i];
    const ranked = this.#rank(this.#active);
    for (const trainee of ranked.slice(Halving.staying(ranked.length))) trainee.fate = 'dropped';
    this.#settle();
    this.#tell(epoch + 1);
  }

  /** Scores the models that train on the held-out rows after an epoch, counted from 1; some may stop. */
  async judge(judge: Judge, epoch: number): Promise<void> {
    const judged = this.#active;
    const evaluations = await judge(judged.map(({ model }) => model));
    for (const [i, trainee] of judged.entries()) {
      const evaluation = evaluations[i]!;
      trainee.judge(evaluation, epoch);
      const number = this.#isSweep ? { model: this.trainees.indexOf(trainee) } : {};
      this.#emit({ type: 'evaluation', part: 'holdout', epoch, evaluation, ...number });
      if (trainee.fate === 'stopped') {
        this.#emit({ type: 'stopped', epoch, bestEpoch: trainee.bestEpoch, ...number });
      }
    }
    this.#settle();
    if (this.#isSweep) this.#tell(epoch);
  }

  /** Judges the models that left out a fold on its rows. */
  async crossValidate(judge: Judge): Promise<void> {
    const left = this.trainees.filter(({ model, fate }) => model.fold !== undefined && fate !== 'diverged');
    const evaluations = await judge(left.map(({ model }) => model));
    const models = this.trainees.flatMap((trainee, i) => {
      if (trainee.model.fold !== undefined) return [];
      const { variant } = this.#models[i]!;
      const own = evaluations.filter((_, j) => this.#variantOf(left[j]!) === variant);
      const judged = own.length === 0 ? undefined : own;
      return [crossValidated(variant, this.#valuesOf(i), trainee.fate, judged)];
    });
    this.#crossValidation = ranked(models);
    this.#emit({ type: 'folds', folds: this.#options.folds, models: this.#crossValidation });
  }

  get crossValidation(): readonly CrossValidatedModel[] | undefined {
    return this.#crossValidation;
  }

  #variantOf(trainee: Trainee): number {
    return this.#models[this.trainees.indexOf(trainee)]!.variant;
  }

  /** The values that a model has of the options that vary. */
  #valuesOf(model: number): SweepModel['options'] {
    const { options } = this.#models[model]!;
    return Object.fromEntries(this.#names.map((name) => [name, options[name]!]));
  }

  /** The best model of those that trained to their end; of a cross-validation, that of the best on all rows. */
  get winner(): Trainee {
    const { folds } = this.#options;
    if (folds > 0) return this.trainees[(folds + 1) * (this.#crossValidation?.[0]?.model ?? 0)]!;
    return this.#rank(this.trainees.filter(isFinished))[0]!;
  }

  /** The better on the held-out rows first; equals in the order of the grid. */
  #rank(trainees: readonly Trainee[]): Trainee[] {
    const compare = (a: Trainee, b: Trainee) => {
      if (a.heldOut === undefined || b.heldOut === undefined) {
        return Number(a.heldOut === undefined) - Number(b.heldOut === undefined);
      }
      return Number(isBetter(b.heldOut, a.heldOut)) - Number(isBetter(a.heldOut, b.heldOut));
    };
    return [...trainees].sort(compare);
  }

  /** All models, those that trained to the end before those that did not, the better first. */
  table(): SweepModel[] {
    const rank = this.#rank(this.trainees.filter(isFinished));
    const out = this.trainees.filter((trainee) => !isFinished(trainee));
    out.sort((a, b) => b.samples - a.samples);
    const groups = new Map<string, Trainee[]>();
    for (const trainee of out) {
      const key = `${trainee.fate} ${trainee.samples}`;
      groups.set(key, [...(groups.get(key) ?? []), trainee]);
    }
    const rest = [...groups.values()].flatMap((group) => this.#rank(group));
    return [...rank, ...rest].map((trainee) => {
      const model = this.trainees.indexOf(trainee);
      return {
        model,
        options: this.#valuesOf(model),
        fate: trainee.fate,
        heldOut: trainee.heldOut,
        samples: trainee.samples,
      };
    });
  }

  #tell(epoch: number): void {
    this.#emit({ type: 'sweep', epoch, samples: this.samples, models: this.table() });
  }

  /** Plain data, beside the states of the trainees. */
  state(): { readonly rungsLeft: number } {
    return { rungsLeft: this.#halving.state() };
  }

  /** After the states of the trainees. */
  restore(state: { readonly rungsLeft: number }): void {
    this.#halving.restore(state.rungsLeft);
    this.#active = this.trainees.filter(({ fate }) => fate === 'trained');
  }
}
