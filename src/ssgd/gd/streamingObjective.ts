import { padded4, panelIndex } from '../../arithmetic/normalProduct.js';
import type { Scaling } from '../../data/scaling.js';
import { Random } from '../../memory/random.js';
import type { Workspace } from '../../threads/workspace.js';
import type { ProblemSize, SolvingData } from '../closed/fit.js';
import { openPanels, type PanelReader } from '../closed/panelReader.js';
import { checkClass } from '../closed/rowPanels.js';
import type { Loss } from '../losses/loss.js';
import { lossOfRows } from '../losses/severalTargets.js';
import { type RowWeighting, requireWeight } from '../rowWeights.js';
import { CURVATURE_PASSES } from './planGd.js';
import type { SmoothObjective } from './smoothObjective.js';

/**
 * Any loss of linear scores, one pass over the rows per evaluation. With an intercept, features are read about
 * the mean of the statistics, which keeps the intercept's curvature apart from that of the weights.
 */
export class StreamingObjective implements SmoothObjective {
  passes = 0;
  readonly #workspace: Workspace;
  readonly #dataset: SolvingData;
  readonly #size: ProblemSize;
  readonly #loss: Loss;
  readonly #reg: number;
  readonly #bias: boolean;
  readonly #reader: PanelReader;
  readonly #origin: Float64Array;
  readonly #onPassed: (passes: number) => void;

  constructor(
    workspace: Workspace,
    dataset: SolvingData,
    given: {
      readonly size: ProblemSize;
      readonly scaling: Scaling;
      readonly loss: Loss;
      readonly reg: number;
      readonly bias: boolean;
      readonly weighting?: RowWeighting | undefined;
      readonly signal?: AbortSignal | undefined;
      /** Passes made so far, with the part of the one under way. */
      readonly onPassed: (passes: number) => void;
    },
  ) {
    this.#workspace = workspace;
    this.#dataset = dataset;
    this.#size = given.size;
    const classification = dataset.description.task === 'classification';
    this.#loss = lossOfRows(given.loss, classification, given.size.k);
    this.#reg = given.reg;
    this.#bias = given.bias;
    this.#onPassed = given.onPassed;
    const weighted = { weighting: given.weighting, byRoots: false };
    this.#reader = openPanels(workspace, dataset.train.first(given.size.n), given.signal, weighted);
    const { multiply, add } = given.scaling;
    const { mean } = dataset.features ?? dataset.description.statistics;
    this.#origin = workspace.arena.float64('feature origin').fill(0);
    if (given.bias && this.#reader.centres) {
      for (let j = 0; j < multiply.length; j++) this.#origin[j] = multiply[j]! * mean[j]! + add[j]!;
    }
    this.#reader.scale(
      multiply,
      add.map((value, j) => value - this.#origin[j]!),
    );
  }

  /** By all passes, also those of an earlier process. */
  get bytesRead(): number {
    return this.passes * this.#size.n * this.#size.rowBytes;
  }

  async evaluate(vector: Float64Array, gradient: Float64Array): Promise<number> {
    const { n, d, k } = this.#size;
    const scoreRows = this.#workspace.arena.float64('row scores');
    const gradientRows = this.#workspace.arena.float64('row slopes');
    const panels = this.#workspace.arena.float64('scores');
    const biasFrom = k * d;
    const { labels, weights } = this.#reader;
    let value = 0;
    gradient.fill(0);
    await this.#pass(vector, k, (rows, count, firstRow) => {
      this.#checkLabels(count, firstRow);
      for (let r = 0; r < count; r++) {
        for (let c = 0; c < k; c++)
          scoreRows[r * k + c] = panels[panelIndex(rows, r, c)]! + (this.#bias ? vector[biasFrom + c]! : 0);
      }
      value += this.#loss.evaluate(scoreRows, count, k, labels, gradientRows, weights);
      panels.fill(0);
      for (let r = 0; r < count; r++) {
        for (let c = 0; c < k; c++) {
          const slope = gradientRows[r * k + c]!;
          panels[panelIndex(rows, r, c)] = slope;
          if (this.#bias) gradient[biasFrom + c]! += slope / n;
        }
      }
    });
    this.#unpack(gradient, k);
    let penalty = 0;
    for (let i = 0; i < biasFrom; i++) {
      gradient[i] = (gradient[i]! + this.#reg * vector[i]!) / n;
      penalty += vector[i]! ** 2;
    }
    return (value + 0.5 * this.#reg * penalty) / n;
  }

  /** Power iteration on k random vectors at once; the largest image counts, with a margin for the few passes. */
  async curvature(vector: Float64Array, image: Float64Array): Promise<number> {
    const { n, d, k } = this.#size;
    const random = Random.of(0x4c, d);
    for (let i = 0; i < k * d; i++) vector[i] = random.normal();
    const panels = this.#workspace.arena.float64('scores');
    const { weights } = this.#reader;
    let largest = 0;
    let total = weights === undefined ? n : 0;
    for (let pass = 0; pass < CURVATURE_PASSES; pass++) {
      largest = 0;
      if (weights !== undefined) total = 0;
      for (let c = 0; c < k; c++) normalise(vector.subarray(c * d, (c + 1) * d));
      await this.#pass(vector, k, (rows, count) => {
        for (let r = 0; weights !== undefined && r < count; r++) {
          total += weights[r]!;
          for (let c = 0; c < k; c++) panels[panelIndex(rows, r, c)]! *= weights[r]!;
        }
      });
      requireWeight(total);
      this.#unpack(image, k);
      for (let c = 0; c < k; c++) {
        const norm = normalise(image.subarray(c * d, (c + 1) * d));
        largest = Math.max(largest, norm);
      }
      vector.set(image.subarray(0, k * d));
    }
    const ofWeights = (1.1 * largest) / n;
    const ofBias = this.#bias ? total / n : 0;
    // About their mean, features and intercept do not act together; otherwise they may, all in one direction.
    const together = this.#reader.centres ? Math.max(ofBias, ofWeights) : ofBias + ofWeights;
    return this.#loss.largestCurvature * together + this.#reg / n;
  }

  /** scores := X·W block by block; `change` may rewrite them; then gradient panels += Xᵀ·scores. */
  async #pass(
    vector: Float64Array,
    k: number,
    change: (rows: number, count: number, firstRow: number) => void,
  ): Promise<void> {
    const { d } = this.#size;
    const { arena } = this.#workspace;
    const features = padded4(d);
    const columns = padded4(k) / 4;
    const weights = arena.float64('weight panels').fill(0);
    for (let c = 0; c < k; c++) {
      for (let j = 0; j < d; j++) weights[panelIndex(features, j, c)] = vector[c * d + j]!;
    }
    arena.float64('gradient panels').fill(0);
    const scores = arena.float64('scores');
    const at = (name: string) => arena.address(name);
    for await (const { rows, count, firstRow } of this.#reader.blocks()) {
      scores.fill(0);
      this.#reader.addScores(at('scores'), at('weight panels'), columns);
      change(rows, count, firstRow);
      this.#reader.addSums(at('scores'), columns, at('gradient panels'));
      this.#onPassed(this.passes + (firstRow + count) / this.#size.n);
    }
    this.passes++;
  }

  #unpack(target: Float64Array, k: number): void {
    const { d } = this.#size;
    const features = padded4(d);
    const panels = this.#workspace.arena.float64('gradient panels');
    for (let c = 0; c < k; c++) {
      for (let j = 0; j < d; j++) target[c * d + j] = panels[panelIndex(features, j, c)]!;
    }
  }

  #checkLabels(count: number, firstRow: number): void {
    const { task, k } = this.#dataset.description;
    if (task !== 'classification') return;
    for (let r = 0; r < count; r++) checkClass(this.#reader.labels[r]!, k, firstRow + r);
  }

  model(vector: Float64Array): { weights: Float64Array; intercept: Float64Array } {
    const { d, k } = this.#size;
    const weights = vector.slice(0, k * d);
    const intercept = new Float64Array(k);
    if (this.#bias) {
      for (let c = 0; c < k; c++) {
        intercept[c] = vector[k * d + c]!;
        for (let j = 0; j < d; j++) intercept[c]! -= weights[c * d + j]! * this.#origin[j]!;
      }
    }
    return { weights, intercept };
  }
}

/** Scales a vector to length 1 (a zero vector stays); returns its length. */
function normalise(vector: Float64Array): number {
  let sum = 0;
  for (const x of vector) sum += x * x;
  const norm = Math.sqrt(sum);
  if (norm > 0) for (let i = 0; i < vector.length; i++) vector[i]! /= norm;
  return norm;
}
