import { type KernelProblem, vectorWidth } from './solver.js';

/**
 * The equations (K + λI)A = Y on the rows that are not held out, column by column: what a residual is taken of.
 * Blocks of vectors are [n][width], column l·k + c for regularization l and target column c.
 */
export interface KernelSystem {
  readonly n: number;
  readonly k: number;
  readonly width: number;
  /** λ of each group of k columns. */
  readonly regularizations: readonly number[];
  /** [n][targetWidth]; column 0 of the system is column `firstTarget` there. */
  readonly targets: Float64Array;
  readonly targetWidth: number;
  readonly firstTarget: number;
  readonly heldOut: Uint8Array | undefined;
}

/** The system of all regularizations. */
export function systemOf({ size, options, targets, heldOut }: KernelProblem): KernelSystem {
  const width = vectorWidth(size);
  return {
    n: size.n,
    k: size.k,
    width,
    regularizations: options.reg,
    targets,
    targetWidth: width,
    firstTarget: 0,
    heldOut,
  };
}

/** The system of regularization `l` alone, on all rows, in blocks as narrow as it needs. */
export function refitSystemOf({ size, options, targets }: KernelProblem, l: number): KernelSystem {
  return {
    n: size.n,
    k: size.k,
    width: vectorWidth({ k: size.k, regularizations: 1 }),
    regularizations: [options.reg[l]!],
    targets,
    targetWidth: vectorWidth(size),
    firstTarget: l * size.k,
    heldOut: undefined,
  };
}

/** Columns that hold equations; the one that pads the width to an even number does not. */
export function systemColumns({ k, regularizations }: KernelSystem): number {
  return k * regularizations.length;
}

/** λ of each column of the width; 0 for padding. */
export function columnRegularizations(system: KernelSystem): Float64Array {
  const lambdas = new Float64Array(system.width);
  for (const [l, lambda] of system.regularizations.entries())
    lambdas.fill(lambda, l * system.k, (l + 1) * system.k);
  return lambdas;
}

/** ‖Y‖ of each column over the rows of the system. */
export function targetNorms(system: KernelSystem): Float64Array {
  const columns = systemColumns(system);
  const norms = new Float64Array(system.width);
  for (let i = 0; i < system.n; i++) {
    if (system.heldOut?.[i] === 1) continue;
    const at = i * system.targetWidth + system.firstTarget;
    for (let c = 0; c < columns; c++) norms[c]! += system.targets[at + c]! ** 2;
  }
  return norms.map(Math.sqrt);
}

/**
 * residual = Y − product − λ·coefficients, with product = K·coefficients; 0 on rows held out. `residual` may be
 * `product`. Returns the norm of each column.
 */
export function residualFromProduct(
  system: KernelSystem,
  coefficients: Float64Array,
  product: Float64Array,
  residual: Float64Array,
): Float64Array {
  const { n, width, targets, heldOut } = system;
  const columns = systemColumns(system);
  const lambdas = columnRegularizations(system);
  const norms = new Float64Array(width);
  for (let i = 0; i < n; i++) {
    const row = i * width;
    if (heldOut?.[i] === 1) {
      residual.fill(0, row, row + width);
      continue;
    }
    const target = i * system.targetWidth + system.firstTarget;
    for (let c = 0; c < columns; c++) {
      const at = row + c;
      const value = targets[target + c]! - product[at]! - lambdas[c]! * coefficients[at]!;
      residual[at] = value;
      norms[c]! += value * value;
    }
    if (columns < width) residual[row + columns] = 0;
  }
  return norms.map(Math.sqrt);
}

/** ‖residual‖/‖Y‖ of a column; 0 when both are 0. */
export function relative(norm: number, targetNorm: number): number {
  return norm === 0 ? 0 : norm / targetNorm;
}

/** The largest relative residual over the columns of each regularization. */
export function relativeResiduals(
  { k, regularizations }: KernelSystem,
  norms: Float64Array,
  targets: Float64Array,
): number[] {
  return regularizations.map((_, l) => {
    let largest = 0;
    for (let c = l * k; c < (l + 1) * k; c++) largest = Math.max(largest, relative(norms[c]!, targets[c]!));
    return largest;
  });
}
