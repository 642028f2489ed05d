import { checkLabels } from '../../ssgd/checkLabels.js';
import { classOf, EvaluationSum, meanOf } from '../../ssgd/evaluate.js';
import type { Evaluation } from '../../ssgd/events.js';
import type { ScoreMeaning } from '../../ssgd/linearModel.js';
import { lossOf } from '../../ssgd/losses/losses.js';
import type { ScoredBlock } from '../../ssgd/score.js';
import { binaryScore } from '../../ssgd/scoreCalibration.js';
import type { Storage } from '../../storage/storage.js';
import { givesProbabilities, probabilitiesOf } from '../probabilities.js';
import { ClassCounts, countBytes, meanFigures } from './classCounts.js';
import type { EvaluationReport } from './evaluationReport.js';
import { planRanks, type RankPlan } from './rankPlan.js';
import { RankScores } from './rankScores.js';
import { RELIABILITY_BINS, Reliability } from './reliability.js';

export interface ReportPlan {
  /** Absent in regression. */
  readonly ranks?: RankPlan;
  /** Of everything that grows with classes and rows. */
  readonly bytes: number;
}

/**
 * What a full evaluation keeps, in at most `bytes` bytes where that is possible: without room areas and average precisions are
 * counted in bins, or left out. `rows`: undefined when not known before. Pure.
 */
export function planReport(
  model: ScoreMeaning,
  rows: number | undefined,
  bytes: number,
  mayUseScratch: boolean,
): ReportPlan {
  if (model.task === 'regression') return { bytes: 0 };
  const classes = Math.max(model.k, 2);
  const counts = countBytes(classes) + 8 * classes + 24 * RELIABILITY_BINS;
  const ranks = planRanks(rows, classes === 2 ? 1 : classes, Math.max(0, bytes - counts), mayUseScratch);
  const exactBytes = ranks.exactBytes === 0 ? 0 : ranks.exactBytes + counts;
  return { ranks: { ...ranks, exactBytes }, bytes: counts + ranks.bytes };
}

/** Sums that make a full evaluation, taken over blocks of scored rows. `close` when done, also after a failure. */
export class ReportSum {
  readonly #model: ScoreMeaning;
  readonly #sum: EvaluationSum;
  readonly #counts: ClassCounts | undefined;
  readonly #ranks: RankScores | undefined;
  readonly #reliability: Reliability | undefined;
  readonly #probabilities: Float64Array;
  /** Of each output of a regression. */
  readonly #absoluteErrors: Float64Array;

  constructor(model: ScoreMeaning, plan: ReportPlan, storage: Storage, scratchFolder: string | undefined) {
    this.#model = model;
    this.#sum = new EvaluationSum(lossOf(model.loss), model.task, model.k);
    this.#absoluteErrors = new Float64Array(model.task === 'regression' ? model.k : 0);
    const classes = Math.max(model.k, 2);
    this.#probabilities = new Float64Array(classes);
    if (plan.ranks === undefined) return;
    this.#counts = new ClassCounts(classes);
    this.#ranks = new RankScores(storage, scratchFolder, plan.ranks);
    if (givesProbabilities(model)) this.#reliability = new Reliability();
  }

  /** Scores and labels of some rows. The scores may be overwritten. */
  async add({ rows, scores, labels }: Pick<ScoredBlock, 'rows' | 'scores' | 'labels'>): Promise<void> {
    const { k, task } = this.#model;
    if (task === 'regression') {
      for (let i = 0, at = 0; i < rows; i++)
        for (let c = 0; c < k; c++, at++) this.#absoluteErrors[c]! += Math.abs(scores[at]! - labels[at]!);
    } else {
      checkLabels(labels, rows, Math.max(k, 2));
      for (let i = 0; i < rows; i++) {
        const full = this.#addClassified(scores, i * k, labels[i]!);
        if (full !== undefined) await full;
      }
    }
    this.#sum.add(rows, scores, labels);
  }

  #addClassified(scores: Float64Array, at: number, label: number): Promise<void> | undefined {
    const { k } = this.#model;
    const predicted = classOf(scores, at, k);
    this.#counts!.add(label, predicted);
    const p = this.#probabilities;
    const reliability = this.#reliability;
    if (reliability !== undefined) {
      probabilitiesOf(this.#model, scores, at, p);
      const binary = k <= 2;
      const probability = binary ? p[1]! : p[predicted]!;
      reliability.add(probability, label === (binary ? 1 : predicted), p[label]!);
    }
    const ranks = this.#ranks!;
    if (k <= 2) {
      // The order of the probabilities, which near 0 and 1 are equal where scores are not.
      const score = binaryScore(scores, at, k);
      ranks.add(0, score, score, label === 1);
    } else {
      for (let c = 0; c < k; c++) {
        const score = reliability === undefined ? scores[at + c]! : p[c]!;
        const spread = reliability === undefined ? score : Math.log(score / (1 - score));
        ranks.add(c, score, spread, label === c);
      }
    }
    return ranks.endRow();
  }

  /** The report. `evaluated`: turns the plain sums into an evaluation, or into an error with its reason. */
  async result(
    evaluated: (sum: EvaluationSum) => Promise<Evaluation>,
    signal?: AbortSignal,
  ): Promise<EvaluationReport> {
    const evaluation = await evaluated(this.#sum);
    if (this.#counts === undefined) return this.#ofRegression(evaluation);
    const { rankings, note } = await this.#ranks!.rankings(signal);
    const classes = this.#counts.reports(this.#model.classNames, rankings);
    return {
      ...evaluation,
      classification: {
        classes,
        macro: meanFigures(classes, false),
        weighted: meanFigures(classes, true),
        confusion: this.#counts.confusion(),
        logLoss: this.#reliability?.logLoss ?? null,
        calibration: this.#reliability?.calibration() ?? null,
        ranking: note,
      },
    };
  }

  #ofRegression(evaluation: Evaluation): EvaluationReport {
    const rows = Math.max(evaluation.rows, 1);
    const { labelNames = [] } = this.#model;
    if (evaluation.outputs === undefined) return { ...evaluation, mae: this.#absoluteErrors[0]! / rows };
    const outputs = evaluation.outputs.map((figures, c) => {
      return { name: labelNames[c] ?? String(c), ...figures, mae: this.#absoluteErrors[c]! / rows };
    });
    return { ...evaluation, mae: meanOf(outputs, 'mae'), outputs };
  }

  async close(): Promise<void> {
    await this.#ranks?.close();
  }
}
