import { allFinite, badValueError } from '../data/badValue.js';
import type { Task } from '../data/format.js';
import { RowFile, type RowReader } from '../data/rowFile.js';
import { MlmlError } from '../errors.js';
import { checkLabels } from './checkLabels.js';
import { classOf } from './classOf.js';
import type { Evaluation, OutputEvaluation } from './events.js';
import type { LinearModel } from './linearModel.js';
import type { Loss } from './losses/loss.js';
import { lossOf } from './losses/losses.js';
import { lossOfRows } from './losses/severalTargets.js';
import { type RowScorer, type ScoreOptions, scoreRows } from './score.js';

export { classOf };

/** Why scores of rows are not finite: a value of theirs is not, or values and weights are too large together. */
export async function badScoresError(
  /** Undefined, or not of dense rows: nothing is looked for. */
  file: unknown,
  firstRow: number,
  rows: number,
  signal?: AbortSignal,
): Promise<MlmlError> {
  return (
    (file instanceof RowFile ? await badValueError(file, signal, firstRow, rows) : undefined) ??
    new MlmlError(
      'MLML_BAD_DATA',
      `the scores of row ${firstRow}${rows > 1 ? `, or of one of the ${rows - 1} after it,` : ''} are not finite: ` +
        'its values are far larger than those the model was trained on',
    )
  );
}

/** Sums that make an evaluation, taken over blocks of scored rows. */
export class EvaluationSum {
  readonly #loss: Loss;
  readonly #task: Task;
  readonly #columns: number;
  #lossSum = 0;
  #right = 0;
  readonly #squaredErrors: Float64Array;
  // Welford's running means and squared deviations of the targets.
  readonly #means: Float64Array;
  readonly #deviations: Float64Array;
  #seen = 0;

  constructor(loss: Loss, task: Task, columns: number) {
    this.#loss = lossOfRows(loss, task === 'classification', columns);
    this.#task = task;
    this.#columns = columns;
    const outputs = task === 'classification' ? 0 : columns;
    this.#squaredErrors = new Float64Array(outputs);
    this.#means = new Float64Array(outputs);
    this.#deviations = new Float64Array(outputs);
  }

  /** Scores, rows × columns, and labels of some rows (a class of each, or rows × columns). The scores may be overwritten. */
  add(rows: number, scores: Float64Array, labels: Float64Array): void {
    const columns = this.#columns;
    // One column stands for two classes.
    if (this.#task === 'classification') checkLabels(labels, rows, Math.max(columns, 2));
    for (let i = 0; i < rows; i++) {
      this.#seen++;
      if (this.#task === 'classification') {
        if (classOf(scores, i * columns, columns) === labels[i]) this.#right++;
        continue;
      }
      for (let c = 0; c < columns; c++) {
        const target = labels[i * columns + c]!;
        this.#squaredErrors[c]! += (scores[i * columns + c]! - target) ** 2;
        const before = target - this.#means[c]!;
        this.#means[c]! += before / this.#seen;
        this.#deviations[c]! += before * (target - this.#means[c]!);
      }
    }
    // Last, since it may overwrite the scores with slopes.
    this.#lossSum += this.#loss.evaluate(scores, rows, columns, labels, scores);
  }

  /** The evaluation. `file`, whose rows they were, is looked through for the reason when the loss is not a number. */
  async result(file: unknown, signal?: AbortSignal): Promise<Evaluation> {
    if (Number.isNaN(this.#lossSum)) {
      throw (
        (file instanceof RowFile ? await badValueError(file, signal) : undefined) ??
        new MlmlError('MLML_BAD_DATA', 'the loss is not a number: some targets of these rows are too large')
      );
    }
    return this.plainResult();
  }

  /** The same, of scores and labels that are known to be numbers. */
  plainResult(): Evaluation {
    const rows = Math.max(this.#seen, 1);
    const common = { rows: this.#seen, loss: this.#lossSum / rows };
    if (this.#task === 'classification') return { ...common, accuracy: this.#right / rows };
    const outputs = Array.from(this.#squaredErrors, (squares, c): OutputEvaluation => {
      const deviations = this.#deviations[c]!;
      return { rmse: Math.sqrt(squares / rows), r2: deviations > 0 ? 1 - squares / deviations : 0 };
    });
    if (outputs.length === 1) return { ...common, ...outputs[0]! };
    return { ...common, rmse: meanOf(outputs, 'rmse'), r2: meanOf(outputs, 'r2'), outputs };
  }
}

/** The mean of a figure over outputs, all of the same weight. */
export function meanOf<Name extends string>(
  outputs: readonly Readonly<Record<Name, number>>[],
  name: Name,
): number {
  return outputs.reduce((sum, output) => sum + output[name], 0) / outputs.length;
}

/** Loss and accuracy (or rmse and r2) of the model a scorer holds, over all rows of a file. */
export async function evaluateWith(
  scorer: RowScorer,
  loss: Loss,
  task: Task,
  columns: number,
  file: RowReader,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const sum = new EvaluationSum(loss, task, columns);
  for await (const { firstRow, rows, scores, labels } of scorer.blocks(file, signal)) {
    if (!allFinite(scores, rows * columns)) throw await badScoresError(file, firstRow, rows, signal);
    sum.add(rows, scores, labels);
  }
  return await sum.result(file, signal);
}

/**
 * Loss per row and accuracy (classification) or rmse and r2 (regression) of a model on a part of a data set,
 * streamed inside `bufferBytes`.
 *
 * @throws MlmlError `MLML_BAD_DATA` when the model has another number of features than the data
 */
export async function evaluateModel(
  model: LinearModel,
  file: RowReader,
  options: ScoreOptions,
): Promise<Evaluation> {
  const scorer = { blocks: () => scoreRows(model, file, options) };
  return await evaluateWith(scorer, lossOf(model.loss), model.task, model.k, file, options.signal);
}
