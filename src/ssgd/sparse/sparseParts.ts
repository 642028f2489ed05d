import type { Kernels } from '../../arithmetic/kernels.js';
import { columnsOf } from '../../data/columns/columnMapping.js';
import { RowFolds } from '../../data/rowFolds.js';
import { RowSelection } from '../../data/rowSelection.js';
import type { Scaling } from '../../data/scaling.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import type { Arena } from '../../memory/arena.js';
import type { Blocks } from '../../storage/stateFile.js';
import type { Workspace } from '../../threads/workspace.js';
import type { Evaluation } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import type { TrainOptions } from '../options.js';
import { classSharesOf, weightingOf } from '../rowWeights.js';
import { Hogwild } from '../sgd/hogwild.js';
import type { ModelPlan } from '../sgd/planStreaming.js';
import type { JudgedPart, RunParts, StepModel } from '../sgd/runParts.js';
import { squareBound } from '../sgd/squareBound.js';
import { savedRegions } from '../sgd/streamingState.js';
import type { RowStream, ShuffleContext } from '../shuffle/rowStream.js';
import type { JobContext } from '../train.js';
import { convertModel } from '../warmStart.js';
import { requireFiniteSparse } from './finiteSparse.js';
import type { SparsePlan } from './planSparse.js';
import { SparseBatch } from './sparseBatch.js';
import { type ScoredRows, SparseScorer } from './sparseScorer.js';
import { SparseStep } from './sparseStep.js';
import { openSparseStream } from './sparseStreams.js';

/** The parts of a streaming run on sparse rows. */
export class SparseParts implements RunParts {
  readonly batch: SparseBatch;
  readonly hogwild: Hogwild | undefined;
  readonly classShares: readonly number[] | undefined;
  readonly rowFeatures: number;
  readonly initial: ((model: StepModel, bias: boolean) => void) | undefined;
  readonly prepared = { bytesRead: 0, bytesWritten: 0 };
  readonly #plan: SparsePlan;
  readonly #dataset: SparseDataset;
  readonly #scaling: Scaling;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #selection: RowSelection | undefined;
  readonly #folds: RowFolds | undefined;
  readonly #scorer: SparseScorer;

  /** @param mean of the features, needed to start from a model where the scaling leaves features out */
  constructor(
    { arena, kernels, threads }: Workspace,
    plan: SparsePlan,
    dataset: SparseDataset,
    options: TrainOptions,
    { init, missingInit }: JobContext,
    scaling: Scaling,
    mean: Float64Array,
  ) {
    this.#plan = plan;
    this.#dataset = dataset;
    this.#scaling = scaling;
    this.#arena = arena;
    this.#kernels = kernels;
    const { description } = dataset;
    const { used, heldOut } = plan;
    this.#folds = plan.folds > 0 ? new RowFolds(plan.folds, options.seed) : undefined;
    this.#selection = heldOut > 0 ? new RowSelection(used, heldOut, options.seed) : undefined;
    this.rowFeatures = Math.max(1, description.sparse!.train.nonzeros / description.parts.train.n);
    const classification = description.task === 'classification';
    const weighting = weightingOf(description, options);
    const classes = classification ? description.k : 0;
    this.batch = new SparseBatch(plan, classes, arena, kernels, weighting?.classWeights);
    this.batch.squareBound = squareBound(scaling, description.statistics);
    this.classShares = classification ? classSharesOf(description.classCounts, weighting) : undefined;
    this.hogwild = threads.count > 1 ? new Hogwild(plan, arena, threads, this.batch.squareBound) : undefined;
    this.#scorer = new SparseScorer(arena, kernels);
    if ((init ?? missingInit) === undefined) return;
    const centre = new Float64Array(description.d);
    this.initial = (model, bias) => {
      if (init === undefined) throw missingInit!.error;
      const { weights, intercept, columns } = model as SparseStep;
      convertModel(init, scaling, centre, mean, bias, { weights, stride: 1, step: columns, intercept });
    };
  }

  get vector(): Float64Array {
    return this.#arena.float64('score weights').subarray(0, this.#plan.layout.d);
  }

  model(plan: ModelPlan): SparseStep {
    const classification = this.#dataset.description.task === 'classification';
    return new SparseStep(this.#plan, plan, classification, this.batch, this.#arena, this.#kernels);
  }

  savedRegions(): Blocks {
    return savedRegions(this.#plan, this.#arena);
  }

  async prepare(): Promise<void> {}

  async openStream(context: ShuffleContext): Promise<RowStream> {
    return await openSparseStream({
      plan: this.#plan,
      file: this.#dataset.train,
      selection: this.#selection,
      folds: this.#folds,
      arena: this.#arena,
      kernels: this.#kernels,
      context,
    });
  }

  beginStep(): void {}
  endStep(): void {}

  hasRows(part: JudgedPart): boolean {
    return part !== 'test' || this.#dataset.test.rows > 0;
  }

  async evaluate(
    models: readonly StepModel[],
    part: JudgedPart,
    signal?: AbortSignal,
  ): Promise<Evaluation[]> {
    const file = part === 'test' ? this.#dataset.test : this.#dataset.train;
    const which: ScoredRows =
      part === 'test' ? {} : { to: this.#plan.used, selection: this.#selection, held: part === 'holdout' };
    const { task } = this.#dataset.description;
    const evaluations: Evaluation[] = [];
    for (const model of models) {
      this.#write(model as SparseStep);
      evaluations.push(await this.#scorer.evaluate(file, model, task, signal, which));
    }
    return evaluations;
  }

  async evaluateFolds(models: readonly StepModel[], signal?: AbortSignal): Promise<Evaluation[]> {
    const { train, description } = this.#dataset;
    const folds = this.#folds!;
    const evaluations: Evaluation[] = [];
    for (const model of models) {
      const selection = { isHeld: (row: number) => folds.foldOf(row) === model.fold };
      const which = { to: this.#plan.used, selection, held: true };
      this.#write(model as SparseStep);
      evaluations.push(await this.#scorer.evaluate(train, model, description.task, signal, which));
    }
    return evaluations;
  }

  /** Puts a model where the scorer finds it. */
  #write(model: SparseStep): void {
    const { columns } = model;
    const { weights, intercept } = model.judged();
    const { multiply } = this.#scaling;
    const target = this.#scorer.weights;
    for (let j = 0, at = 0; j < multiply.length; j++)
      for (let c = 0; c < columns; c++, at++) target[at] = weights[at]! * multiply[j]!;
    for (let c = 0; c < columns; c++) this.#scorer.intercept[c] = intercept[c]!;
  }

  linearModel(model: StepModel): LinearModel {
    const { columns: k } = model;
    const { weights, intercept } = (model as SparseStep).judged();
    const { task, d, classNames, fingerprint } = this.#dataset.description;
    // Column by column, as models are kept.
    const rows = k === 1 ? this.#scorer.weights.subarray(0, d) : new Float64Array(k * d);
    for (let j = 0, at = 0; j < d; j++) for (let c = 0; c < k; c++, at++) rows[c * d + j] = weights[at]!;
    return {
      task,
      loss: model.loss,
      d,
      k,
      scaling: this.#scaling,
      weights: rows,
      intercept: Float64Array.from(intercept),
      classNames,
      fingerprint,
      ...columnsOf(this.#dataset.description),
    };
  }

  get bytesScored(): number {
    return this.#scorer.bytesRead;
  }

  async requireFiniteRows(signal?: AbortSignal): Promise<void> {
    await requireFiniteSparse(this.#dataset.train, this.#plan.used, this.#arena, this.#kernels, signal);
  }

  async close(): Promise<void> {}
}
