import { packedLength } from '../../arithmetic/gram.js';
import { Random } from '../../memory/random.js';
import type { Workspace } from '../../threads/workspace.js';
import { FACTOR_ROWS, GRAM_COLUMNS } from '../tasks/preconditionTasks.js';
import type { KernelMatrix } from '../tiles/kernelMatrix.js';
import { addTimesTile, addTimesTransposedTile, type ProductPrecision } from '../tiles/multiply.js';
import { inverseTransposedFactor } from './pivotBlock.js';
import { blockColumns, columnsAtOnce, factorStride } from './planPreconditioner.js';
import { samplePivots } from './samplePivots.js';

/** Number of the random stream of pivots. */
const PIVOT_STREAM = 41;
/** Residual diagonals below this share of the diagonal are rounding of float32 columns: nothing is left to explain. */
const ROUNDING = 1e-6;
/** The smallest shift against the sum of squares of F for which FᵀF + shift·I can be inverted in doubles. */
const SMALLEST_SHIFT = 1e-13;
/**
 * Against the trace of K: for a λ below, FᵀF is summed in doubles throughout. Sums of 64 floats have a spectral error
 * below 1e-9 of the trace on MNIST, and P⁻¹ wants it small against λ.
 */
const EXACT_BELOW = 1e-7;

export interface PreconditionerOptions {
  readonly rank: number;
  readonly seed: number;
  /** The smallest λ that will be prepared for. */
  readonly smallestRegularization: number;
  /** n bytes, 1 for rows that are not part of the system. */
  readonly heldOut: Uint8Array | undefined;
  readonly signal?: AbortSignal;
  /** Columns of F made so far. */
  readonly onProgress?: (columns: number) => void;
}

/**
 * Randomly pivoted block Cholesky (Chen, Epperly, Tropp & Webber 2022) as a preconditioner for K + λI (Díaz, Epperly,
 * Frangella, Tropp & Webber 2023): pivot rows S are drawn in proportion to the residual diagonal of K − FFᵀ, F grows by
 * the columns (K − FFᵀ)[:, S]·T with TᵀGT = I for G = (K − FFᵀ)[S, S]. Then
 *
 *   P = FFᵀ + μI,   P⁻¹ = (I − F·(FᵀF + μI)⁻¹·Fᵀ)/μ   (Woodbury),   μ = λ + trace(K − FFᵀ)/n.
 *
 * The paper has μ = λ. The mean eigenvalue of what F leaves out stands for that part of K here: on MNIST (20 000 rows,
 * RBF 5, λ = 0.06, rank 2000) a residual of 0.1 then takes 6 passes, not 10; one of 1e-6 takes up to a tenth more.
 *
 * F is float32 [n][rank]. P is positive definite whatever F is, so rounding of F cannot spoil the
 * solution, only the number of passes. λ = 0 is replaced by the smallest shift that can be inverted. Costs n·rank² twice
 * and one evaluation of rank columns of K; equal seeds give equal bits on any number of threads.
 */
export class Preconditioner {
  readonly rank: number;
  /** Columns of F in use: fewer than `rank` when K has no more to explain. */
  #columns = 0;
  readonly #workspace: Workspace;
  readonly #n: number;
  readonly #factor: number;
  readonly #stride: number;
  #shifts: number[] = [];
  /** trace(K − FFᵀ)/n. */
  #left = 0;
  /** FᵀF is wanted more exactly than sums of floats give it. */
  #exactGram = false;

  private constructor(workspace: Workspace, n: number, rank: number) {
    this.#workspace = workspace;
    this.#n = n;
    this.rank = rank;
    this.#stride = factorStride(rank);
    this.#factor = rank === 0 ? 0 : workspace.arena.address('cg factor');
  }

  /** Columns of F in use. */
  get columns(): number {
    return this.#columns;
  }

  /** Makes F and FᵀF over the rows of the system; `prepare` must follow. */
  static async build(
    workspace: Workspace,
    matrix: KernelMatrix,
    options: PreconditionerOptions,
  ): Promise<Preconditioner> {
    const made = new Preconditioner(workspace, matrix.n, options.rank);
    if (options.rank === 0) return made;
    const mask = workspace.arena.uint8('cg mask');
    mask.fill(0);
    if (options.heldOut !== undefined) mask.set(options.heldOut);
    await made.#growFactor(matrix, options);
    made.#left =
      workspace.arena.float64('cg residual diagonal').reduce((sum, value) => sum + value, 0) / matrix.n;
    workspace.arena.float64('cg gram').fill(0);
    made.#addGram(0);
    return made;
  }

  async #growFactor(matrix: KernelMatrix, options: PreconditionerOptions): Promise<void> {
    const { arena } = this.#workspace;
    const { rank } = this;
    const residual = arena.float64('cg residual diagonal');
    await matrix.diagonal(residual);
    const diagonal = residual.reduce((sum, value) => sum + value, 0);
    const smallest = (ROUNDING * diagonal) / this.#n;
    this.#exactGram = options.smallestRegularization < EXACT_BELOW * diagonal;
    const random = Random.of(options.seed, PIVOT_STREAM);
    const block = blockColumns(rank);
    const batch = columnsAtOnce(rank, matrix.stored);
    while (this.#columns < rank) {
      for (let i = 0; i < this.#n; i++) if (residual[i]! <= smallest) residual[i] = 0;
      const pivots = samplePivots(residual, Math.min(batch, rank - this.#columns), random);
      if (pivots.length === 0) return;
      const address = this.#factor + 4 * this.#columns;
      await matrix.columns(pivots, address, this.#stride, options.signal);
      // When the kernel has no more pivots, columns of zeros fill up the last four.
      const width = Math.ceil(pivots.length / 4) * 4;
      for (let c = pivots.length; c < width; c++) this.#clearColumn(this.#columns + c);
      for (let p = 0; p < width; p += block) {
        options.signal?.throwIfAborted();
        this.#extend(pivots.subarray(p, p + block), Math.min(block, width - p), smallest, residual);
        options.onProgress?.(this.#columns);
      }
    }
  }

  #clearColumn(column: number): void {
    const floats = this.#workspace.arena.float32('cg factor');
    for (let i = 0; i < this.#n; i++) floats[i * this.#stride + column] = 0;
  }

  /** Columns [columns, columns + m) hold K[:, pivots]; they become columns of F. */
  #extend(pivots: Uint32Array, m: number, smallest: number, residual: Float64Array): void {
    const { arena, kernels, threads } = this.#workspace;
    const done = this.#columns;
    const floats = arena.float32('cg factor');
    const w = arena.float32('cg pivot rows');
    // W = −F[S, :]ᵀ, [done][m].
    for (const [c, pivot] of pivots.entries()) {
      const row = pivot * this.#stride;
      for (let q = 0; q < done; q++) w[q * m + c] = -floats[row + q]!;
    }
    for (let q = 0; q < done; q++) w.fill(0, q * m + pivots.length, (q + 1) * m);
    const scratch = arena.float64('cg pivot block');
    const g = scratch.subarray(0, m * m);
    const t = scratch.subarray(m * m, 2 * m * m);
    g.fill(0);
    const wAddress = arena.address('cg pivot rows');
    const gAddress = arena.address('cg pivot block');
    kernels.addFloatProduct(wAddress, 1, m, m, done, wAddress, m, m, gAddress);
    for (let a = 0; a < m; a++) {
      const row = (pivots[a] ?? 0) * this.#stride + done;
      for (let b = 0; b < m; b++) {
        const used = a < pivots.length && b < pivots.length;
        g[a * m + b] = used ? floats[row + b]! - g[a * m + b]! : 0;
      }
    }
    inverseTransposedFactor(g, m, smallest, t);
    const tAddress = gAddress + 8 * m * m;
    const diagonal = arena.address('cg residual diagonal');
    for (let r = 0; r < this.#n; r += FACTOR_ROWS) {
      const rows = Math.min(FACTOR_ROWS, this.#n - r);
      const from = this.#factor + 4 * r * this.#stride;
      threads.add('extendFactor', from, this.#stride, rows, done, m, wAddress, tAddress, diagonal + 8 * r);
    }
    threads.run();
    // Never drawn again, whatever rounding left of them.
    for (const pivot of pivots) residual[pivot] = 0;
    this.#columns = done + m;
  }

  /** Adds FᵀF over the rows whose mask is `wanted`. */
  #addGram(wanted: number): void {
    const { arena, threads } = this.#workspace;
    const block = 128;
    const columns = this.#columns;
    for (let j = 0; j < columns; j += block) {
      const width = Math.min(block, columns - j);
      for (let i = j; i < columns; i += GRAM_COLUMNS) {
        const rows = Math.min(GRAM_COLUMNS, columns - i);
        threads.add(
          'addFactorGram',
          this.#factor,
          this.#stride,
          this.#n,
          i,
          rows,
          j,
          width,
          arena.address('cg mask'),
          wanted,
          arena.address('cg gram'),
          this.#exactGram ? 1 : 0,
        );
      }
    }
    threads.run();
  }

  /** From now on the rows held out are part of the system; `prepare` must follow. */
  includeHeldOut(): void {
    if (this.#columns === 0) return;
    this.#addGram(1);
    this.#workspace.arena.uint8('cg mask').fill(0);
  }

  /** Factors FᵀF + μI for each regularization. */
  prepare(regularizations: readonly number[]): void {
    this.#shifts = [...regularizations];
    const rank = this.#columns;
    if (rank === 0) return;
    const { arena, threads } = this.#workspace;
    const gram = arena.float64('cg gram');
    let squares = 0;
    for (let i = 0; i < rank; i++) squares += gram[packedLength(i) + i]!;
    this.#shifts = regularizations.map((lambda) => Math.max(lambda + this.#left, SMALLEST_SHIFT * squares));
    const states = arena.float64('cg inverse states');
    for (let pending = this.#shifts.map((_, l) => l); pending.length > 0; ) {
      for (const l of pending) {
        threads.add(
          'factorGram',
          arena.address('cg gram'),
          rank,
          this.#shifts[l]!,
          this.#inverse(l),
          arena.address('cg inverse states') + 8 * l,
        );
      }
      threads.run();
      // A matrix that rounding made indefinite gets a larger shift: a weaker preconditioner, the same solution.
      pending = pending.filter((l) => states[l] !== rank);
      for (const l of pending) this.#shifts[l]! *= 10;
    }
  }

  #inverse(l: number): number {
    return this.#workspace.arena.address('cg inverses') + 8 * packedLength(this.#columns) * l;
  }

  /**
   * z = P⁻¹·r for blocks of vectors [n][width] at addresses, k columns for each regularization given to `prepare`.
   * Rows of z not part of the system hold anything. Products with F are worked out in `precision`.
   */
  apply(r: number, z: number, width: number, k: number, precision: ProductPrecision): void {
    const { arena, threads } = this.#workspace;
    const rank = this.#columns;
    const from = new Float64Array(arena.buffer, r, this.#n * width);
    const to = new Float64Array(arena.buffer, z, this.#n * width);
    to.set(from);
    if (rank === 0) return;
    const reduced = arena.address('cg reduced');
    const rows = new Float64Array(arena.buffer, reduced, rank * width);
    const vectors = new Float64Array(arena.buffer, reduced + 8 * rank * width, rank * width);
    const tile = {
      row: 0,
      column: 0,
      firstRow: 0,
      rows: this.#n,
      firstColumn: 0,
      columns: rank,
      address: this.#factor,
      stride: this.#stride,
      dtype: 'float32',
    } as const;
    rows.fill(0);
    addTimesTransposedTile(threads, tile, r, width, reduced, precision);
    threads.run();
    for (let i = 0; i < rank; i++)
      for (let c = 0; c < width; c++) vectors[c * rank + i] = rows[i * width + c]!;
    const group = Math.max(1, Math.floor((k * this.#shifts.length) / threads.count));
    for (let l = 0; l < this.#shifts.length; l++) {
      for (let c = 0; c < k; c += group) {
        const at = reduced + 8 * rank * (width + l * k + c);
        threads.add('solveFactored', this.#inverse(l), rank, at, Math.min(group, k - c));
      }
    }
    threads.run();
    for (let i = 0; i < rank; i++)
      for (let c = 0; c < width; c++) rows[i * width + c] = -vectors[c * rank + i]!;
    addTimesTile(threads, tile, reduced, width, z, precision);
    threads.run();
    const scales = new Float64Array(width);
    for (const [l, shift] of this.#shifts.entries()) scales.fill(1 / shift, l * k, (l + 1) * k);
    for (let i = 0; i < to.length; i += width) for (let c = 0; c < width; c++) to[i + c]! *= scales[c]!;
  }
}
