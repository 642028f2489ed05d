import type { RowBlock } from '../../data/rowBlock.js';
import { MlmlError } from '../../errors.js';
import type { Evaluation, Fate, TrainListener } from '../events.js';
import type { TrainOptions } from '../options.js';
import { learningRate } from '../schedules.js';
import type { Curvature } from './calibration.js';
import { samplesOf } from './chosenOptions.js';
import { DivergenceWatch, type DivergenceWatchState } from './divergence.js';
import { EarlyStopping, type EarlyStoppingState } from './earlyStopping.js';
import type { ModelPlan, StepPlan } from './planStreaming.js';
import {
  ProgressClock,
  type ProgressClockState,
  RunningLoss,
  type RunningLossState,
} from './progressClock.js';
import type { StepModel } from './runParts.js';
import { OUTCOME } from './streamingThreads.js';
import { MOST_HALVINGS, TraineeStart } from './traineeStart.js';

/** Squares of slopes beyond it leave the range of single precision. */
const LARGEST_LOSS = 1e30;
/** Divergences in a row after which the weights kept last are given up. */
const FAILURES_OF_KEPT_WEIGHTS = 3;

/** Rows of all steps of a run whose stream ends. */
export function totalSamples({ chosen, rows }: Pick<StepPlan, 'rows' | 'chosen'>): number {
  return samplesOf(chosen, rows);
}

/** What to do about a rate that was given. */
export function smallerRate(eta0: number): string {
  return `give --eta0=auto, or an --eta0 far below ${eta0}`;
}

/** Where a trainee stands, beside what lies in the arena. Plain data: survives JSON. */
export interface TraineeState {
  readonly eta0: number;
  readonly curvature: number;
  readonly targets: readonly number[];
  readonly halvings: number;
  readonly failures: number;
  readonly steps: number;
  readonly samples: number;
  readonly averaged: number;
  readonly fate: Fate;
  readonly heldOut: Evaluation | null;
  readonly stopping: EarlyStoppingState;
  readonly watch: DivergenceWatchState;
  readonly epochLoss: RunningLossState;
  readonly clock: ProgressClockState;
}

/** What a trainee is made for. */
export interface TraineeSetting {
  readonly plan: Pick<StepPlan, 'rows' | 'chosen'>;
  /** Numbers of a row that are not 0, on average. */
  readonly rowFeatures: number;
  readonly model: ModelPlan;
  readonly classification: boolean;
  /** What an intercept of squared losses starts from; undefined: zero. */
  readonly classShares: readonly number[] | undefined;
  /** Writes the weights of the model to start from into zeros. */
  readonly initial?: ((model: StepModel, bias: boolean) => void) | undefined;
  readonly emit: TrainListener;
}

/**
 * One model while it trains: everything of it that is not arithmetic. It has a learning rate, chosen on the first
 * rows, watches the loss of its steps, and goes back to its last good weights after a divergence.
 */
export class Trainee {
  readonly model: StepModel;
  readonly clock: ProgressClock;
  /** Of the rows of this epoch. */
  readonly epochLoss = new RunningLoss();
  /** The last evaluation on the held-out rows; after an epoch with patience the best, whose weights are kept. */
  heldOut: Evaluation | undefined;
  fate: Fate = 'trained';
  readonly #setting: TraineeSetting;
  readonly #start: TraineeStart;
  readonly #stopping: EarlyStopping;
  /** Rows of all steps of the run. */
  readonly #total: number;
  readonly #schedule: { schedule: ModelPlan['schedule']; eta0: number; damp: number; step: number };
  readonly #now = { step: 0, progress: 0 };
  readonly #position = { step: 0, samples: 0, epoch: 0, learningRate: 0 };
  #watch = new DivergenceWatch(Infinity, false);
  /** 0: not calibrated yet. */
  #eta0 = 0;
  #halvings = 0;
  /** Divergences since weights were kept last. */
  #failures = 0;
  #steps = 0;
  #samples = 0;

  constructor(setting: TraineeSetting, model: StepModel) {
    const { plan, classification, emit } = setting;
    const { logfreq, patience, damp, step } = setting.model.options;
    this.#schedule = { schedule: setting.model.schedule, eta0: 0, damp, step };
    this.#setting = setting;
    this.model = model;
    this.#start = new TraineeStart(setting, model);
    this.#total = totalSamples(plan);
    this.#stopping = new EarlyStopping(patience);
    this.clock = new ProgressClock(emit, logfreq, classification);
  }

  get options(): TrainOptions {
    return this.#setting.model.options;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Rows used for updates. */
  get samples(): number {
    return this.#samples;
  }

  /** The rate its schedule starts from, as it is now; 0 before it is known. */
  get eta0(): number {
    return this.#eta0;
  }

  /** Counted from 1; 0 when all epochs are trained whatever the held-out rows show. */
  get bestEpoch(): number {
    return this.#stopping.bestEpoch;
  }

  /** How often the automatic rate was halved after a divergence. */
  get halvings(): number {
    return this.#halvings;
  }

  /** Is told of it. */
  get emit(): TrainListener {
    return this.#setting.emit;
  }

  /** Of the loss of its steps. */
  get watch(): Pick<DivergenceWatch, 'first' | 'rise' | 'isRisen'> {
    return this.#watch;
  }

  /** Its weights as they were before the first step. */
  writeStart(): void {
    this.#start.writeWeights();
  }

  /** Whether its loss ever exploded. */
  get troubled(): boolean {
    return this.#halvings > 0 || this.fate === 'diverged';
  }

  /** False while it has yet to see rows that count: with an automatic rate it learns nothing before. Or while it fits all it has seen. */
  get calibrated(): boolean {
    return this.#eta0 > 0 && this.#watch.judges;
  }

  /**
   * Starting weights, first loss and learning rate, from rows of a block of which the first counts, and what was measured on
   * them. Without such a block (all weights are 0) it does what can be done without, and is to be called again.
   */
  calibrate(sample: RowBlock | undefined, curvature: Curvature | undefined): void {
    if (this.#eta0 === 0) this.#begin(sample, curvature);
    if (sample === undefined) return;
    const { options } = this.#setting.model;
    const { loss, weight } = this.model.lossOn(sample);
    // All of these rows are of the fold that it leaves out, or it fits them by chance: later ones would seem far worse.
    if (weight === 0 || this.#start.fits(loss / weight)) return;
    if (!(loss <= LARGEST_LOSS * (sample.to - sample.from))) {
      throw new MlmlError(
        'MLML_BAD_DATA',
        `the first rows have a loss of ${loss / (sample.to - sample.from)} before any training: features or targets are too large for the single precision of sgd, ssgd and hsgd; use --scale=standard, smaller targets, or closed or gd`,
      );
    }
    this.#watch = new DivergenceWatch(loss / weight, options.eta0 === 'auto');
  }

  #begin(sample: RowBlock | undefined, curvature: Curvature | undefined): void {
    const { eta0 } = this.#setting.model.options;
    if (eta0 !== 'auto') {
      this.#eta0 = eta0;
      this.#setting.emit({ type: 'rate', eta0, reason: 'as given' });
    } else if (sample !== undefined) {
      const rate = this.#start.rate(sample, curvature!);
      // All of these rows are of the fold that it leaves out, or their targets are what it starts from.
      if (rate === undefined) return;
      this.#eta0 = rate.eta0;
      this.#setting.emit({ type: 'rate', ...rate });
    }
    this.model.clearState();
    this.#start.takeWeights();
  }

  beginEpoch(): void {
    const { average, patience } = this.#setting.model.options;
    this.epochLoss.reset();
    if (average && patience > 0) this.model.startAverage();
  }

  /** Takes the evaluation on the held-out rows after an epoch, counted from 1: it may be time to stop. */
  judge(evaluation: Evaluation, epoch: number): void {
    this.heldOut = evaluation;
    this.clock.holdoutAccuracy = evaluation.accuracy;
    if (this.#setting.model.options.patience === 0) return;
    if (this.#stopping.observe(evaluation, epoch)) this.model.keepBest();
    this.heldOut = this.#stopping.best;
    if (this.#stopping.exhausted) this.fate = 'stopped';
  }

  /** After the last epoch: with patience, the best epoch's weights are the model's. */
  finish(): void {
    if (this.bestEpoch > 0) this.model.takeBest();
  }

  /** Rows of all steps of the run. */
  get total(): number {
    return this.#total;
  }

  /** Of the next step. */
  #rate(): number {
    // Steps allocate nothing: with many models they are many.
    this.#schedule.eta0 = this.#eta0;
    this.#now.step = this.#steps;
    this.#now.progress = Math.min(1, this.#samples / this.#total);
    return learningRate(this.#schedule, this.#now);
  }

  /**
   * Takes note of steps that threads have made on the weights: four numbers of each (see `OUTCOME`). They are watched
   * together: weights are kept, or averaged, as they are after the last of them. False after a divergence.
   */
  observe(
    outcomes: Float64Array,
    batchRows: number,
    epoch: number,
    progress: (done: number, total: number, epoch: number) => void,
  ): boolean {
    let good = false;
    for (let i = 0; i < outcomes.length; i += OUTCOME) {
      const [lossSum, right] = [outcomes[i]!, outcomes[i + 1]!];
      const learningRate = this.#rate();
      this.#steps++;
      this.#samples += batchRows;
      const verdict = this.#watch.observe(lossSum, outcomes[i + 2]!, outcomes[i + 3]!);
      if (verdict === 'diverged') {
        this.#recover();
        return false;
      }
      good ||= verdict === 'good';
      this.#tell(epoch, learningRate, lossSum, right, batchRows);
      if (this.clock.progressDue(this.#steps)) progress(this.#samples, this.#total, epoch);
    }
    // Not when the loss rose behind the good steps: these weights are already those after the rise.
    if (good && this.#watch.lastWasGood) this.#keep();
    if (this.#averages(epoch)) this.model.average();
    return true;
  }

  #tell(epoch: number, learningRate: number, lossSum: number, right: number, batchRows: number): void {
    this.epochLoss.add(lossSum, right, batchRows);
    const position = this.#position;
    position.step = this.#steps;
    position.samples = this.#samples;
    position.epoch = epoch;
    position.learningRate = learningRate;
    this.clock.step(position, lossSum, right, batchRows);
  }

  #keep(): void {
    this.model.keep();
    this.#failures = 0;
  }

  #averages(epoch: number): boolean {
    const { average, patience } = this.#setting.model.options;
    return average && (patience > 0 || epoch === this.#setting.plan.chosen.epochs - 1);
  }

  /** One step of the optimiser on the rows in the batch, and everything that watches it. */
  update(
    epoch: number,
    batchRows: number,
    progress: ((done: number, total: number, epoch: number) => void) | undefined,
  ): void {
    const { model } = this;
    const rate = this.#rate();
    this.#steps++;
    this.#samples += batchRows;
    model.step(rate, this.#steps);
    const { lossSum, right } = model;
    const verdict = this.#watch.observe(lossSum, model.counted, model.weight);
    if (verdict === 'diverged') return this.#recover();
    if (verdict === 'good') this.#keep();
    if (this.#averages(epoch)) model.average();
    this.#tell(epoch, rate, lossSum, right, batchRows);
    if (progress !== undefined && this.clock.progressDue(this.#steps))
      progress(this.#samples, this.#total, epoch);
  }

  /** Before anything is scored: the last step may have been that of a divergence, which the next would have shown. */
  requireFinite(): void {
    if (!this.model.isFinite()) this.#recover();
  }

  /** After a divergence: an automatic rate is halved and the last good weights are taken up again. */
  #recover(): void {
    const { emit } = this.#setting;
    const { options } = this.#setting.model;
    const rate = this.#eta0.toPrecision(3);
    if (options.eta0 !== 'auto' || ++this.#halvings > MOST_HALVINGS) {
      const advice =
        options.eta0 === 'auto'
          ? 'even after halving it many times: features or targets are too large for single precision; use --scale=standard, smaller targets, or closed or gd'
          : smallerRate(this.#eta0);
      throw new MlmlError(
        'MLML_DIVERGED',
        `the loss exploded at step ${this.#steps} with learning rate ${rate}; ${advice}`,
      );
    }
    this.#eta0 /= 2;
    // When the kept weights fail again and again they are no good for the rows that come now: start over.
    if (++this.#failures > FAILURES_OF_KEPT_WEIGHTS) this.#start.takeWeights();
    this.model.goBack();
    this.#watch.restart();
    this.clock.forget();
    this.epochLoss.reset();
    const message = `the loss rose at step ${this.#steps}: going back to the last good weights with half the learning rate`;
    emit({ type: 'warning', message });
    emit({ type: 'rate', eta0: this.#eta0, reason: 'halved after a divergence' });
  }

  /** To be saved together with the regions of the model. */
  state(): TraineeState {
    return {
      eta0: this.#eta0,
      curvature: this.model.curvature,
      targets: this.#start.targets,
      halvings: this.#halvings,
      failures: this.#failures,
      steps: this.#steps,
      samples: this.#samples,
      averaged: this.model.averaged,
      fate: this.fate,
      heldOut: this.heldOut ?? null,
      stopping: this.#stopping.state(),
      watch: this.#watch.state(),
      epochLoss: this.epochLoss.state(),
      clock: this.clock.state(),
    };
  }

  restore(state: TraineeState): void {
    this.#eta0 = state.eta0;
    this.model.curvature = state.curvature;
    this.#start.targets = state.targets;
    this.#halvings = state.halvings;
    this.#failures = state.failures;
    this.#steps = state.steps;
    this.#samples = state.samples;
    this.model.averaged = state.averaged;
    this.fate = state.fate;
    this.heldOut = state.heldOut ?? undefined;
    this.#stopping.restore(state.stopping);
    this.#watch.restore(state.watch);
    this.epochLoss.restore(state.epochLoss);
    this.clock.restore(state.clock);
  }
}
