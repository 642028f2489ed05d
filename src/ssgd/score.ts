import { gather64Of, labelDtypeCodes, scalingBytes, writeScaling } from '../arithmetic/gather.js';
import { type Kernels, loadKernels } from '../arithmetic/kernels.js';
import type { RowReader } from '../data/rowFile.js';
import type { RowLayout } from '../data/rowLayout.js';
import { scanBytes, scanRows } from '../data/scanRows.js';
import { Arena } from '../memory/arena.js';
import { budgetTooSmall, layOut, type Region } from '../memory/plan.js';
import type { LinearModel } from './linearModel.js';

/** Scores of a few rows. The arrays are reused: valid until the next block is asked for. */
export interface ScoredBlock {
  readonly firstRow: number;
  readonly rows: number;
  /** rows × k. */
  readonly scores: Float64Array;
  readonly labels: Float64Array;
}

/** Streams the rows of a file through the model it holds. */
export interface RowScorer {
  blocks(file: RowReader, signal?: AbortSignal): AsyncGenerator<ScoredBlock>;
}

/** Rows scored at a time: enough to amortise the calls, few enough to stay in the first-level cache. */
const BLOCK_ROWS = 8;
const LARGEST_READ = 1 << 18;

/** What a training job gives its scorer, where memory is not short: larger reads are worth no more than this. */
export function scoringBytes(budgetBytes: number): number {
  return Math.min(budgetBytes / 8, 1 << 20);
}

/**
 * Regions a scorer needs; larger `bytes` buy larger reads, nothing else. `held`: columns of all models it holds at a
 * time, the widest of which has k.
 */
export function scorerRegions(layout: RowLayout, k: number, bytes: number, held = k): Region[] {
  const { d, rowBytes } = layout;
  const fixed = (rows: number): Region[] => [
    { name: 'score weights', bytes: 8 * held * d },
    { name: 'score intercept', bytes: 8 * held },
    { name: 'score scaling', bytes: scalingBytes(d, d, layout.dtype, 64) },
    { name: 'score x', bytes: 8 * d * rows },
    { name: 'score scores', bytes: 8 * k * rows },
    { name: 'score labels', bytes: 8 * rows },
  ];
  const fits = (rows: number) =>
    layOut([...fixed(rows), { name: 'score rows', bytes: scanBytes(rows, rowBytes) }]).totalBytes <= bytes;
  let blockRows = BLOCK_ROWS;
  while (blockRows > 1 && !fits(blockRows)) blockRows /= 2;
  const left = bytes - layOut(fixed(blockRows)).totalBytes - 64;
  const readRows = Math.floor(Math.min(left, 2 * LARGEST_READ) / 2 / rowBytes);
  return [
    ...fixed(blockRows),
    { name: 'score rows', bytes: scanBytes(Math.max(blockRows, readRows), rowBytes) },
  ];
}

/** Computes scores in double precision, streaming. Lives in an arena that holds `scorerRegions`. */
export class Scorer implements RowScorer {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #layout: RowLayout;
  readonly #k: number;
  readonly #addresses: Readonly<Record<'x' | 'w' | 'intercept' | 'scaling' | 'scores' | 'labels', number>>;
  /** k × d and k: write the model here before scoring. */
  readonly weights: Float64Array;
  readonly intercept: Float64Array;

  constructor(arena: Arena, kernels: Kernels, layout: RowLayout, k: number, scaling: LinearModel['scaling']) {
    this.#arena = arena;
    this.#kernels = kernels;
    this.#layout = layout;
    this.#k = k;
    this.weights = arena.float64('score weights');
    this.intercept = arena.float64('score intercept');
    this.#addresses = {
      x: arena.address('score x'),
      w: arena.address('score weights'),
      intercept: arena.address('score intercept'),
      scaling: arena.address('score scaling'),
      scores: arena.address('score scores'),
      labels: arena.address('score labels'),
    };
    writeScaling(arena.buffer, this.#addresses.scaling, layout.d, layout.dtype, 64, scaling);
  }

  async *blocks(file: RowReader, signal?: AbortSignal): AsyncGenerator<ScoredBlock> {
    const scores = this.#arena.float64('score scores');
    const labels = this.#arena.float64('score labels');
    for await (const { firstRow, rows } of this.#gathered(file, signal)) {
      this.#score(rows, 0, this.#k);
      yield { firstRow, rows, scores, labels };
    }
  }

  /**
   * Scores the rows of a file by several models in one pass. Their weights lie one after another: `columns[i]` is how
   * many belong to model i. `visit` gets the scores of each in turn, in arrays that are reused.
   */
  async scoreEach(
    file: RowReader,
    columns: readonly number[],
    visit: (model: number, block: ScoredBlock) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const scores = this.#arena.float64('score scores');
    const labels = this.#arena.float64('score labels');
    for await (const { firstRow, rows } of this.#gathered(file, signal)) {
      for (let model = 0, first = 0; model < columns.length; first += columns[model++]!) {
        this.#score(rows, first, columns[model]!);
        visit(model, { firstRow, rows, scores, labels });
      }
    }
  }

  #score(rows: number, firstColumn: number, columns: number): void {
    const { d } = this.#layout;
    const { x, w, intercept, scores } = this.#addresses;
    const first = w + 8 * d * firstColumn;
    this.#kernels.scores64(x, rows, d, first, columns, intercept + 8 * firstColumn, scores);
  }

  /** Brings the rows of a file, a few at a time, into the regions of the features and the labels. */
  async *#gathered(
    file: RowReader,
    signal?: AbortSignal,
  ): AsyncGenerator<{ firstRow: number; rows: number }> {
    const { d, rowBytes, labelOffset } = file.layout;
    const gather = gather64Of(this.#kernels, this.#layout.dtype);
    const labelCode = labelDtypeCodes.indexOf(file.layout.labelDtype);
    const { x, scaling, labels } = this.#addresses;
    const most = this.#arena.float64('score labels').length;
    for await (const block of scanRows(file, this.#arena, 'score rows', signal)) {
      for (let from = 0; from < block.to; from += most) {
        const rows = Math.min(most, block.to - from);
        gather(block.base, rowBytes, 0, from, rows, d, d, scaling, x);
        this.#kernels.gatherLabels(block.base, rowBytes, labelOffset, labelCode, 0, from, rows, labels);
        yield { firstRow: block.firstRow + from, rows };
      }
    }
  }
}

/** An arena of its own with the model in it, for scoring outside training. */
export function openScorer(model: LinearModel, layout: RowLayout, bufferBytes: number): Scorer {
  const regions = scorerRegions(layout, model.k, bufferBytes);
  const { totalBytes } = layOut(regions);
  if (totalBytes > bufferBytes) {
    throw budgetTooSmall(`scoring ${model.d} features x ${model.k} columns`, totalBytes, bufferBytes);
  }
  const arena = new Arena(regions);
  const scorer = new Scorer(arena, loadKernels(arena.memory), layout, model.k, model.scaling);
  scorer.weights.set(model.weights);
  scorer.intercept.set(model.intercept);
  return scorer;
}

/**
 * Scores of all rows of a part, in stored order, inside `bufferBytes`.
 *
 * @example
 * for await (const { firstRow, rows, scores } of scoreRows(model, dataset.test, { bufferBytes: 1e6 })) { … }
 */
export async function* scoreRows(
  model: LinearModel,
  file: RowReader,
  options: { readonly bufferBytes: number; readonly signal?: AbortSignal },
): AsyncGenerator<ScoredBlock> {
  yield* openScorer(model, file.layout, options.bufferBytes).blocks(file, options.signal);
}
