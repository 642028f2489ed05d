import { packedLength } from '../../../arithmetic/gram.js';
import { SOLVE_COLUMNS } from '../../../arithmetic/packedFactor.js';
import type { Threads } from '../../../threads/threads.js';

/** Columns factorised at a time. Even. */
const PANEL = 64;
/** Rows of one call. */
const STRIP = 64;

/**
 * Cholesky factorisation A = LLᵀ in place of a packed lower triangle of d rows, by all threads: for one panel of columns
 * after the other, subtract what the columns before contribute, factorise the triangle on the diagonal, solve the rows
 * below against it. Returns d, or the first row whose pivot is not above `tolerance` times its diagonal element: A is
 * then not positive definite. d³/3 flops.
 */
export function factorisePacked(
  threads: Threads,
  buffer: SharedArrayBuffer,
  a: number,
  d: number,
  tolerance: number,
): number {
  const matrix = new Float64Array(buffer, a, packedLength(d));
  const least = new Float64Array(PANEL);
  for (let top = 0; top < d; top += PANEL) {
    const end = Math.min(d, top + PANEL);
    for (let i = top; i < end; i++) least[i - top] = tolerance * matrix[packedLength(i) + i]!;
    for (let i = top; i < end; i += PANEL / 4)
      threads.add('eliminateRows', a, i, Math.min(end, i + PANEL / 4), top, end);
    threads.run();
    for (let i = top; i < end; i++) {
      const row = packedLength(i);
      for (let j = top; j <= i; j++) {
        const other = packedLength(j);
        let value = matrix[row + j]!;
        for (let m = top; m < j; m++) value -= matrix[row + m]! * matrix[other + m]!;
        if (j < i) matrix[row + j] = value / matrix[other + j]!;
        else if (value > least[i - top]!) matrix[row + i] = Math.sqrt(value);
        else return i;
      }
    }
    for (let i = end; i < d; i += STRIP) threads.add('finishRows', a, i, Math.min(d, i + STRIP), top, end);
    threads.run();
  }
  return d;
}

/** A block of vectors: element (i, c) at address + 8·(i·width + c). `columns` and `width` are even. */
export interface VectorBlock {
  readonly address: number;
  readonly width: number;
  readonly columns: number;
}

function solve(task: string, threads: Threads, factor: number, d: number, x: VectorBlock): void {
  if (d === 0) return;
  for (let c = 0; c < x.columns; c += SOLVE_COLUMNS)
    threads.add(task, factor, d, x.address + 8 * c, x.width, Math.min(SOLVE_COLUMNS, x.columns - c));
  threads.run();
}

/** x := L⁻¹x for the leading d rows of a packed factor. */
export function solveLower(threads: Threads, factor: number, d: number, x: VectorBlock): void {
  solve('lowerSolve', threads, factor, d, x);
}

/** x := L⁻ᵀx for the leading d rows. */
export function solveLowerTransposed(threads: Threads, factor: number, d: number, x: VectorBlock): void {
  solve('lowerTransposedSolve', threads, factor, d, x);
}

/** target := L·x, where x has d rows and L `rows` ≥ d (columns behind d are left out). Same width for both. */
export function multiplyLower(
  threads: Threads,
  factor: number,
  d: number,
  rows: number,
  x: VectorBlock,
  target: number,
): void {
  for (let i = 0; i < rows; i += STRIP)
    threads.add(
      'lowerProduct',
      factor,
      d,
      i,
      Math.min(rows, i + STRIP),
      x.address,
      x.width,
      x.columns,
      target,
    );
  threads.run();
}
