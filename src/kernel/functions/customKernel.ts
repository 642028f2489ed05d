import { MlmlError } from '../../errors.js';
import type { KernelFunction } from './kernelFunction.js';

/**
 * Writes k(x_r, y_c) to target[r·columns + c]. `x` holds `rows` scaled rows of d features, `y` holds `columns` of them,
 * both row by row. It must be symmetric, k(x, y) = k(y, x) to the last bit, and must not keep the arrays: they are reused.
 */
export type CustomBlock = (
  x: Float64Array,
  y: Float64Array,
  rows: number,
  columns: number,
  d: number,
  target: Float64Array,
) => void;

const registered = new Map<string, CustomBlock>();

/**
 * Registers a kernel function under a name and returns it as a kernel. It is known in this process only and evaluated
 * on its main thread.
 *
 * @example
 * customKernel('product_plus_one', (x, y, rows, columns, d, target) => {
 *   for (let r = 0; r < rows; r++)
 *     for (let c = 0; c < columns; c++) {
 *       let sum = 1;
 *       for (let j = 0; j < d; j++) sum += x[r * d + j]! * y[c * d + j]!;
 *       target[r * columns + c] = sum;
 *     }
 * });
 */
export function customKernel(name: string, block: CustomBlock): KernelFunction {
  if (!/^[A-Za-z0-9_.-]+$/.test(name))
    throw new MlmlError(
      'MLML_USAGE',
      `custom kernel '${name}': a name has letters, digits, '_', '.' and '-'`,
    );
  registered.set(name, block);
  return { kind: 'custom', name };
}

/** The function registered under this name; `MLML_USAGE` when this process has none. */
export function customBlock(name: string): CustomBlock {
  const block = registered.get(name);
  if (block !== undefined) return block;
  throw new MlmlError(
    'MLML_USAGE',
    `kernel custom:${name} is not known in this process; register it with customKernel('${name}', …) first`,
  );
}

/** Whether a custom function takes part in the kernel: it can then be evaluated by the main thread only. */
export function isCustom(kernel: KernelFunction): boolean {
  if (kernel.kind === 'sum') return kernel.terms.some(isCustom);
  if (kernel.kind === 'product') return kernel.factors.some(isCustom);
  if (kernel.kind === 'scale') return isCustom(kernel.of);
  return kernel.kind === 'custom';
}
