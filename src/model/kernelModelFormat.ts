import { type Dtype, dtypeBytes } from '../arithmetic/dtype.js';
import { sparseDtypes } from '../data/sparse/sparseRecord.js';
import { checkKernel } from '../kernel/functions/checkKernel.js';
import type { KernelFunction } from '../kernel/functions/kernelFunction.js';
import type { BadField, CommonDescription } from './modelFormat.js';

/**
 * The rows of a kernel model: the first n training rows of the data set folder at `path`, or `selected` ones of them, or
 * all rows of the file `path` in the model folder.
 */
export interface RowsDescription {
  readonly kind: 'dataset' | 'file';
  readonly path: string;
  readonly selected: boolean;
  /** Of a file. */
  readonly sha256?: string;
}

/**
 * Weights: n·k coefficients, then d factors, d addends and d means of the scaled features, then, for selected rows,
 * their n row numbers.
 */
export interface KernelModelDescription extends CommonDescription {
  readonly kind: 'kernel';
  readonly kernel: KernelFunction;
  readonly n: number;
  readonly regularization: number;
  readonly dtype: Dtype;
  readonly labelDtype: Dtype;
  /** Bounds on the norms of scaled rows: as they are, and less their mean. */
  readonly maxNorm: number;
  readonly maxCentredNorm: number;
  /** Of sparse rows: the most nonzeros a slot of them has room for. */
  readonly longest?: number;
  readonly rows: RowsDescription;
}

/** Bytes of the weights file of a kernel model. */
export function kernelWeightBytes(n: number, d: number, k: number, selected: boolean): number {
  return 8 * (n * k + 3 * d + (selected ? n : 0));
}

/** Checks the fields only kernel models have; returns the bytes the weights must have. */
export function checkKernelFields(given: Record<string, unknown>, path: string, bad: BadField): number {
  checkKernel(given['kernel'], path);
  if (!Number.isSafeInteger(given['n']) || (given['n'] as number) < 1)
    bad('n', given['n'], 'a positive integer');
  for (const field of ['regularization', 'maxNorm', 'maxCentredNorm']) {
    const number = given[field];
    if (typeof number !== 'number' || !(number >= 0)) bad(field, number, 'a number that is not negative');
  }
  for (const field of ['dtype', 'labelDtype']) {
    if (!Object.hasOwn(dtypeBytes, String(given[field])))
      bad(field, given[field], `one of ${Object.keys(dtypeBytes).join(', ')}`);
  }
  const { longest } = given;
  if (longest !== undefined) {
    if (
      !Number.isSafeInteger(longest) ||
      !((longest as number) >= 1 && (longest as number) <= (given['d'] as number))
    )
      bad('longest', longest, 'a positive integer, at most d');
    if (!(sparseDtypes as readonly unknown[]).includes(given['dtype']))
      bad('dtype', given['dtype'], `one of ${sparseDtypes.join(', ')}, for sparse rows`);
    if (given['labelDtype'] !== 'float64') bad('labelDtype', given['labelDtype'], 'float64, for sparse rows');
  }
  const rows = (given['rows'] ?? {}) as Partial<RowsDescription>;
  if (rows.kind !== 'dataset' && rows.kind !== 'file') bad('rows.kind', rows.kind, '"dataset" or "file"');
  if (typeof rows.path !== 'string' || rows.path === '' || rows.path.length > 4096)
    bad('rows.path', rows.path, 'a path');
  if (typeof rows.selected !== 'boolean') bad('rows.selected', rows.selected, 'true or false');
  if (rows.kind === 'file') {
    if (/[\\/]|^\.\.?$/.test(rows.path!) || rows.path!.length > 255)
      bad('rows.path', rows.path, 'a file name without folders');
    if (rows.selected) bad('rows.selected', rows.selected, 'false');
    if (!/^[0-9a-f]{64}$/.test(String(rows.sha256))) bad('rows.sha256', rows.sha256, '64 hexadecimal digits');
  }
  return kernelWeightBytes(
    given['n'] as number,
    given['d'] as number,
    given['k'] as number,
    rows.selected === true,
  );
}
