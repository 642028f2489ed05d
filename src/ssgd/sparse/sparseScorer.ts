import type { Kernels } from '../../arithmetic/kernels.js';
import { loadKernels } from '../../arithmetic/kernels.js';
import { allFinite } from '../../data/badValue.js';
import type { Task } from '../../data/format.js';
import type { RowSelection } from '../../data/rowSelection.js';
import { longestBytes, type SparseRange, scanSparse } from '../../data/sparse/scanSparse.js';
import { sparseDtypeCodes } from '../../data/sparse/sparseRecord.js';
import type { SparseRowFile } from '../../data/sparse/sparseRowFile.js';
import { Arena } from '../../memory/arena.js';
import { budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import { badScoresError, EvaluationSum } from '../evaluate.js';
import type { Evaluation } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import { lossOf } from '../losses/losses.js';
import type { ScoredBlock } from '../score.js';
import { keepRows } from './keepRows.js';
import { SCORE_READ, SCORED_ROWS, sparseScorerRegions } from './planSparse.js';

/** Which rows of a file are scored. */
export interface ScoredRows extends SparseRange {
  /** Those it holds out, or those it does not. */
  readonly selection?: Pick<RowSelection, 'isHeld'> | undefined;
  readonly held?: boolean;
}

/**
 * Scores sparse rows in double precision, streaming, by the model in its regions: weights[j·k + c] of the features as they are stored
 * (scaling multiplied in) and intercept[c]. The regions are those of `planSparse`.
 */
export class SparseScorer {
  /** Of rows read so far. */
  bytesRead = 0;
  readonly weights: Float64Array;
  readonly intercept: Float64Array;
  readonly #arena: Arena;
  readonly #kernels: Kernels;

  constructor(arena: Arena, kernels: Kernels) {
    this.#arena = arena;
    this.#kernels = kernels;
    this.weights = arena.float64('score weights');
    this.intercept = arena.float64('score intercept');
  }

  /** Scores of rows, a few at a time, for k columns. The arrays are reused. Rows that are left out are not in the blocks. */
  async *blocks(
    file: SparseRowFile,
    k: number,
    signal?: AbortSignal,
    { selection, held, ...range }: ScoredRows = {},
  ): AsyncGenerator<ScoredBlock> {
    const scores = this.#arena.float64('score scores');
    const labels = this.#arena.float64('score labels');
    const [weights, intercept] = [
      this.#arena.address('score weights'),
      this.#arena.address('score intercept'),
    ];
    const order = this.#arena.uint32('score order');
    for await (const block of scanSparse(file, this.#arena, this.#kernels, 'score', signal, range)) {
      const to = keepRows(order, block.to, block.firstRow, selection, held);
      for (let from = 0; from < to; from += SCORED_ROWS) {
        const rows = Math.min(SCORED_ROWS, to - from);
        this.#kernels.sparseScores64(
          block.base,
          block.order,
          from,
          rows,
          sparseDtypeCodes[file.layout.dtype],
          weights,
          k,
          intercept,
          scores.byteOffset,
          labels.byteOffset,
        );
        yield { firstRow: block.firstRow + from, rows, scores, labels };
      }
    }
    this.bytesRead += file.sizes.bytes;
  }

  /** Loss and accuracy (or rmse and r2) of the model in the regions. */
  async evaluate(
    file: SparseRowFile,
    model: { readonly loss: LinearModel['loss']; readonly columns: number },
    task: Task,
    signal?: AbortSignal,
    which: ScoredRows = {},
  ): Promise<Evaluation> {
    const { columns } = model;
    const sum = new EvaluationSum(lossOf(model.loss), task, columns);
    for await (const { firstRow, rows, scores, labels } of this.blocks(file, columns, signal, which)) {
      if (!allFinite(scores, rows * columns)) throw await badScoresError(undefined, firstRow, rows, signal);
      sum.add(rows, scores, labels);
    }
    return await sum.result(undefined, signal);
  }
}

/** What is scored by. */
export type FoldedModel = Pick<LinearModel, 'd' | 'k' | 'weights' | 'intercept' | 'scaling'>;

/** Puts a model into the form of the regions: the scaling moves into weights and intercept. */
export function foldModel(
  { d, k, weights, intercept, scaling }: FoldedModel,
  target: { readonly weights: Float64Array; readonly intercept: Float64Array },
): void {
  for (let c = 0; c < k; c++) {
    let constant = intercept[c]!;
    for (let j = 0; j < d; j++) {
      const weight = weights[c * d + j]!;
      target.weights[j * k + c] = weight * scaling.multiply[j]!;
      constant += weight * scaling.add[j]!;
    }
    target.intercept[c] = constant;
  }
}

export interface SparseScoreOptions {
  readonly bufferBytes: number;
  readonly signal?: AbortSignal;
}

function regionsOf({ d, k }: LinearModel, { sizes, layout }: SparseRowFile, bytes: number): Region[] {
  return sparseScorerRegions(d, k, Math.max(longestBytes(sizes.longestRow, layout.dtype), bytes));
}

/** The smallest budget in which the rows of a file can be scored. */
export function leastSparseScoringBytes(model: LinearModel, file: SparseRowFile): number {
  return layOut(regionsOf(model, file, 0)).totalBytes;
}

/** A scorer of its own with the model in it, inside `bufferBytes`. */
function openScorer(
  model: LinearModel,
  file: SparseRowFile,
  { bufferBytes }: SparseScoreOptions,
): SparseScorer {
  const { d, k } = model;
  let read = Math.min(SCORE_READ, bufferBytes / 4);
  if (layOut(regionsOf(model, file, read)).totalBytes > bufferBytes) read = 0;
  const regions = regionsOf(model, file, read);
  const { totalBytes } = layOut(regions);
  if (totalBytes > bufferBytes)
    throw budgetTooSmall(`scoring ${d} sparse features x ${k} columns`, totalBytes, bufferBytes);
  const arena = new Arena(regions);
  const scorer = new SparseScorer(arena, loadKernels(arena.memory));
  foldModel(model, scorer);
  return scorer;
}

/** Scores of all sparse rows of a part, in stored order, inside `bufferBytes`. */
export async function* scoreSparseRows(
  model: LinearModel,
  file: SparseRowFile,
  options: SparseScoreOptions,
): AsyncGenerator<ScoredBlock> {
  yield* openScorer(model, file, options).blocks(file, model.k, options.signal);
}
