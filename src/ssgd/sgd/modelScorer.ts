import { allFinite } from '../../data/badValue.js';
import { columnsOf } from '../../data/columns/columnMapping.js';
import type { DatasetDescription } from '../../data/format.js';
import type { RowReader } from '../../data/rowFile.js';
import type { RowFolds } from '../../data/rowFolds.js';
import type { Scaling } from '../../data/scaling.js';
import type { Workspace } from '../../threads/workspace.js';
import { badScoresError, EvaluationSum } from '../evaluate.js';
import type { Evaluation } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import { lossOf } from '../losses/losses.js';
import { weightColumnOf } from '../rowWeights.js';
import { type ScoredBlock, Scorer } from '../score.js';
import type { ModelStep } from './modelStep.js';
import type { StreamingPlan } from './planStreaming.js';

/** Scores the models of a streaming run while they train, in double precision, as many in one pass as the plan has room for. */
export class ModelScorer {
  /** Of rows read so far. */
  bytesRead = 0;
  readonly #plan: StreamingPlan;
  readonly #description: DatasetDescription;
  readonly #scorer: Scorer;
  readonly #scaling: Scaling;
  readonly #centre: Float64Array;

  /** @param centre what is subtracted from the scaled features of a batch */
  constructor(
    plan: StreamingPlan,
    description: DatasetDescription,
    workspace: Workspace,
    scaling: Scaling,
    centre: Float64Array,
  ) {
    this.#plan = plan;
    this.#description = description;
    this.#scaling = scaling;
    this.#centre = centre;
    this.#scorer = new Scorer(workspace, plan.layout, plan.columns, scaling);
  }

  /** Loss and accuracy (or rmse and r2) of each model over all rows of a file. */
  async evaluate(models: readonly ModelStep[], file: RowReader, signal?: AbortSignal): Promise<Evaluation[]> {
    return await this.#evaluate(models, file, signal, (together, visit) =>
      this.#scorer.scoreEach(
        file,
        together.map(({ columns }) => columns),
        visit,
        signal,
      ),
    );
  }

  /** The same of each model over the rows of the fold that it left out. */
  async evaluateFolds(
    models: readonly ModelStep[],
    file: RowReader,
    folds: RowFolds,
    signal?: AbortSignal,
  ): Promise<Evaluation[]> {
    return await this.#evaluate(models, file, signal, (together, visit) =>
      this.#scorer.scoreFolds(file, together, folds, visit, signal),
    );
  }

  /** In as few passes as there is room for. `score` gives the scores of some models to `visit`. */
  async #evaluate(
    models: readonly ModelStep[],
    file: RowReader,
    signal: AbortSignal | undefined,
    score: (
      together: readonly ModelStep[],
      visit: (index: number, block: ScoredBlock) => void,
    ) => Promise<void>,
  ): Promise<Evaluation[]> {
    const { task } = this.#description;
    const evaluations: Evaluation[] = [];
    for (let from = 0; from < models.length; ) {
      const together = models.slice(from, from + this.#fitting(models, from));
      from += together.length;
      let column = 0;
      for (const model of together) {
        this.#write(model, column);
        column += model.columns;
      }
      const sums = together.map(({ loss, columns }) => new EvaluationSum(lossOf(loss), task, columns));
      let bad: { readonly firstRow: number; readonly rows: number } | undefined;
      await score(together, (index, { firstRow, rows, scores, labels }) => {
        if (allFinite(scores, rows * together[index]!.columns)) sums[index]!.add(rows, scores, labels);
        else bad ??= { firstRow, rows };
      });
      if (bad !== undefined) throw await badScoresError(file, bad.firstRow, bad.rows, signal);
      this.bytesRead += file.rows * this.#plan.layout.rowBytes;
      for (const sum of sums) evaluations.push(await sum.result(file, signal));
    }
    return evaluations;
  }

  /** How many models from number `from` on there is room for. */
  #fitting(models: readonly ModelStep[], from: number): number {
    let room = this.#scorer.intercept.length;
    let count = 0;
    while (from + count < models.length && models[from + count]!.columns <= room) {
      room -= models[from + count++]!.columns;
    }
    return count;
  }

  #write(model: ModelStep, firstColumn: number): void {
    const { weights, intercept } = this.#scorer;
    const { d } = this.#plan.layout;
    model.writeTo(weights.subarray(d * firstColumn), intercept.subarray(firstColumn), this.#centre);
  }

  /** The model as it is now. Its numbers lie in the arena: valid until something else is scored. */
  linearModel(model: ModelStep): LinearModel {
    this.#write(model, 0);
    const { task, d, classNames, fingerprint } = this.#description;
    const { weights, intercept } = this.#scorer;
    return {
      task,
      loss: model.loss,
      d,
      k: model.columns,
      scaling: this.#scaling,
      weights: weights.subarray(0, d * model.columns),
      intercept: intercept.subarray(0, model.columns),
      classNames,
      fingerprint,
      ...columnsOf(this.#description),
      ...weightColumnOf(this.#plan.models[0]!.options),
    };
  }
}
