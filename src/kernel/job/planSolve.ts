import { dtypeBytes } from '../../arithmetic/dtype.js';
import type { Dataset } from '../../data/dataset.js';
import { budgetTooSmall, layOut, type Plan, type Region } from '../../memory/plan.js';
import { smallestBudget } from '../../memory/smallestBudget.js';
import type { KernelTrainOptions } from '../options.js';
import { planScoring, type ScoringPlan, scoringBytes } from '../predict/kernelScorer.js';
import { kernelScalingName } from '../rowGeometry.js';
import { CountedKernel } from '../solvers/countedKernel.js';
import { type Solver, type SolverPlan, type SystemSize, vectorWidth } from '../solvers/solver.js';
import type { KernelDescription } from '../store/kernelDescription.js';
import { planStoredKernel, type StoredKernelPlan } from '../store/storedKernelMatrix.js';
import { slotBytes } from '../store/tileLayout.js';
import { targetColumns, targetRegions } from '../targets.js';
import { TILE_REGION } from '../tiles/computedKernel.js';
import { planTiles, type TilePlan } from '../tiles/tilePlan.js';
import {
  comparesRows,
  type Evaluation,
  evaluationRegions,
  evaluationThreads,
  packedBytesOf,
  threadsNote,
} from './evaluation.js';
import { rowLength, trainingRows } from './kernelData.js';

/** Slots a stored kernel reads through, at least while there is room. */
const READ_SLOTS = 4;
/** Operations of a solver in the time a byte takes from the disk: some 60 GFLOP/s against 1.7 GB/s. */
const READ_FLOPS = 35;
/** Of the budget, what keeping tiles in memory leaves alone. */
const SPARE_SHARE = 0.05;
/** For the columns of K that a preconditioner asks for, when the tiles come from disk. */
const COLUMN_BYTES = 16e6;

/** A solver's job with all sizes decided: three layouts of one memory, used one after the other. */
export interface SolvePlan {
  readonly size: SystemSize;
  readonly threads: number;
  readonly evaluation: Evaluation;
  readonly solver: SolverPlan;
  /** Tiles that are computed: all, or those of single columns beside a stored kernel; none when rows are not compared. */
  readonly computed: TilePlan | undefined;
  /** Undefined when rows are not compared. */
  readonly scoring: ScoringPlan | undefined;
  readonly readingLayout: readonly Region[];
  readonly solvingLayout: readonly Region[];
  readonly scoringLayout: readonly Region[];
  /** Bytes of the largest layout. */
  readonly bytes: number;
  /** Bytes read by a pass over K, on average. */
  readonly bytesPerPass: number;
  readonly plan: Plan;
}

export interface SolveRequest {
  readonly dataset: Dataset;
  readonly name: string;
  readonly solver: Solver;
  readonly evaluation: Evaluation;
  readonly options: KernelTrainOptions;
  /** Undefined: tiles are computed. */
  readonly stored: KernelDescription | undefined;
  /** Some rows are held out. */
  readonly heldOut: boolean;
  /** Bytes read already. */
  readonly bytesBefore: number;
}

/** Sizes, layouts and traffic of a solver's job. Throws `MLML_BUDGET_TOO_SMALL`, naming a budget that works. */
export function planSolve(request: SolveRequest): SolvePlan {
  const { options } = request;
  const found = fit(request, options.bufferBytes);
  if (found.bytes <= options.bufferBytes) return withTraffic(request, found);
  const needed = smallestBudget((budget) => fit(request, budget).bytes, options.bufferBytes);
  throw budgetTooSmall(found.plan.job, needed, options.bufferBytes);
}

/** Bytes the plan of a budget takes: more than the budget when that is too small. */
export function solveBytes(request: SolveRequest, budget: number): number {
  return fit(request, budget).bytes;
}

/** A plan whose bytes to read are not counted yet. */
type Fitted = Omit<SolvePlan, 'bytesPerPass'> & { readonly slots: StoredKernelPlan | undefined };

/** With the bytes that will be read: counted once, for the plan that is taken. */
function withTraffic({ dataset, options, stored, bytesBefore }: SolveRequest, fitted: Fitted): SolvePlan {
  const { slots, ...found } = fitted;
  const { computed, evaluation, solver, size, scoring } = found;
  const { layout, description } = dataset;
  const rows = computed && { n: size.n, rowBytes: layout.rowBytes, ...computed };
  const tiles = stored && slots && { shape: stored, cached: slots.cached };
  const kernel = new CountedKernel(rows, tiles);
  // Of the warning that rounding shows.
  if ((stored?.dtype ?? evaluation.dtype) !== 'float64') kernel.diagonal();
  if (solver.use !== undefined) solver.use(kernel);
  else kernel.tiles([kernel.triangle], solver.passes);
  let bytesRead = bytesBefore + size.n * layout.rowBytes + kernel.bytesRead + (solver.scratchRead ?? 0);
  if (scoring !== undefined) {
    bytesRead += scoringBytes(scoring, layout, description.parts.test.n, size.n);
    if (options.simulated) bytesRead += scoringBytes(scoring, layout, size.n, size.n);
  }
  const bytesPerPass = kernel.bytesRead / Math.max(1, solver.passes);
  return { ...found, bytesPerPass, plan: { ...found.plan, bytesRead: Math.round(bytesRead) } };
}

function fit(request: SolveRequest, budget: number): Fitted {
  const { dataset, name, solver, evaluation, options, stored, heldOut } = request;
  const { description, layout } = dataset;
  const n = trainingRows(description, options);
  const k = targetColumns(description);
  const threads = evaluationThreads(evaluation.kernel, options.nthreads);
  const packedBytes = packedBytesOf(evaluation);
  const width = vectorWidth({ k, regularizations: options.reg.length });
  const first: Region[] = [
    ...evaluationRegions(evaluation, threads, budget),
    { name: 'coefficients', bytes: 8 * n * width },
    // Never touched: room for the model's copy of the coefficients, and for the numbers of its rows.
    { name: 'model', bytes: 8 * n * k },
    ...(dataset.sample === undefined ? [] : [{ name: 'row numbers', bytes: 4 * n }]),
  ];
  const common: Region[] = [
    ...first,
    { name: 'targets', bytes: 8 * n * width },
    ...(heldOut ? [{ name: 'held out', bytes: n }] : []),
  ];
  const left = (regions: readonly Region[]) => budget - layOut(regions).totalBytes - 4096;
  const tiles = (bytes: number, largest: number) =>
    planTiles(
      {
        n,
        rowBytes: layout.rowBytes,
        dtype: evaluation.dtype,
        packedBytes,
        largest,
        tiles: [TILE_REGION],
        order: 'rows',
      },
      bytes,
    );
  const free = left(common);
  const compares = comparesRows(evaluation.kernel);
  const computed = !compares
    ? undefined
    : stored === undefined
      ? tiles(free / 2, options.tile)
      : tiles(Math.min(COLUMN_BYTES, free / 8), Math.min(stored.tileSize, 512));
  const computedRegions = computed?.regions ?? [];
  const slots = (bytes: number) => (stored === undefined ? [] : planStoredKernel(stored, bytes).regions);
  const fewSlots = slots(stored === undefined ? 0 : Math.min(READ_SLOTS * slotBytes(stored), free / 4));
  const matrix = [...computedRegions, ...fewSlots];
  const size: SystemSize = {
    n,
    k,
    regularizations: options.reg.length,
    tileSize: stored?.tileSize ?? computed!.tileSize,
    threads,
    heldOut,
    entryFlops: stored === undefined ? rowLength(description) : READ_FLOPS * dtypeBytes[stored.dtype],
  };
  const solverPlan = solver.plan(size, options, left([...common, ...matrix]));
  const withSolver = [...common, ...computedRegions, ...solverPlan.regions];
  // What the solver leaves keeps tiles in memory, where the last twentieth of the budget would gain next to nothing.
  const slotRoom = Math.max(
    left(withSolver) - SPARE_SHARE * budget,
    fewSlots.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const allSlots = stored === undefined ? undefined : planStoredKernel(stored, slotRoom);
  const solvingLayout = [...withSolver, ...(allSlots?.regions ?? [])];
  const rows = Math.max(description.parts.test.n, options.simulated ? n : 0, 1);
  const { rowBytes, labels } = layout;
  const scoringSizes = { rows, n, k, labels, rowBytes, packedBytes, resident: true };
  const scoring = compares ? planScoring(scoringSizes, evaluation.dtype, left(first)) : undefined;
  const scoringLayout = [...first, ...(scoring?.regions ?? [])];
  const readingLayout = [...common, ...targetRegions(layout)];
  const layouts = [solvingLayout, scoringLayout, readingLayout];
  const totals = layouts.map((regions) => layOut(regions).totalBytes);
  const bytes = Math.max(...totals);
  const kernelText = stored === undefined ? 'computed as it is needed' : `read from ${stored.memId}`;
  const scale = kernelScalingName(dataset, options.scale);
  const plan: Plan = {
    job: `${name} on ${n} rows of ${description.d} features x ${k} columns`,
    budgetBytes: budget,
    regions: layouts[totals.indexOf(bytes)]!,
    plannedPeakBytes: bytes,
    passes: solverPlan.passes,
    bytesRead: 0,
    bytesWritten: solverPlan.scratchBytes,
    scratchBytes: solverPlan.scratchBytes,
    threads,
    notes: [
      `the kernel matrix, ${n} x ${n}, is ${kernelText} in tiles of ${size.tileSize} x ${size.tileSize}`,
      ...(scale === 'none' ? [] : [`features are scaled (${scale}) as they are read`]),
      ...solverPlan.notes,
      threadsNote(threads),
    ],
  };
  return {
    size,
    threads,
    evaluation,
    solver: solverPlan,
    computed,
    scoring,
    readingLayout,
    solvingLayout,
    scoringLayout,
    bytes,
    slots: allSlots,
    plan,
  };
}
