import type { RowBlock } from '../../data/rowBlock.js';
import { MlmlError } from '../../errors.js';
import type { Evaluation, SweepModel, TrainEvent, TrainListener } from '../events.js';
import type { SweepName, TrainOptions } from '../options.js';
import { measureCurvature } from './calibration.js';
import { isBetter } from './earlyStopping.js';
import { type Concluding, finalVerdict } from './finalVerdict.js';
import { Halving } from './halving.js';
import type { StepModel } from './runParts.js';
import { namesOf } from './sweepGrid.js';
import type { Trainee } from './trainee.js';

/** Evaluates models on the held-out rows. */
export type Judge = (models: readonly StepModel[]) => Promise<Evaluation[]>;

/** Whether a model has trained, or trains, to its end. */
function isFinished({ fate }: Trainee): boolean {
  return fate === 'trained' || fate === 'stopped';
}

/** All models that train from one stream: one, or those of a sweep. A model that is out takes no more arithmetic. */
export class TraineeGroup {
  readonly trainees: readonly Trainee[];
  readonly #options: TrainOptions;
  readonly #names: readonly SweepName[];
  readonly #variants: readonly TrainOptions[];
  readonly #emit: TrainListener;
  readonly #halving: Halving;
  #active: readonly Trainee[];
  /** Why the model that was the last to diverge did. */
  #failure: unknown;

  /** @param total rows of all steps of the run */
  constructor(
    trainees: readonly Trainee[],
    options: TrainOptions,
    variants: readonly TrainOptions[],
    total: number,
    emit: TrainListener,
  ) {
    this.trainees = trainees;
    this.#options = options;
    this.#names = namesOf(options.sweep ?? {});
    this.#variants = variants;
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
    // The curvature is that of the rows, whatever the model.
    const automatic = this.#active.find(({ options }) => options.eta0 === 'auto');
    const curvature =
      automatic !== undefined && sample !== undefined
        ? measureCurvature(automatic.model.sample(sample), vector)
        : undefined;
    for (const trainee of this.#active) trainee.calibrate(sample, curvature);
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
    trainee.fate = 'diverged';
  }

  /**
   * After the last epoch: the weights of all models are those that are kept, and those of them that diverged without recovering are out;
   * throws when they all did.
   */
  async conclude(concluding: Omit<Concluding, 'emitOf'>): Promise<void> {
    const finished = this.trainees.filter(isFinished);
    for (const trainee of finished) trainee.finish();
    const emitOf = (trainee: Trainee) => this.#emitOf(trainee);
    const failures = await finalVerdict(finished, { ...concluding, emitOf });
    for (const [trainee, failure] of failures) this.#leave(trainee, failure);
    if (failures.size > 0) this.#settle();
  }

  #emitOf(trainee: Trainee): TrainListener {
    if (!this.#isSweep) return this.#emit;
    const model = this.trainees.indexOf(trainee);
    return (event) => this.#emit({ ...event, model } as TrainEvent);
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

  /** The best model of those that trained to their end. */
  get winner(): Trainee {
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
      const options = this.#variants[model]!;
      return {
        model,
        options: Object.fromEntries(this.#names.map((name) => [name, options[name]])),
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
