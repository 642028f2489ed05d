import { padded4, panelIndex } from '../../arithmetic/normalProduct.js';
import type { Scaling } from '../../data/scaling.js';
import type { Workspace } from '../../threads/workspace.js';
import { type RowWeighting, requireWeight } from '../rowWeights.js';
import type { BlockOperator } from './conjugateGradients.js';
import type { ProblemSize, SolvingData } from './fit.js';
import { openPanels, type PanelReader } from './panelReader.js';
import { writeTargets } from './rowPanels.js';

/** Plain data. */
export interface NormalSums {
  readonly targetMean: readonly number[];
  readonly total: number;
}

/**
 * A = X̂ᵀX̂ + reg·E² and B = X̂ᵀY for X̂ = (X' − mean)·E (mean 0 without an intercept), by streaming.
 * E = diag(A)^(−½), from the statistics of the data: features of equal weight make conjugate gradients
 * need fewer passes (Jacobi's preconditioner). Solutions V of A·V = B give the weights E·V.
 *
 * Rows are read about the mean of the statistics, sparse ones about 0; the mean of the rows really used differs from it by δ,
 * summed in the first residual pass: X̂ᵀX̂ = Σx̂x̂ᵀ − n·δδᵀ.
 */
export class StreamedNormalOperator implements BlockOperator {
  /** Mean of the targets, once `residual` has run. */
  readonly targetMean: Float64Array;
  readonly #workspace: Workspace;
  readonly #dataset: SolvingData;
  readonly #size: ProblemSize;
  readonly #width: number;
  readonly #reg: number;
  readonly #bias: boolean;
  readonly #reader: PanelReader;
  readonly #onRows: (rows: number) => void;
  readonly #factor: Float64Array;
  /** δ, in units of x̂. */
  readonly #delta: Float64Array;
  readonly #origin: Float64Array;
  /** Σ of the weights, once `residual` has run: the number of rows when all count once. */
  #total: number;

  constructor(
    workspace: Workspace,
    dataset: SolvingData,
    given: {
      readonly size: ProblemSize;
      readonly width: number;
      readonly scaling: Scaling;
      readonly reg: number;
      readonly bias: boolean;
      readonly weighting?: RowWeighting | undefined;
      readonly signal?: AbortSignal | undefined;
      readonly onRows: (rows: number) => void;
    },
  ) {
    const { n, d, k } = given.size;
    const { arena } = workspace;
    this.#workspace = workspace;
    this.#dataset = dataset;
    this.#size = given.size;
    this.#width = given.width;
    this.#reg = given.reg;
    this.#bias = given.bias;
    this.#onRows = given.onRows;
    const weighted = { weighting: given.weighting, byRoots: true };
    this.#reader = openPanels(workspace, dataset.train.first(n), given.signal, weighted);
    this.#total = n;
    this.targetMean = new Float64Array(k);
    this.#factor = arena.float64('feature factor');
    this.#delta = arena.float64('feature mean').fill(0);
    this.#origin = arena.float64('feature origin').fill(0);
    const { multiply, add } = given.scaling;
    const { mean, variance } = dataset.features ?? dataset.description.statistics;
    const scaledMultiply = new Float64Array(d);
    const scaledAdd = new Float64Array(d);
    for (let j = 0; j < d; j++) {
      const scaledMean = multiply[j]! * mean[j]! + add[j]!;
      if (given.bias && this.#reader.centres) this.#origin[j] = scaledMean;
      const spread = multiply[j]! ** 2 * variance[j]! + (given.bias ? 0 : scaledMean ** 2);
      const diagonal = n * spread + given.reg;
      this.#factor[j] = diagonal > 0 ? 1 / Math.sqrt(diagonal) : 1;
      scaledMultiply[j] = multiply[j]! * this.#factor[j]!;
      scaledAdd[j] = (add[j]! - this.#origin[j]!) * this.#factor[j]!;
    }
    this.#reader.scale(scaledMultiply, scaledAdd);
  }

  /** What `residual` has found beside the mean in region 'feature mean'. Plain data. */
  sums(): NormalSums {
    return { targetMean: [...this.targetMean], total: this.#total };
  }

  restore({ targetMean, total }: NormalSums): void {
    this.targetMean.set(targetMean);
    this.#total = total;
  }

  async multiply(p: string, target: string): Promise<void> {
    const { d } = this.#size;
    const { arena } = this.#workspace;
    const features = padded4(d);
    const w4 = this.#width / 4;
    const out = arena.float64(target).fill(0);
    const scores = arena.float64('scores');
    for await (const { rows, firstRow, count } of this.#reader.blocks()) {
      scores.fill(0, 0, rows * this.#width);
      this.#reader.addScores(arena.address('scores'), arena.address(p), w4);
      this.#reader.addSums(arena.address('scores'), w4, arena.address(target));
      this.#onRows(firstRow + count);
    }
    const vectors = arena.float64(p);
    for (let c = 0; c < this.#width; c++) {
      let shift = 0;
      if (this.#bias) {
        for (let j = 0; j < d; j++) shift += this.#delta[j]! * vectors[panelIndex(features, j, c)]!;
        shift *= this.#total;
      }
      for (let j = 0; j < d; j++) {
        const at = panelIndex(features, j, c);
        out[at] = out[at]! + this.#reg * this.#factor[j]! ** 2 * vectors[at]! - shift * this.#delta[j]!;
      }
    }
  }

  async residual(x: string, target: string): Promise<number> {
    const { d, k } = this.#size;
    const { roots } = this.#reader;
    const { arena } = this.#workspace;
    const features = padded4(d);
    const columns = padded4(k);
    const classification = this.#dataset.description.task === 'classification';
    // Σx̂·tᵀ and, in one more panel, Σx̂; q is free between two runs of the method.
    const sums = arena.float64('q').fill(0);
    const scores = arena.float64('scores');
    const solution = arena.float64(x);
    const totals = new Float64Array(k);
    const targetTotals = new Float64Array(k);
    let squares = 0;
    let total = roots === undefined ? this.#size.n : 0;
    const labelOrigins = new Float64Array(k);
    // The kernel adds A·M, so the solution is negated for the length of the pass.
    for (let i = 0; i < solution.length; i++) solution[i] = -solution[i]!;
    for await (const block of this.#reader.blocks()) {
      const { rows, count, firstRow } = block;
      if (firstRow === 0 && !classification) labelOrigins.set(this.#reader.labels.subarray(0, k));
      writeTargets(scores, block, this.#reader.labels, this.#size, classification, labelOrigins);
      scores.fill(0, rows * columns, rows * (columns + 4));
      for (let r = 0; r < count; r++) {
        // Rows of the panels are multiplied by the root of their weight, and so are targets and residuals.
        const root = roots === undefined ? 1 : roots[r]!;
        if (roots !== undefined) total += root * root;
        scores[panelIndex(rows, r, columns)] = root;
        for (let c = 0; c < k; c++) {
          const at = panelIndex(rows, r, c);
          scores[at]! *= root;
          targetTotals[c]! += root * scores[at]!;
        }
      }
      this.#reader.addScores(arena.address('scores'), arena.address(x), columns / 4);
      for (let r = 0; r < count; r++) {
        const root = roots === undefined ? 1 : roots[r]!;
        for (let c = 0; c < k; c++) {
          // Without an intercept the origins of the labels belong to the targets.
          const at = panelIndex(rows, r, c);
          if (!this.#bias) scores[at]! += root * labelOrigins[c]!;
          totals[c]! += root * scores[at]!;
          squares += scores[at]! ** 2;
        }
      }
      this.#reader.addSums(arena.address('scores'), columns / 4 + 1, arena.address('q'));
      this.#onRows(firstRow + count);
    }
    for (let i = 0; i < solution.length; i++) solution[i] = -solution[i]!;
    requireWeight(total);
    this.#total = total;
    for (let j = 0; j < d; j++) this.#delta[j] = sums[panelIndex(features, j, columns)]! / total;
    const out = arena.float64(target);
    let penalty = 0;
    for (let c = 0; c < k; c++) {
      this.targetMean[c] = labelOrigins[c]! + targetTotals[c]! / total;
      if (this.#bias) squares -= totals[c]! ** 2 / total;
      for (let j = 0; j < d; j++) {
        const at = panelIndex(features, j, c);
        const regular = this.#reg * this.#factor[j]! ** 2 * solution[at]!;
        penalty += regular * solution[at]!;
        out[at] = sums[at]! - regular - (this.#bias ? totals[c]! * this.#delta[j]! : 0);
      }
    }
    return 0.5 * (squares + penalty);
  }

  /** Weights and intercept of the solution X. */
  weights(x: string): { weights: Float64Array; intercept: Float64Array } {
    const { d, k } = this.#size;
    const features = padded4(d);
    const solution = this.#workspace.arena.float64(x);
    const weights = new Float64Array(k * d);
    const intercept = new Float64Array(k);
    for (let c = 0; c < k; c++) {
      if (this.#bias) intercept[c] = this.targetMean[c]!;
      for (let j = 0; j < d; j++) {
        const v = solution[panelIndex(features, j, c)]!;
        weights[c * d + j] = v * this.#factor[j]!;
        if (this.#bias) intercept[c]! -= v * (this.#delta[j]! + this.#origin[j]! * this.#factor[j]!);
      }
    }
    return { weights, intercept };
  }
}
