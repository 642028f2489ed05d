import type { Kernels } from '../../arithmetic/kernels.js';
import { alignUp } from '../../memory/plan.js';
import { customBlock } from './customKernel.js';
import type { EvaluationPlan, LeafKernel, Measure } from './evaluationPlan.js';
import type { BlockPair, PackedRows } from './packedRows.js';
import { SparsePackedRows } from './sparsePackedRows.js';

/** Writes the kernel's values, or a measure of its rows, to a plane. */
export type MeasurePass = (pair: BlockPair, plane: number, spare: number) => void;
/** Turns a plane of a measure into one of kernel values; both may be the same plane. */
export type FunctionPass = (pair: BlockPair, source: number, target: number) => void;

/** What passes are made of. */
export interface PassParts {
  readonly kernels: Kernels;
  readonly buffer: SharedArrayBuffer;
  readonly plan: EvaluationPlan;
  readonly rowsOf: (measure: Measure) => PackedRows | SparsePackedRows;
  /** Factor of the integers of stored bytes. */
  readonly byteFactor: number;
  /** Rows and columns of the largest plane. */
  readonly planeRows: number;
  readonly planeColumns: number;
}

/** Numbers of a plane that passes work on. */
export function planeCount(pair: BlockPair): number {
  return alignUp(pair.rows, 4) * pair.stride;
}

/** The pass that measures all pairs of rows: x·y, ‖x−y‖², ‖x−y‖₁ or chi2, in units of stored bytes where they are exact. */
export function measurePass(measure: Exclude<Measure, 'custom'>, parts: PassParts): MeasurePass {
  const { kernels, plan } = parts;
  const rows = parts.rowsOf(measure);
  const single = plan.work === 'float32';
  if (rows instanceof SparsePackedRows) return sparsePass(measure, rows, parts);
  if (measure === 'l1' || measure === 'chi2') {
    const sums = {
      l1: single ? kernels.absoluteDistances32 : kernels.absoluteDistances64,
      chi2: single ? kernels.chiSquares32 : kernels.chiSquares64,
    }[measure];
    return (pair, plane) => {
      const [a, b] = [
        rows.row(pair.a, pair.aCapacity, pair.aFrom),
        rows.row(pair.b, pair.bCapacity, pair.bFrom),
      ];
      sums(a, pair.rows, b, pair.columns, rows.rowStride, plane, pair.stride);
    };
  }
  const exact = rows.packing.form === 'bytes';
  if (measure === 'product') {
    const convert = single ? kernels.convertProducts32 : kernels.convertProducts64;
    return (pair, plane, spare) => {
      rows.products(pair, plane, spare);
      if (exact) convert(plane, planeCount(pair));
    };
  }
  const byteDistances = single ? kernels.byteDistances32 : kernels.byteDistances64;
  const floatDistances = single ? kernels.floatDistances32 : kernels.floatDistances64;
  return (pair, plane, spare) => {
    rows.products(pair, plane, spare);
    const { a, aCapacity, aFrom, b, bCapacity, bFrom, stride } = pair;
    const padded = alignUp(pair.rows, 4);
    if (exact) {
      const left = rows.integerNorms(a, aCapacity, aFrom);
      byteDistances(plane, left, rows.integerNorms(b, bCapacity, bFrom), padded, stride);
    } else {
      const left = rows.norms(a, aCapacity, aFrom);
      floatDistances(plane, left, rows.norms(b, bCapacity, bFrom), padded, stride);
    }
  };
}

/** The same of sparse rows: distances are what both rows have by themselves less twice what they have in common. */
function sparsePass(
  measure: Exclude<Measure, 'custom'>,
  rows: SparsePackedRows,
  { kernels, plan }: PassParts,
): MeasurePass {
  if (measure === 'product') return (pair, plane) => rows.sums(pair, plane);
  const distances = plan.work === 'float32' ? kernels.floatDistances32 : kernels.floatDistances64;
  return (pair, plane) => {
    rows.sums(pair, plane);
    const left = rows.norms(pair.a, pair.aCapacity, pair.aFrom);
    const right = rows.norms(pair.b, pair.bCapacity, pair.bFrom);
    distances(plane, left, right, alignUp(pair.rows, 4), pair.stride);
  };
}

/** The pass that applies a kernel function to its measure. */
export function functionPass(
  kernel: Exclude<LeafKernel, { readonly kind: 'custom' }>,
  measure: Measure,
  parts: PassParts,
): FunctionPass {
  const { kernels, plan } = parts;
  const single = plan.work === 'float32';
  const rows = parts.rowsOf(measure);
  /** Measured units of one unit of the scaled features. */
  const unit = rows.packing.form === 'bytes' || rows.packing.raw === true ? parts.byteFactor : 1;
  /** Keeps a factor a finite number of the work type: times a distance of 0 it has to be 0. */
  const finite = (factor: number) => Math.min(factor, single ? 1e37 : 1e300);
  const exponentials = single ? kernels.exponentials32 : kernels.exponentials64;
  const exponential =
    (rate: number): FunctionPass =>
    (pair, source, target) =>
      exponentials(source, target, planeCount(pair), -finite(rate));
  const materns = single ? kernels.materns32 : kernels.materns64;
  const matern = (nu: 0.5 | 1.5 | 2.5, lengthscale: number): FunctionPass => {
    const scale = finite((Math.sqrt(2 * nu) * Math.abs(unit)) / lengthscale);
    return (pair, source, target) => materns(source, target, planeCount(pair), scale, nu - 0.5);
  };
  const withNorms =
    (
      apply: (source: number, target: number, a: number, b: number, rows: number, stride: number) => void,
    ): FunctionPass =>
    (pair, source, target) => {
      const left = rows.norms(pair.a, pair.aCapacity, pair.aFrom);
      const right = rows.norms(pair.b, pair.bCapacity, pair.bFrom);
      apply(source, target, left, right, alignUp(pair.rows, 4), pair.stride);
    };
  switch (kernel.kind) {
    case 'rbf':
      return exponential((unit / kernel.lengthscale) ** 2 / 2);
    case 'laplacian_l1':
    case 'chi2':
      return exponential(kernel.gamma);
    case 'laplacian':
      return matern(0.5, kernel.lengthscale);
    case 'matern':
      return matern(kernel.nu, kernel.lengthscale);
    case 'polynomial': {
      const powers = single ? kernels.powers32 : kernels.powers64;
      const { gamma, coef0, degree } = kernel;
      return (pair, source, target) =>
        powers(source, target, planeCount(pair), gamma * unit ** 2, coef0, degree);
    }
    case 'linear': {
      const scale = single ? kernels.scalePlane32 : kernels.scalePlane64;
      return (pair, source, target) => scale(source, target, planeCount(pair), unit ** 2);
    }
    case 'sigmoid': {
      const tangents = single ? kernels.tangents32 : kernels.tangents64;
      const scale = finite(kernel.gamma * unit ** 2);
      const { coef0 } = kernel;
      return (pair, source, target) => tangents(source, target, planeCount(pair), scale, coef0);
    }
    case 'cosine':
      return withNorms(single ? kernels.cosines32 : kernels.cosines64);
    case 'arc_cosine':
    case 'ntk': {
      const tangent = kernel.kind === 'ntk' ? 1 : 0;
      return withNorms((source, target, left, right, count, stride) =>
        kernels.arcCosines64(source, target, left, right, count, stride, unit ** 2, kernel.depth, tangent),
      );
    }
  }
}

/** The pass that calls a custom function, with rows and target of its own. */
export function customPass(name: string, parts: PassParts): MeasurePass {
  const block = customBlock(name);
  const { buffer, plan, planeRows, planeColumns } = parts;
  // Of dense rows only: see `planEvaluation`.
  const rows = parts.rowsOf('custom') as PackedRows;
  const values = new Float64Array(planeRows * planeColumns);
  const planes = plan.work === 'float32' ? new Float32Array(buffer) : new Float64Array(buffer);
  return (pair, plane) => {
    const d = rows.rowStride;
    const x = new Float64Array(buffer, rows.row(pair.a, pair.aCapacity, pair.aFrom), pair.rows * d);
    const y = new Float64Array(buffer, rows.row(pair.b, pair.bCapacity, pair.bFrom), pair.columns * d);
    block(x, y, pair.rows, pair.columns, d, values);
    const first = plane / planes.BYTES_PER_ELEMENT;
    for (let r = 0; r < pair.rows; r++) {
      for (let c = 0; c < pair.columns; c++)
        planes[first + r * pair.stride + c] = values[r * pair.columns + c]!;
    }
  };
}
