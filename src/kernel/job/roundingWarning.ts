import type { KernelMatrix } from '../tiles/kernelMatrix.js';

/** Relative rounding of entries, half a unit in the last place. */
const entryRounding = { float16: 2 ** -12, float32: 2 ** -25 } as const;
/** Root mean square of the entries of typical kernels beside the largest on the diagonal. */
const TYPICAL_ENTRY = 0.25;
/** Beyond this share of λ rounding shows in the solution. */
const NOTICEABLE = 0.1;

/**
 * What to tell when rounding of the entries shows beside λ; undefined when it does not. Rounded entries are those of
 * another kernel: the difference is like noise of spectral norm 2·√n·rms(K)·rounding/√3 ≈ √n·rms(K)·rounding, and harmless
 * only while λ is far above. `space` has room for n numbers.
 */
export async function roundingWarning(
  matrix: KernelMatrix,
  regularizations: readonly number[],
  space: Float64Array,
): Promise<string | undefined> {
  const { n, dtype } = matrix;
  if (dtype === 'float64') return undefined;
  const diagonal = space.subarray(0, n);
  await matrix.diagonal(diagonal);
  const largest = diagonal.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const noise = Math.sqrt(n) * TYPICAL_ENTRY * largest * entryRounding[dtype];
  const lambda = Math.min(...regularizations);
  if (noise <= NOTICEABLE * lambda) return undefined;
  const better = dtype === 'float16' ? 'float32' : 'float64';
  return (
    `rounding of the kernel's ${dtype} entries is like noise of about ${noise.toPrecision(1)} beside a regularization of ` +
    `${lambda}: the solution is that of the rounded kernel; --dtype=${better} keeps it smaller`
  );
}
