import type { Kernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import { sparseDtypeCodes } from '../../data/sparse/sparseRecord.js';
import type { Arena } from '../../memory/arena.js';
import type { RowSample } from '../sgd/calibration.js';
import { LinearStep, type StepWeights } from '../sgd/linearStep.js';
import type { ModelPlan } from '../sgd/planStreaming.js';
import type { SparsePlan } from './planSparse.js';
import { settleAdagrad, settleShrunk } from './settleWeights.js';
import type { SparseBatch } from './sparseBatch.js';
import { sparseSample } from './sparseSample.js';

/** Below it the factor of all weights is multiplied into them: they have grown by as much. */
const SMALLEST_SCALE = 1e-6;
const ADAGRAD_EPSILON = 1e-8;
/** Weights are copied (as good ones, into their mean) at most once in so many nonzeros as there are weights to copy, over this. */
const COPY_SHARE = 4;

/** Places of the numbers beside the weights: see `SparseStep`. */
const [SCALE, TOTAL, SINCE_KEPT, SINCE_AVERAGED] = [0, 1, 2, 3] as const;

/**
 * The arithmetic of one model on sparse rows; every step costs what its rows have nonzeros. Weights lie feature by feature
 * (w[j·k + c]) and are scaled: the weight of feature j is s·v[j].
 *
 * One step of rate α on B rows, with λ = reg/n, μ = l1/n, and their share q of a full batch, is
 *
 *     w ← (1 − αλq)·w − α/B·Σ slope·x,   then every w toward 0 by αμq.
 *
 * The first factor is taken into s (Shalev-Shwartz, Singer, Srebro, Pegasos, ICML 2007). Toward 0 by αμq is toward 0 by αμq/s in v:
 * the sum U of those is kept, and a feature that comes up is moved by what U has grown since it came up last (Langford, Li, Zhang,
 * Truncated gradient, JMLR 2009; exact, as v is 0 from where it meets 0 until its feature comes up). So the weights are those of the
 * steps of dense rows.
 *
 * AdaGrad has rates of its own for each weight, so that both penalties are brought up by what the sum R of the rates has grown; see
 * the kernel. Its squares are of the slopes of rows, without the penalty.
 *
 * The region 'scalars' holds s, then U or R, and the nonzeros since weights were kept and averaged.
 */
export class SparseStep extends LinearStep {
  readonly #plan: SparsePlan;
  readonly #batch: SparseBatch;
  readonly #code: number;
  readonly #words: Uint32Array;
  readonly #scalars: Float64Array;
  /** Of the features, when penalties are brought up late. */
  readonly #seen: Float64Array | undefined;
  readonly #squares: Float32Array | undefined;
  readonly #interceptSquares: Float32Array | undefined;
  readonly #at: Readonly<
    Record<'w' | 'scores' | 'intercept' | 'factors' | 'seen' | 'squares' | 'inverse', number>
  >;
  /** Threads without locks share the weights: the factor stays 1, penalties fall on the features of the rows. */
  readonly #lockFree: boolean;

  constructor(
    plan: SparsePlan,
    model: ModelPlan,
    classification: boolean,
    batch: SparseBatch,
    arena: Arena,
    kernels: Kernels,
  ) {
    const { prefix } = model;
    const floats = (name: string) => arena.float32(`${prefix}${name}`);
    const own = { weights: floats('weights'), intercept: floats('intercept') };
    super(model, classification, batch, arena, kernels, own);
    this.#plan = plan;
    this.#batch = batch;
    this.#code = sparseDtypeCodes[plan.layout.dtype];
    this.#words = new Uint32Array(arena.buffer);
    this.#scalars = arena.float64(`${prefix}scalars`);
    const has = (name: string) => arena.has(`${prefix}${name}`);
    const shared = (name: string) => (arena.has(name) ? arena.address(name) : 0);
    const address = (name: string) => shared(`${prefix}${name}`);
    this.#seen = has('seen') ? arena.float64(`${prefix}seen`) : undefined;
    this.#squares = has('squares') ? floats('squares') : undefined;
    this.#interceptSquares = has('squares') ? floats('intercept squares') : undefined;
    this.#lockFree = plan.threads > 1;
    this.#at = {
      w: address('weights'),
      scores: address('scores'),
      intercept: address('intercept'),
      factors: shared('scaling'),
      seen: address('seen'),
      squares: address('squares'),
      inverse: shared('hogwild inverse'),
    };
    if (this.#scalars[SCALE] === 0) this.#scalars[SCALE] = 1;
  }

  override clearWeights(): void {
    super.clearWeights();
    this.#forgetPenalties();
    this.#scalars[SINCE_KEPT] = 0;
    this.#scalars[SINCE_AVERAGED] = 0;
  }

  /** The weights hold everything: nothing is left to be multiplied or taken off. */
  #forgetPenalties(): void {
    this.#scalars[SCALE] = 1;
    this.#scalars[TOTAL] = 0;
    this.#seen?.fill(0);
  }

  /** Penalties of the features in the batch are brought up first. */
  protected score(): void {
    const { filled: rows, base, order, from, labelsAddress } = this.#batch;
    const { w, scores, intercept, factors, seen, squares } = this.#at;
    const { columns, kernels } = this;
    const total = this.#scalars[TOTAL]!;
    if (this.#squares !== undefined) {
      const { decay, l1 } = this.#penalties;
      if (decay > 0 || l1 > 0)
        kernels.sparseAdagradSettle(
          base,
          order,
          from,
          rows,
          w,
          squares,
          columns,
          seen,
          total,
          decay,
          l1,
          ADAGRAD_EPSILON,
        );
    } else if (this.#seen !== undefined && !this.#lockFree)
      kernels.sparseShrink32(base, order, from, rows, w, columns, seen, total);
    kernels.sparseScores32(
      base,
      order,
      from,
      rows,
      this.#code,
      w,
      columns,
      factors,
      this.#scalars[SCALE]!,
      intercept,
      scores,
      labelsAddress,
    );
    this.#batch.clearTags();
  }

  /** Both penalties by row. */
  get #penalties(): { readonly decay: number; readonly l1: number } {
    return { decay: this.options.reg / this.#plan.rows, l1: this.options.l1 / this.#plan.rows };
  }

  step(rate: number, _t: number): void {
    this.evaluateBatch();
    const { batch } = this.#plan.chosen;
    this.holdLongRows(rate, batch);
    const { filled: rows, base, order, from } = this.#batch;
    const { w, scores, factors, squares, inverse } = this.#at;
    const { decay, l1 } = this.#penalties;
    const code = this.#code;
    const { columns, kernels } = this;
    // Rows of a short batch count as much as others.
    const share = rows / batch;
    if (this.#squares !== undefined) {
      const scale = 1 / batch;
      kernels.sparseAdagradStep(
        base,
        order,
        from,
        rows,
        code,
        w,
        squares,
        columns,
        factors,
        scores,
        scale,
        rate,
        ADAGRAD_EPSILON,
      );
      this.#scalars[TOTAL]! += rate * share;
    } else if (this.#lockFree) {
      const each = (rate * this.#plan.rows) / batch;
      kernels.sparseHogwildStep32(
        base,
        order,
        from,
        rows,
        code,
        w,
        columns,
        factors,
        scores,
        rate / batch,
        inverse,
        each * decay,
        each * l1,
      );
    } else {
      const factor = 1 - rate * decay * share;
      if (factor > SMALLEST_SCALE) this.#scalars[SCALE]! *= factor;
      else {
        this.#settle();
        for (let i = 0; i < this.weights.length; i++) this.weights[i]! *= factor;
      }
      if (this.#scalars[SCALE]! < SMALLEST_SCALE) this.#settle();
      const s = this.#scalars[SCALE]!;
      kernels.sparseStep32(base, order, from, rows, code, w, columns, factors, scores, rate / (batch * s));
      if (l1 > 0) this.#scalars[TOTAL]! += (rate * l1 * share) / s;
    }
    if (this.options.bias) this.#stepIntercept(batch, rate);
    const nonzeros = this.#nonzerosOfBatch();
    this.#scalars[SINCE_KEPT]! += nonzeros;
    this.#scalars[SINCE_AVERAGED]! += nonzeros;
  }

  #nonzerosOfBatch(): number {
    let sum = 0;
    for (let i = 0; i < this.#batch.filled; i++) sum += this.#words[this.#batch.rowAt(i) >>> 2]!;
    return sum;
  }

  #stepIntercept(batch: number, rate: number): void {
    const { columns, intercept } = this;
    const gradient = this.sumSlopes();
    const squares = this.#interceptSquares;
    for (let c = 0; c < columns; c++) {
      const g = gradient[c]! / batch;
      if (squares === undefined) {
        intercept[c]! -= rate * g;
        continue;
      }
      squares[c]! += g * g;
      intercept[c]! -= (rate * g) / (Math.sqrt(squares[c]!) + ADAGRAD_EPSILON);
    }
  }

  /** Brings all weights up to date: the cost of all of them. */
  #settle(): void {
    const { weights, columns } = this;
    const seen = this.#seen;
    const [s, total] = [this.#scalars[SCALE]!, this.#scalars[TOTAL]!];
    if (this.#squares !== undefined)
      settleAdagrad(weights, this.#squares, columns, seen!, total, this.#penalties, ADAGRAD_EPSILON);
    else if (seen !== undefined && !this.#lockFree) settleShrunk(weights, columns, seen, total, s);
    else if (s !== 1) for (let i = 0; i < weights.length; i++) weights[i]! *= s;
    this.#forgetPenalties();
  }

  sample(block: RowBlock): RowSample {
    const factors = this.#at.factors === 0 ? undefined : this.arena.float32('scaling');
    return sparseSample(this.#batch, block, this.arena, this.#plan.layout, factors, this.good.weights);
  }

  /** Keeps the weights, now or, where they are many, in time. */
  override keep(): void {
    const copies = COPY_SHARE * this.#scalars[SINCE_KEPT]! >= this.weights.length;
    // Before the first step there is nothing to go back to yet.
    if (!copies && this.#scalars[SINCE_KEPT]! > 0) return;
    this.#scalars[SINCE_KEPT] = 0;
    this.#settle();
    super.keep();
  }

  override goBack(): void {
    super.goBack();
    this.#forgetPenalties();
  }

  clearState(): void {
    this.#squares?.fill(0);
    this.#interceptSquares?.fill(0);
  }

  /** Takes the weights into their running mean, where they are many at even intervals. */
  override average(): void {
    if (this.averaged > 0 && COPY_SHARE * this.#scalars[SINCE_AVERAGED]! < this.weights.length) return;
    this.#scalars[SINCE_AVERAGED] = 0;
    this.#settle();
    super.average();
  }

  override judged(): StepWeights {
    if (this.averaged === 0) this.#settle();
    return super.judged();
  }

  override takeBest(): void {
    super.takeBest();
    this.#forgetPenalties();
  }
}
