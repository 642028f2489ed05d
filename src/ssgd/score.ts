import { gather64Of, labelDtypeCodes, scalingBytes, writeScaling } from '../arithmetic/gather.js';
import type { Kernels } from '../arithmetic/kernels.js';
import type { RowReader } from '../data/rowFile.js';
import type { RowFolds } from '../data/rowFolds.js';
import type { RowLayout } from '../data/rowLayout.js';
import { scanBytes, scanRows } from '../data/scanRows.js';
import { Arena } from '../memory/arena.js';
import { budgetTooSmall, layOut, type Region } from '../memory/plan.js';
import { defaultThreads } from '../threads/defaultThreads.js';
import { shareLength } from '../threads/shares.js';
import type { Threads } from '../threads/threads.js';
import type { Workspace } from '../threads/workspace.js';
import type { LinearModel } from './linearModel.js';
import { startThreads } from './startThreads.js';
import { partsWorth, threadsWorth } from './threadsWorth.js';

/** Scores of a few rows. The arrays are reused: valid until the next block is asked for. */
export interface ScoredBlock {
  readonly firstRow: number;
  readonly rows: number;
  /** rows × k. */
  readonly scores: Float64Array;
  /** rows × labels of a row. */
  readonly labels: Float64Array;
}

/** Streams the rows of a file through the model it holds. */
export interface RowScorer {
  blocks(file: RowReader, signal?: AbortSignal): AsyncGenerator<ScoredBlock>;
}

/** Rows scored at a time by one thread: enough to amortise the calls, few enough to stay in the first-level cache. */
const BLOCK_ROWS = 8;
/** … and by several threads. */
const SHARED_ROWS = 64;
const LARGEST_READ = 1 << 18;

/** What a training job gives its scorer, where memory is not short: larger reads are worth no more than this. */
export function scoringBytes(budgetBytes: number): number {
  return Math.min(budgetBytes / 8, 1 << 20);
}

/**
 * Regions a scorer needs; larger `bytes` buy larger reads, nothing else. `held`: columns of all models it holds at a
 * time, the widest of which has k. `mostRows`: rows scored at a time, at most.
 */
export function scorerRegions(
  layout: RowLayout,
  k: number,
  bytes: number,
  held = k,
  mostRows = BLOCK_ROWS,
): Region[] {
  const { d, rowBytes } = layout;
  const fixed = (rows: number): Region[] => [
    { name: 'score weights', bytes: 8 * held * d },
    { name: 'score intercept', bytes: 8 * held },
    { name: 'score scaling', bytes: scalingBytes(d, d, layout.dtype, 64) },
    { name: 'score x', bytes: 8 * d * rows },
    { name: 'score scores', bytes: 8 * k * rows },
    { name: 'score labels', bytes: 8 * layout.labels * rows },
  ];
  const fits = (rows: number) =>
    layOut([...fixed(rows), { name: 'score rows', bytes: scanBytes(rows, rowBytes) }]).totalBytes <= bytes;
  let blockRows = mostRows;
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
  /** Undefined where one thread scores. */
  readonly #threads: Threads | undefined;
  readonly #layout: RowLayout;
  readonly #k: number;
  readonly #addresses: Readonly<Record<'x' | 'w' | 'intercept' | 'scaling' | 'scores' | 'labels', number>>;
  /** k × d and k: write the model here before scoring. */
  readonly weights: Float64Array;
  readonly intercept: Float64Array;

  constructor(
    /** Without threads, or with one, the calling thread scores. */
    { arena, kernels, threads }: Omit<Workspace, 'threads'> & Partial<Workspace>,
    layout: RowLayout,
    k: number,
    scaling: LinearModel['scaling'],
  ) {
    this.#arena = arena;
    this.#kernels = kernels;
    this.#threads = threads !== undefined && threads.count > 1 ? threads : undefined;
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
      if (rows <= BLOCK_ROWS) yield { firstRow, rows, scores, labels };
      else yield* inBlocks({ firstRow, rows, scores, labels }, this.#k, this.#layout.labels);
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

  /**
   * Scores each row of a file by the models that left out its fold, all in one pass. Their weights lie one after another.
   * `visit` gets the scores of one row by one of them at a time, in arrays that are reused.
   */
  async scoreFolds(
    file: RowReader,
    models: readonly { readonly columns: number; readonly fold: number | undefined }[],
    folds: RowFolds,
    visit: (model: number, block: ScoredBlock) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const { d } = this.#layout;
    const { x, w, intercept, scores: target } = this.#addresses;
    const scores = this.#arena.float64('score scores');
    const labels = this.#arena.float64('score labels');
    // Made once, for each place in a block.
    const labelsOfRow = this.#layout.labels;
    const single = Array.from({ length: labels.length / labelsOfRow }, (_, i) => {
      const own = labels.subarray(labelsOfRow * i, labelsOfRow * (i + 1));
      return { firstRow: 0, rows: 1, scores, labels: own };
    });
    for await (const { firstRow, rows } of this.#gathered(file, signal)) {
      for (let i = 0; i < rows; i++) {
        const row = single[i]!;
        row.firstRow = firstRow + i;
        const fold = folds.foldOf(row.firstRow);
        for (let model = 0, column = 0; model < models.length; column += models[model++]!.columns) {
          const { columns, fold: own } = models[model]!;
          if (own !== fold) continue;
          const [weights, constants] = [w + 8 * d * column, intercept + 8 * column];
          this.#kernels.scores64(x + 8 * d * i, 1, d, weights, columns, constants, target);
          visit(model, row);
        }
      }
    }
  }

  #score(rows: number, firstColumn: number, columns: number): void {
    const { d } = this.#layout;
    const { x, w, intercept, scores } = this.#addresses;
    const first = w + 8 * d * firstColumn;
    const constants = intercept + 8 * firstColumn;
    const length = this.#partLength(rows, rows * d * columns);
    if (this.#threads === undefined || length >= rows) {
      this.#kernels.scores64(x, rows, d, first, columns, constants, scores);
      return;
    }
    for (let row = 0; row < rows; row += length) {
      const count = Math.min(length, rows - row);
      const [part, target] = [x + 8 * d * row, scores + 8 * columns * row];
      this.#threads.add('scoreDoubles', part, count, d, first, columns, constants, target);
    }
    this.#threads.run();
  }

  /** Rows of one thread's part of so much work; even, since the kernel takes rows in pairs. */
  #partLength(rows: number, multiplyAdds: number): number {
    return shareLength(rows, 2, partsWorth(this.#threads?.count ?? 1, multiplyAdds));
  }

  #gather(base: number, file: RowReader, from: number, rows: number): void {
    const { d, rowBytes } = file.layout;
    const { x, scaling } = this.#addresses;
    const { dtype } = this.#layout;
    // Turning a value into a double takes as long as some four multiply-adds.
    const length = this.#partLength(rows, 4 * rows * d);
    if (this.#threads === undefined || length >= rows) {
      gather64Of(this.#kernels, dtype)(base, rowBytes, 0, from, rows, d, d, scaling, x);
      return;
    }
    const code = labelDtypeCodes.indexOf(dtype);
    for (let row = 0; row < rows; row += length) {
      const [count, target] = [Math.min(length, rows - row), x + 8 * d * row];
      this.#threads.add('gatherDoubles', code, base, rowBytes, 0, from + row, count, d, d, scaling, target);
    }
    this.#threads.run();
  }

  /** Brings the rows of a file, a few at a time, into the regions of the features and the labels. */
  async *#gathered(
    file: RowReader,
    signal?: AbortSignal,
  ): AsyncGenerator<{ firstRow: number; rows: number }> {
    const { rowBytes, labelOffset, labels: labelsOfRow } = file.layout;
    const labelCode = labelDtypeCodes.indexOf(file.layout.labelDtype);
    const { labels } = this.#addresses;
    const most = this.#arena.float64('score labels').length / labelsOfRow;
    for await (const block of scanRows(file, this.#arena, 'score rows', signal)) {
      for (let from = 0; from < block.to; from += most) {
        const rows = Math.min(most, block.to - from);
        this.#gather(block.base, file, from, rows);
        this.#kernels.gatherLabels(
          block.base,
          rowBytes,
          labelOffset,
          labelCode,
          labelsOfRow,
          0,
          from,
          rows,
          labels,
        );
        yield { firstRow: block.firstRow + from, rows };
      }
    }
  }
}

/** Blocks as small as one thread makes them: sums over them do not depend on the number of threads. */
function* inBlocks(
  { firstRow, rows, scores, labels }: ScoredBlock,
  k: number,
  labelsOfRow: number,
): Generator<ScoredBlock> {
  for (let from = 0; from < rows; from += BLOCK_ROWS) {
    yield {
      firstRow: firstRow + from,
      rows: Math.min(BLOCK_ROWS, rows - from),
      scores: scores.subarray(k * from),
      labels: labels.subarray(labelsOfRow * from),
    };
  }
}

/** The work of threads that is worth their start is so many times as much as in training, since scoring is soon done. */
const SHORT = 4;

/** Options of scoring outside training. */
export interface ScoreOptions {
  /** Bound on the memory of reading and scoring, in bytes. */
  readonly bufferBytes: number;
  /** Threads at most. Default: one for each processor. The scores are the same for any number. */
  readonly nthreads?: number;
  readonly signal?: AbortSignal;
}

/** The smallest budget in which rows can be scored. */
export function leastScoringBytes({ k }: Pick<LinearModel, 'k'>, layout: RowLayout): number {
  return layOut(scorerRegions(layout, k, 0)).totalBytes;
}

/**
 * A scorer with the model in it, in an arena of its own, for files of one layout. `rows` that it will score in all decide how many
 * threads are worth their start. Close its threads when all is scored.
 */
export async function openScorer(
  model: LinearModel,
  { layout, rows }: Pick<RowReader, 'layout' | 'rows'>,
  { bufferBytes, nthreads = defaultThreads() }: ScoreOptions,
): Promise<{ scorer: Scorer; threads: Threads }> {
  const { d, k } = model;
  const work = { total: (rows * d * (k + 4)) / SHORT, step: SHARED_ROWS * d * (k + 4) };
  const count = threadsWorth(nthreads, work);
  const regions = scorerRegions(layout, k, bufferBytes, k, count > 1 ? SHARED_ROWS : BLOCK_ROWS);
  const { totalBytes } = layOut(regions);
  if (totalBytes > bufferBytes) {
    throw budgetTooSmall(`scoring ${d} features x ${k} columns`, totalBytes, bufferBytes);
  }
  const workspace = await startThreads(new Arena(regions), count);
  const scorer = new Scorer(workspace, layout, k, model.scaling);
  scorer.weights.set(model.weights);
  scorer.intercept.set(model.intercept);
  return { scorer, threads: workspace.threads };
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
  options: ScoreOptions,
): AsyncGenerator<ScoredBlock> {
  const { scorer, threads } = await openScorer(model, file, options);
  try {
    yield* scorer.blocks(file, options.signal);
  } finally {
    await threads.close();
  }
}
