import type { RowBlock } from '../../data/rowBlock.js';
import { lossOf } from '../losses/losses.js';
import { automaticRate, type Curvature } from './calibration.js';
import { followsLength } from './longRows.js';
import type { StepModel } from './runParts.js';
import type { TraineeSetting } from './trainee.js';

/** Halvings of an automatic rate before giving up. */
export const MOST_HALVINGS = 60;
/** A model is where it was while its loss on rows of the sample has not grown by more than this. */
const LOSS_KEPT = 1.001;
/** Outputs whose errors differ by more than this are not learnt alike at one rate. */
const UNLIKE = 10;
/** A mean loss that is none, and an error that single precision leaves of a target. */
const NO_LOSS = 1e-12;
const ROUNDING = 1e-6;

/** What a model starts from: its first weights, and with an automatic rate what that is. */
export class TraineeStart {
  /** What intercepts start from in regression; empty: zeros. */
  targets: readonly number[] = [];
  readonly #setting: TraineeSetting;
  readonly #model: StepModel;

  constructor(setting: TraineeSetting, model: StepModel) {
    this.#setting = setting;
    this.#model = model;
  }

  /**
   * The weights to start from, which are kept to go back to: zeros, or those of a model. With squared losses the intercept starts
   * from the class frequencies, which need not be learnt then.
   */
  takeWeights(): void {
    this.writeWeights();
    this.#model.keep();
  }

  /** The same, but keeps nothing. */
  writeWeights(): void {
    const { classShares, initial } = this.#setting;
    const { bias, eta0, loss } = this.#setting.model.options;
    const model = this.#model;
    model.clearWeights();
    if (initial !== undefined) return initial(model, bias);
    if (!bias) return;
    const squared = loss === 'ridge' || loss === 'huber';
    if (classShares === undefined) model.intercept.set(this.targets);
    else if (eta0 === 'auto' && squared) model.intercept.set(classShares);
  }

  /** Whether a mean loss is no more than rounding leaves of rows that are fitted: those that the intercept was taken from, when they are alike. */
  fits(meanLoss: number): boolean {
    const { errorOf } = lossOf(this.#setting.model.options.loss);
    const size = Math.max(0, ...this.targets.map(Math.abs));
    return meanLoss <= NO_LOSS || (errorOf !== undefined && errorOf(meanLoss) <= ROUNDING * size);
  }

  /**
   * The automatic rate, and one sentence on why, from rows of which the first counts and what was measured on them; undefined where the
   * targets matter and none of them is known to the model, or all are those that it starts from.
   */
  rate(sample: RowBlock, curvature: Curvature): { eta0: number; reason: string } | undefined {
    const { plan, rowFeatures } = this.#setting;
    const { optimizer, momentum, bias, reg } = this.#setting.model.options;
    const scale = this.#prepare(sample);
    if (scale === undefined) return undefined;
    const { eta0, reason } = automaticRate(curvature, {
      optimizer,
      lossCurvature: this.#model.curvature,
      batch: plan.chosen.batch,
      momentum,
      bias,
      decay: reg / plan.rows,
      d: rowFeatures,
      scale,
    });
    const halvings = this.#startSlowly(sample, eta0);
    if (halvings === 0) return { eta0, reason };
    const slower = `halved ${halvings} times, until steps no longer raise the loss of the model started from`;
    return { eta0: eta0 / 2 ** halvings, reason: `${reason}; ${slower}` };
  }

  /**
   * What a rate depends on beside the rows: where errors of regression are large, a loss that is a line there has little curvature,
   * and optimisers whose steps have a length of their own must make longer ones. Returns how far scores have to move. The
   * intercept need not move as far: it starts from the median of the targets. One rate serves all outputs: that with which the one
   * of least errors is safe where steps follow the errors, else that with which the one of the largest arrives.
   */
  #prepare(sample: RowBlock): number | undefined {
    const { classification, initial } = this.#setting;
    const { loss, optimizer } = this.#setting.model.options;
    const { curvatureAt, errorOf } = lossOf(loss);
    if (classification || (curvatureAt === undefined && followsLength(optimizer))) return 1;
    const model = this.#model;
    if (initial === undefined && this.targets.length === 0) this.targets = model.medianLabels(sample) ?? [];
    this.takeWeights();
    const { loss: sum, weight } = model.lossOn(sample);
    if (weight === 0) return undefined;
    const mean = sum / weight / model.outputs;
    if (initial === undefined && this.fits(mean)) return undefined;
    const losses =
      model.outputs === 1 || initial !== undefined ? [mean] : model.lossesAround(sample, this.targets);
    if (curvatureAt !== undefined) model.curvature = Math.max(...losses.map(curvatureAt));
    // A model that fits has nowhere to go.
    const scales = losses
      .map((each) => errorOf?.(each) ?? 1)
      .filter((each) => each > 0 && Number.isFinite(each));
    this.#tellOfScales(scales);
    return scales.length === 0 ? 1 : Math.max(...scales);
  }

  #tellOfScales(scales: readonly number[]): void {
    const [least, most] = [Math.min(...scales), Math.max(...scales)];
    if (scales.length < 2 || most <= UNLIKE * least) return;
    const { loss, optimizer } = this.#setting.model.options;
    this.#setting.emit({
      type: 'warning',
      message:
        `the labels spread by ${least.toPrecision(2)} to ${most.toPrecision(2)}, and one learning rate serves all outputs: with ` +
        `--loss=${loss} --optimizer=${optimizer} some will be learnt badly; scale the labels alike, use --loss=ridge with --optimizer=sgd, or train a model of each`,
    });
  }

  /**
   * How often an automatic rate must be halved so that a model that is trained already stays where it is: until steps on
   * the first half of a sample do not raise the loss of the second half. 0 without a model to start from.
   */
  #startSlowly({ base, order, from, to }: RowBlock, eta0: number): number {
    const middle = (from + to) >> 1;
    if (this.#setting.initial === undefined || middle === from) return 0;
    const model = this.#model;
    const judged = { base, order, from: middle, to };
    this.takeWeights();
    const limit = LOSS_KEPT * model.lossOn(judged).loss;
    let halvings = 0;
    for (; halvings < MOST_HALVINGS; halvings++) {
      model.clearState();
      model.tryRate(eta0 / 2 ** halvings, { base, order, from, to: middle });
      const { loss } = model.lossOn(judged);
      this.takeWeights();
      if (loss <= limit) break;
    }
    return halvings;
  }
}
