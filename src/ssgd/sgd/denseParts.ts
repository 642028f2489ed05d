import type { Kernels } from '../../arithmetic/kernels.js';
import { requireFiniteRows } from '../../data/badValue.js';
import type { Dataset } from '../../data/dataset.js';
import { FoldedRows } from '../../data/foldedRows.js';
import { KeptRows } from '../../data/keptRows.js';
import type { RowFile, RowReader } from '../../data/rowFile.js';
import { RowFolds } from '../../data/rowFolds.js';
import { RowSelection } from '../../data/rowSelection.js';
import type { Scaling } from '../../data/scaling.js';
import type { Arena } from '../../memory/arena.js';
import type { Blocks } from '../../storage/stateFile.js';
import type { Workspace } from '../../threads/workspace.js';
import { scalingOf } from '../closed/fit.js';
import type { Evaluation } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import type { TrainOptions } from '../options.js';
import { classSharesOf, weightingOf } from '../rowWeights.js';
import { keptRegions, openRowStream, type RowStream, type ShuffleContext } from '../shuffle/rowStream.js';
import type { JobContext } from '../train.js';
import { convertModel } from '../warmStart.js';
import { HeldOutRows } from './heldOut.js';
import { Hogwild } from './hogwild.js';
import { ModelScorer } from './modelScorer.js';
import { ModelStep } from './modelStep.js';
import type { ModelPlan, StreamingPlan } from './planStreaming.js';
import { RowBatch } from './rowBatch.js';
import type { JudgedPart, RunParts, StepModel } from './runParts.js';
import { SharedStep } from './sharedStep.js';
import { squareBound } from './squareBound.js';
import { savedRegions } from './streamingState.js';

/** The parts of a streaming run on dense rows. */
export class DenseParts implements RunParts {
  readonly batch: RowBatch;
  readonly hogwild: Hogwild | undefined;
  readonly classShares: readonly number[] | undefined;
  readonly rowFeatures: number;
  readonly initial: ((model: StepModel, bias: boolean) => void) | undefined;
  readonly #plan: StreamingPlan;
  readonly #dataset: Dataset;
  readonly #context: JobContext;
  /** ssgd and sgd with several threads. */
  readonly #shared: SharedStep | undefined;
  readonly #scorer: ModelScorer;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #selection: RowSelection;
  readonly #folds: RowFolds | undefined;
  #heldOut: HeldOutRows | undefined;

  constructor(
    workspace: Workspace,
    plan: StreamingPlan,
    dataset: Dataset,
    options: TrainOptions,
    context: JobContext,
  ) {
    const { arena, kernels, threads } = workspace;
    this.#plan = plan;
    this.#dataset = dataset;
    this.#context = context;
    const { description } = dataset;
    this.#arena = arena;
    this.#kernels = kernels;
    this.rowFeatures = plan.layout.d;
    this.#selection = new RowSelection(plan.rows + plan.heldOut, plan.heldOut, options.seed);
    this.#folds = plan.folds > 0 ? new RowFolds(plan.folds, options.seed) : undefined;
    const scaling = scalingOf(description, options);
    const { multiply, add } = scaling;
    const { mean } = description.statistics;
    // Mean of the scaled features when the rows are centred, else zeros.
    const centre = multiply.map((factor, j) => (plan.chosen.centred ? factor * mean[j]! + add[j]! : 0));
    const centred = { multiply, add: add.map((value, j) => value - centre[j]!) };
    const bound = squareBound(centred, description.statistics);
    const classification = description.task === 'classification';
    const lockFree = threads.count > 1 && plan.verb === 'hsgd';
    this.hogwild = lockFree ? new Hogwild(plan, arena, threads, bound) : undefined;
    const shared =
      threads.count > 1 && !lockFree
        ? new SharedStep(threads, arena.float32(`${plan.models[0]!.prefix}scores`))
        : undefined;
    this.#shared = shared;
    const weighting = weightingOf(description, options);
    const classes = classification ? description.k : 0;
    this.batch = new RowBatch(plan, classes, arena, kernels, centred, weighting, shared);
    this.batch.squareBound = bound;
    this.classShares = classification ? classSharesOf(description.classCounts, weighting) : undefined;
    this.initial = this.#initial(scaling, centre);
    this.#scorer = new ModelScorer(plan, description, workspace, scaling, centre);
  }

  #initial(scaling: Scaling, centre: Float64Array): RunParts['initial'] {
    const { init, missingInit } = this.#context;
    if ((init ?? missingInit) === undefined) return undefined;
    const { mean } = this.#dataset.description.statistics;
    const { stride } = this.#plan;
    return (model, bias) => {
      if (init === undefined) throw missingInit!.error;
      const { weights, intercept } = model as ModelStep;
      convertModel(init, scaling, centre, mean, bias, { weights, stride, intercept });
    };
  }

  get vector(): Float64Array {
    return this.#arena.float64('score weights').subarray(0, this.#plan.layout.d);
  }

  model(plan: ModelPlan): ModelStep {
    const classification = this.#dataset.description.task === 'classification';
    return new ModelStep(
      this.#plan,
      plan,
      classification,
      this.batch,
      this.#arena,
      this.#kernels,
      this.#shared,
    );
  }

  savedRegions(keepsScratch: boolean): Blocks {
    return savedRegions(this.#plan, this.#arena, keepsScratch ? keptRegions(this.#plan.shuffle) : []);
  }

  /** The rows of the training part that are used, held out or not. */
  get #used(): RowFile {
    return this.#dataset.train.first(this.#plan.rows + this.#plan.heldOut);
  }

  /** The rows that are trained on. */
  get #rows(): RowReader {
    return this.#plan.heldOut === 0 ? this.#used : new KeptRows(this.#used, this.#selection);
  }

  /** Copies the held-out rows, through the larger of the two regions that hold rows. */
  async prepare(): Promise<void> {
    if (this.#plan.heldOut === 0) return;
    const [shuffle, score] = ['shuffle rows', 'score rows'];
    const region = this.#arena.byteLength(shuffle!) > this.#arena.byteLength(score!) ? shuffle! : score!;
    this.#heldOut = await HeldOutRows.copy(this.#used, this.#selection, this.#arena, region, this.#context);
  }

  get prepared(): { readonly bytesRead: number; readonly bytesWritten: number } {
    const { heldOut, layout } = this.#plan;
    const copied = heldOut > 0 ? this.#used.rows : 0;
    return { bytesRead: copied * layout.rowBytes, bytesWritten: heldOut * layout.rowBytes };
  }

  async openStream(context: ShuffleContext): Promise<RowStream> {
    const rows = this.#folds === undefined ? this.#rows : new FoldedRows(this.#used, this.#folds);
    return await openRowStream(this.#plan.shuffle, rows, this.#arena, this.#kernels, context);
  }

  beginStep(): void {
    this.#shared?.pace.begin();
  }

  endStep(): void {
    this.#shared?.pace.end();
  }

  #file(part: JudgedPart): RowReader {
    if (part === 'holdout') return this.#heldOut!;
    return part === 'train' ? this.#rows : this.#dataset.test;
  }

  hasRows(part: JudgedPart): boolean {
    return this.#file(part).rows > 0;
  }

  async evaluate(
    models: readonly StepModel[],
    part: JudgedPart,
    signal?: AbortSignal,
  ): Promise<Evaluation[]> {
    return await this.#scorer.evaluate(models as readonly ModelStep[], this.#file(part), signal);
  }

  async evaluateFolds(models: readonly StepModel[], signal?: AbortSignal): Promise<Evaluation[]> {
    return await this.#scorer.evaluateFolds(models as readonly ModelStep[], this.#used, this.#folds!, signal);
  }

  linearModel(model: StepModel): LinearModel {
    return this.#scorer.linearModel(model as ModelStep);
  }

  get bytesScored(): number {
    return this.#scorer.bytesRead;
  }

  async requireFiniteRows(signal?: AbortSignal): Promise<void> {
    await requireFiniteRows(this.#used, signal);
  }

  async close(): Promise<void> {
    await this.#heldOut?.close();
  }
}
