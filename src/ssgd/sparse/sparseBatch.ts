import type { Kernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import { sparseDtypeCodes } from '../../data/sparse/sparseRecord.js';
import type { Arena } from '../../memory/arena.js';
import { checkLabels } from '../checkLabels.js';
import type { StepBatch } from '../sgd/runParts.js';
import type { SparsePlan } from './planSparse.js';

/**
 * The rows of one step: some of a block in a row, where they lie. A batch ends with its block, so that rows need not be copied.
 * Labels and weights are in the regions 'labels' and 'row weights'.
 */
export class SparseBatch implements StepBatch {
  filled = 0;
  /** Where the rows lie: row i at base + 4·(u32 at order + 4·(from + i)). */
  base = 0;
  order = 0;
  from = 0;
  readonly labels: Float64Array;
  readonly labelsOfRow = 1;
  readonly labelsAddress: number;
  /** Weights of the rows; undefined when all count once. */
  readonly weights: Float64Array | undefined;
  squareBound = Number.POSITIVE_INFINITY;
  /** Below 0: not known yet. */
  #largestSquare = -1;
  readonly #kernels: Kernels;
  readonly #code: number;
  /** Address of the factors of the features; 0: all are 1. */
  readonly #factors: number;
  /** Folds of the rows, see `tagFolds`; undefined without a cross-validation. */
  readonly folds: Float64Array | undefined;
  readonly #labelBytes: Uint8Array;
  readonly #classWeights: Float64Array | undefined;
  readonly #size: number;
  readonly #classes: number;
  readonly #words: Uint32Array;
  #atEnd = false;

  /** @param classes number of classes; 0 for regression */
  constructor(
    { chosen, layout, folds }: Pick<SparsePlan, 'chosen' | 'layout' | 'folds'>,
    classes: number,
    arena: Arena,
    kernels: Kernels,
    classWeights: Float64Array | undefined,
  ) {
    this.#size = chosen.batch;
    this.#kernels = kernels;
    this.#code = sparseDtypeCodes[layout.dtype];
    this.#factors = arena.has('scaling') ? arena.address('scaling') : 0;
    this.folds = folds > 0 ? arena.float64('row folds') : undefined;
    this.#labelBytes = arena.uint8('labels');
    this.#classes = classes;
    this.labels = arena.float64('labels');
    this.labelsAddress = arena.address('labels');
    this.weights = classWeights === undefined ? undefined : arena.float64('row weights');
    this.#classWeights = classWeights;
    this.#words = new Uint32Array(arena.buffer);
  }

  get full(): boolean {
    return this.filled === this.#size || (this.#atEnd && this.filled > 0);
  }

  /** Address of row number i. */
  rowAt(i: number): number {
    return this.base + 4 * this.#words[(this.order >>> 2) + this.from + i]!;
  }

  take(block: RowBlock, from: number): number {
    const count = Math.min(this.#size, block.to - from);
    this.base = block.base;
    this.order = block.order;
    this.from = from;
    this.filled = count;
    this.#largestSquare = -1;
    this.#atEnd = from + count === block.to;
    this.#kernels.sparseLabels(block.base, block.order, from, count, this.labelsAddress);
    if (this.folds !== undefined) for (let i = 0; i < count; i++) this.folds[i] = this.#labelBytes[8 * i]!;
    this.clearTags();
    return count;
  }

  get largestSquare(): number {
    if (this.#largestSquare < 0) this.#largestSquare = this.#squareOf(this.from, this.filled);
    return this.#largestSquare;
  }

  squareOf(i: number): number {
    return this.#squareOf(this.from + i, 1);
  }

  #squareOf(from: number, count: number): number {
    return this.#kernels.largestSparseSquare32(this.base, this.order, from, count, this.#code, this.#factors);
  }

  /** Takes the folds from the labels, after these have been read from the rows. */
  clearTags(): void {
    if (this.folds === undefined) return;
    for (let i = 0; i < this.filled; i++) this.#labelBytes[8 * i] = 0;
  }

  checkLabels(): void {
    if (this.#classes > 0) checkLabels(this.labels, this.filled, this.#classes);
    if (this.#classWeights === undefined) return;
    for (let i = 0; i < this.filled; i++) this.weights![i] = this.#classWeights[this.labels[i]!]!;
  }

  /** Rows that count, and the sum of their weights; once labels have been checked. */
  get counted(): number {
    if (this.weights === undefined) return this.filled;
    let counted = 0;
    for (let i = 0; i < this.filled; i++) if (this.weights[i] !== 0) counted++;
    return counted;
  }
  get weight(): number {
    if (this.weights === undefined) return this.filled;
    let sum = 0;
    for (let i = 0; i < this.filled; i++) sum += this.weights[i]!;
    return sum;
  }

  clear(): void {
    this.filled = 0;
    this.#atEnd = false;
  }
}
