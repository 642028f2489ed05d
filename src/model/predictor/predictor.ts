import { allFinite } from '../../data/badValue.js';
import type { Cell } from '../../data/columns/columnMapping.js';
import { MlmlError } from '../../errors.js';
import { classOf } from '../../ssgd/evaluate.js';
import type { ScoreMeaning } from '../../ssgd/linearModel.js';
import { defaultOptions } from '../../ssgd/options.js';
import type { Storage } from '../../storage/storage.js';
import { defaultThreads } from '../../threads/defaultThreads.js';
import { hasNames } from '../classNames.js';
import { probabilitiesOf, probabilityColumns } from '../probabilities.js';
import { isKernelModel, type Model } from '../saveModel.js';
import { InputEncoder, type InputRow } from './inputEncoder.js';
import { kernelThreads, openKernelScorer } from './kernelRowScorer.js';
import { openLinearScorer } from './linearScorer.js';
import type { MemoryScorer } from './memoryScorer.js';
import { RowError } from './rowError.js';
import { Turns } from './turns.js';

/** What a model says of a row. */
export interface Prediction {
  /** Classification: the number of the class. */
  readonly class?: number;
  /** Its name, where classes have names other than their numbers. */
  readonly name?: string;
  /** Regression: the predicted target. */
  readonly value?: number;
  /** The same of a regression with several outputs, by their names. */
  readonly values?: Readonly<Record<string, number>>;
  /** One for each class, when they were asked for. */
  readonly probabilities?: readonly number[];
  /** What named the row, where the model has such a column. */
  readonly id?: string | number | bigint | boolean | Date | null;
}

/** Options of `openPredictor`. */
export interface PredictorOptions {
  /** Bound, in bytes, on the memory that grows with the features, classes and rows of the model. Default 10 MB. */
  readonly bufferBytes?: number;
  /** Threads at most. Default: one for each processor for kernel models with much work, else one. */
  readonly nthreads?: number;
}

/** Options of predictions. */
export interface PredictRowsOptions {
  /** Probabilities of all classes too. Default false. */
  readonly proba?: boolean;
  /** Number of the first row, for messages. Default 0. */
  readonly firstRow?: number;
  /** Stops with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of a stream of predictions. */
export interface PredictStreamOptions extends PredictRowsOptions {
  /** Rows predicted together; none is told before as many have come. Default 1. */
  readonly together?: number;
}

/**
 * A model ready to predict rows as they come, inside its own budget. Calls at the same time wait for each other. A predictor of a
 * linear model holds no file; that of a kernel model reads its rows: `await using`, or `close`, frees them.
 */
export class Predictor implements AsyncDisposable {
  /** What the scores of the model mean. */
  readonly meaning: ScoreMeaning;
  readonly #scorer: MemoryScorer;
  readonly #encoder: InputEncoder;
  readonly #names: readonly string[] | undefined;
  readonly #chances: Float64Array;
  readonly #turns = new Turns();
  #closed = false;

  /** See `openPredictor`. */
  constructor(meaning: ScoreMeaning, scorer: MemoryScorer) {
    this.meaning = meaning;
    this.#scorer = scorer;
    this.#encoder = new InputEncoder(meaning, scorer.dtype);
    this.#names = hasNames(meaning) ? meaning.classNames : undefined;
    this.#chances = new Float64Array(Math.max(meaning.k, 2));
  }

  /** Bytes of all that grows with the features, classes and rows of the model. */
  get plannedBytes(): number {
    return this.#scorer.plannedBytes;
  }

  /**
   * Predicts rows, in order. Nothing is predicted when one of them is wrong.
   *
   * @throws RowError (`MLML_BAD_DATA`) with the row and column; MlmlError `MLML_USAGE` for probabilities that the model does not give
   */
  async predict(rows: readonly InputRow[], options: PredictRowsOptions = {}): Promise<Prediction[]> {
    return await this.#turns.take(() => this.#predict(rows, options));
  }

  /** Predicts rows as they come. */
  async *stream(
    rows: AsyncIterable<InputRow> | Iterable<InputRow>,
    { together = 1, ...options }: PredictStreamOptions = {},
  ): AsyncGenerator<Prediction> {
    let waiting: InputRow[] = [];
    let firstRow = options.firstRow ?? 0;
    for await (const row of rows) {
      options.signal?.throwIfAborted();
      waiting.push(row);
      if (waiting.length < together) continue;
      yield* await this.predict(waiting, { ...options, firstRow });
      firstRow += waiting.length;
      waiting = [];
    }
    if (waiting.length > 0) yield* await this.predict(waiting, { ...options, firstRow });
  }

  async #predict(rows: readonly InputRow[], options: PredictRowsOptions): Promise<Prediction[]> {
    const { firstRow = 0, signal, proba = false } = options;
    if (this.#closed) throw new MlmlError('MLML_USAGE', 'the predictor has been closed');
    const chances = proba ? probabilityColumns(this.meaning) : 0;
    const { mostRows, input, mostNonzeros = Number.POSITIVE_INFINITY } = this.#scorer;
    const { d, k } = this.meaning;
    const all: Prediction[] = [];
    for (let from = 0; from < rows.length; from += mostRows) {
      signal?.throwIfAborted();
      const count = Math.min(mostRows, rows.length - from);
      for (let i = 0; i < count; i++) {
        const features = input.subarray(i * d, (i + 1) * d);
        this.#encoder.encode(rows[from + i], firstRow + from + i, features);
        if (mostNonzeros < d) requireFew(features, mostNonzeros, firstRow + from + i);
      }
      const scores = await this.#scorer.score(count, signal);
      for (let i = 0; i < count; i++) {
        const row = firstRow + from + i;
        if (!allFinite(scores.subarray(i * k, (i + 1) * k)))
          throw new RowError(
            row,
            undefined,
            undefined,
            `row ${row}: its scores are not finite: its values are far larger than those the model was trained on`,
          );
        all.push(this.#predictionOf(scores, i * k, chances, this.#encoder.idOf(rows[from + i], row)));
      }
    }
    return all;
  }

  #predictionOf(scores: Float64Array, at: number, chances: number, id: Cell): Prediction {
    const named = id === undefined ? {} : { id };
    const { labelNames } = this.meaning;
    if (labelNames !== undefined) {
      // Names such as __proto__ are names like others.
      const values = Object.fromEntries(labelNames.map((name, c) => [name, scores[at + c]!]));
      return { ...named, values };
    }
    if (this.meaning.task === 'regression') return { ...named, value: scores[at]! };
    const best = classOf(scores, at, this.meaning.k);
    const name = this.#names === undefined ? {} : { name: this.#names[best] ?? String(best) };
    if (chances === 0) return { ...named, class: best, ...name };
    probabilitiesOf(this.meaning, scores, at, this.#chances);
    return { ...named, class: best, ...name, probabilities: Array.from(this.#chances.subarray(0, chances)) };
  }

  /** Waits for the predictions on their way and frees what the predictor holds. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turns.ended();
    await this.#scorer.close();
  }

  /** The same as `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Refuses a row that a model of sparse rows has no room for. */
function requireFew(features: Float64Array, most: number, row: number): void {
  let nonzeros = 0;
  for (const value of features) if (value !== 0) nonzeros++;
  if (nonzeros <= most) return;
  throw new RowError(
    row,
    undefined,
    undefined,
    `row ${row}: has ${nonzeros} features that are not 0, more than the ${most} that this model of sparse rows takes at once; score a data set of such rows`,
  );
}

/**
 * Makes a model ready to predict rows as they come, inside `bufferBytes`. Scores are those of `predict` for the same numbers.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL` with the smallest that works; for kernel models what opening their rows throws
 *
 * @example
 * const predictor = await openPredictor(nodeStorage, await loadModel(nodeStorage, 'my-model'));
 * const [first] = await predictor.predict([[5.1, 3.5, 1.4, 0.2]], { proba: true });
 * console.log(first.class, first.probabilities);
 */
export async function openPredictor(
  storage: Storage,
  model: Model,
  options: PredictorOptions = {},
): Promise<Predictor> {
  const { bufferBytes = defaultOptions.bufferBytes } = options;
  const scorer = isKernelModel(model)
    ? await openKernelScorer(
        storage,
        model,
        bufferBytes,
        options.nthreads ?? kernelThreads(model, defaultThreads()),
      )
    : openLinearScorer(model, bufferBytes);
  return new Predictor(meaningOf(model), scorer);
}

/** A model without what grows with d and n: the scorer has its own copy, and one is enough. */
function meaningOf(model: Model): ScoreMeaning {
  if (isKernelModel(model)) {
    const { coefficients: _, geometry: __, rows: ___, ...meaning } = model;
    return meaning;
  }
  const { weights: _, intercept: __, scaling: ___, ...meaning } = model;
  return meaning;
}
