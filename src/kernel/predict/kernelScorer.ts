import { labelDtypeCodes } from '../../arithmetic/gather.js';
import { finiteCheckBytes, requireFiniteRows } from '../../data/badValue.js';
import type { RowFile } from '../../data/rowFile.js';
import type { RowLayout } from '../../data/rowLayout.js';
import { layOut, type Region } from '../../memory/plan.js';
import type { RowScorer, ScoredBlock } from '../../ssgd/score.js';
import { type EvaluatingWorkspace, type Evaluation, evaluatorOf } from '../job/evaluation.js';
import { vectorWidth } from '../solvers/solver.js';
import { CrossKernel, type CrossPlan, crossRowsRead, planCross } from '../tiles/crossKernel.js';
import { addTimesTile } from '../tiles/multiply.js';
import type { RowSource } from '../tiles/rowSource.js';
import { type Coefficients, copyCoefficients, packScores } from './coefficients.js';

/** Rows whose labels are read at once. */
const LABEL_ROWS = 64;

export interface ScoringSizes {
  /** Rows to score, and rows with a coefficient. */
  readonly rows: number;
  readonly n: number;
  readonly k: number;
  /** Labels of a row. */
  readonly labels: number;
  readonly rowBytes: number;
  readonly packedBytes: (capacity: number) => number;
  /** Coefficients lie in the arena already; otherwise they are copied there block by block. */
  readonly resident: boolean;
}

/** Bytes that scoring so many rows reads: the rows on both sides, labels, and features again that could be no numbers. */
export function scoringBytes(
  { cross }: Pick<ScoringPlan, 'cross'>,
  layout: RowLayout,
  rows: number,
  n: number,
): number {
  if (rows === 0) return 0;
  return (crossRowsRead(cross, rows, n) + rows) * layout.rowBytes + finiteCheckBytes(layout, rows);
}

export interface ScoringPlan {
  readonly cross: CrossPlan;
  readonly regions: readonly Region[];
}

export const evenWidth = (k: number) => vectorWidth({ k, regularizations: 1 });

function scoringRegions(sizes: ScoringSizes, blockSize: number): Region[] {
  const vector = 8 * blockSize * evenWidth(sizes.k);
  return [
    { name: 'score sums', bytes: vector },
    { name: 'score label rows', bytes: Math.min(LABEL_ROWS, blockSize) * sizes.rowBytes },
    { name: 'score labels', bytes: 8 * sizes.labels * blockSize },
    ...(sizes.resident ? [] : [{ name: 'score coefficients', bytes: vector }]),
  ];
}

/** Blocks for scoring in at most `bytes` bytes where that is possible, else the smallest that work. Pure. */
export function planScoring(sizes: ScoringSizes, dtype: Evaluation['dtype'], bytes: number): ScoringPlan {
  const { rows, n, rowBytes, packedBytes } = sizes;
  const plan = (most: number): ScoringPlan => {
    const cross = planCross({ rows, columns: n, rowBytes, dtype, packedBytes }, most);
    return { cross, regions: [...cross.regions, ...scoringRegions(sizes, cross.blockSize)] };
  };
  // What is left beside the blocks is at most that of the largest block the bytes allow.
  const first = plan(bytes);
  if (layOut(first.regions).totalBytes <= bytes) return first;
  const beside = layOut(scoringRegions(sizes, first.cross.blockSize)).totalBytes;
  return plan(bytes - beside);
}

/** Scores of rows by a kernel model, in an arena with the regions of `planScoring` for the rows of the file it is given. */
export class KernelScorer implements RowScorer {
  bytesRead = 0;
  readonly #workspace: EvaluatingWorkspace;
  readonly #evaluation: Evaluation;
  readonly #source: RowSource;
  readonly #coefficients: Coefficients;
  readonly #k: number;
  readonly #blockSize: number;

  constructor(
    workspace: EvaluatingWorkspace,
    evaluation: Evaluation,
    /** The rows with a coefficient. */
    source: RowSource,
    coefficients: Coefficients,
    k: number,
    plan: ScoringPlan,
  ) {
    this.#workspace = workspace;
    this.#evaluation = evaluation;
    this.#source = source;
    this.#coefficients = coefficients;
    this.#k = k;
    this.#blockSize = plan.cross.blockSize;
  }

  async *blocks(file: RowFile, signal?: AbortSignal): AsyncGenerator<ScoredBlock> {
    // An infinite distance may give a kernel of 0, which no score would show.
    await requireFiniteRows(file, signal);
    const { arena, threads } = this.#workspace;
    const { dtype } = this.#evaluation;
    const cross = new CrossKernel({
      workspace: this.#workspace,
      a: file,
      b: this.#source,
      evaluator: evaluatorOf(this.#workspace),
      rowBytes: file.layout.rowBytes,
      blockSize: this.#blockSize,
      dtype,
    });
    const width = this.#coefficients.address === undefined ? evenWidth(this.#k) : this.#coefficients.stride;
    const sums = arena.float64('score sums');
    const labels = arena.float64('score labels');
    for await (const block of cross.blocks(signal)) {
      if (block.firstColumn === 0) sums.fill(0);
      const tile = { row: 0, column: 0, ...block, firstRow: 0, firstColumn: 0 };
      addTimesTile(threads, tile, this.#vectors(block, width), width, arena.address('score sums'));
      threads.run();
      if (block.firstColumn + block.columns < this.#source.rows) continue;
      await this.#readLabels(file, block.firstRow, block.rows, labels);
      if (width !== this.#k) packScores(sums, block.rows, width, this.#k);
      yield { firstRow: block.firstRow, rows: block.rows, scores: sums, labels };
    }
    this.bytesRead +=
      cross.bytesRead + finiteCheckBytes(file.layout, file.rows) + file.rows * file.layout.rowBytes;
  }

  /** Address of the coefficients of a block's columns. */
  #vectors({ firstColumn, columns }: { firstColumn: number; columns: number }, width: number): number {
    const { stride, address } = this.#coefficients;
    if (address !== undefined) return address + 8 * firstColumn * stride;
    const { arena } = this.#workspace;
    const target = arena.float64('score coefficients');
    copyCoefficients(this.#coefficients, this.#k, firstColumn, columns, target, width);
    return arena.address('score coefficients');
  }

  async #readLabels(file: RowFile, first: number, rows: number, labels: Float64Array): Promise<void> {
    const { arena, kernels } = this.#workspace;
    const { rowBytes, labelOffset, labelDtype, labels: labelsOfRow } = file.layout;
    const bytes = arena.uint8('score label rows');
    const most = Math.floor(bytes.length / rowBytes);
    const base = arena.address('score label rows');
    const code = labelDtypeCodes.indexOf(labelDtype);
    for (let row = 0; row < rows; row += most) {
      const count = Math.min(most, rows - row);
      await file.readRows(bytes, first + row, count);
      const target = labels.byteOffset + 8 * labelsOfRow * row;
      kernels.gatherLabels(base, rowBytes, labelOffset, code, labelsOfRow, 0, 0, count, target);
    }
  }
}
