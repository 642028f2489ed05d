import type { KernelTrainOptions } from '../../options.js';
import { tileRows } from '../../tiles/kernelMatrix.js';
import type { KernelUse } from '../kernelUse.js';
import { type SolverPlan, type SystemSize, vectorWidth } from '../solver.js';
import { spansOfRow, stripsOfRow } from './rowStrip.js';

/** Rows of the coefficients that one call works on; the number of sums depends on n alone, not on threads. */
export const CHUNK = 1024;
const ALIGNMENT = 64;

/** Streams of the lower triangle in an epoch: each strip reads its tile row and column, the residual all tiles once. */
export function passesOfEpoch(size: Pick<SystemSize, 'n' | 'tileSize'>, stripRows: number): number {
  return 2 * Math.ceil(Math.min(size.n, size.tileSize) / stripRows) + 1;
}

export function planSsgd(size: SystemSize, options: KernelTrainOptions, bytes: number): SolverPlan {
  const { n, tileSize } = size;
  const width = vectorWidth(size);
  const entryBytes = options.dtype === 'float64' ? 8 : 4;
  const fixed = [
    { name: 'ssgd change', bytes: 8 * n * width },
    { name: 'ssgd residual', bytes: 8 * n * width },
    { name: 'ssgd sums', bytes: 8 * Math.ceil(n / CHUNK) * (width + 2) },
    { name: 'ssgd step', bytes: 8 * width },
    { name: 'ssgd order', bytes: 4 * Math.min(n, tileSize) },
  ];
  const left = fixed.reduce((rest, region) => rest - region.bytes - ALIGNMENT, bytes - ALIGNMENT);
  const most = Math.min(n, tileSize);
  const fitting = Math.min(most, Math.max(1, Math.floor(left / (n * entryBytes))));
  const parts = Math.ceil(most / fitting);
  const stripRows = Math.ceil(most / parts);
  return {
    regions: [...fixed, { name: 'ssgd strip', bytes: Math.max(8, stripRows * entryBytes) * n }],
    passes: options.epochs * passesOfEpoch(size, stripRows),
    scratchBytes: 0,
    use: (kernel) => useOfSsgd(kernel, size, stripRows, options.epochs),
    flops: 6 * options.epochs * n * n * width,
    notes: [
      `strips of ${stripRows} rows, shuffled; gradient descent on the squared error of the equations takes the square of ` +
        'the condition number in epochs: cg is the solver to use',
      ...(parts > 1 ? [`each tile row is read ${parts} times an epoch; a larger --buffer saves that`] : []),
    ],
  };
}

/** What the strips of an epoch, in any order, and its residual ask of the kernel, which is stored: the order does not count. */
function useOfSsgd(
  kernel: KernelUse,
  { n, tileSize }: Pick<SystemSize, 'n' | 'tileSize'>,
  stripRows: number,
  epochs: number,
): void {
  const rows = tileRows(n, tileSize);
  kernel.tiles([kernel.triangle], epochs);
  for (let row = 0; row < rows; row++)
    kernel.tiles([{ spans: spansOfRow(row, rows) }], epochs * stripsOfRow(n, tileSize, stripRows, row));
}
