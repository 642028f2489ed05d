import { dtypeBytes } from '../../arithmetic/dtype.js';
import type { WorkType } from '../../arithmetic/epilogue.js';
import type { SparseSum } from '../../arithmetic/sparseProducts.js';
import { MlmlError } from '../../errors.js';
import type { RowGeometry } from './blockEvaluator.js';
import type { KernelFunction, TileDtype } from './kernelFunction.js';
import { kernelName } from './kernelName.js';

/** What a kernel function is a function of. */
export type Measure = 'distance' | 'product' | 'l1' | 'chi2' | 'custom';
/** A kernel that is no combination of others and compares rows. */
export type LeafKernel = Exclude<
  KernelFunction,
  { readonly kind: 'sum' | 'product' | 'scale' | 'precomputed' }
>;

/**
 * One packing of the rows of a block.
 * bytes: as stored, for exact integer products. products: scaled rows, in panels for products.
 * rows: scaled rows, one after another, with zeros up to whole vectors, for sums over pairs of features.
 * bare: the same without zeros behind. sparse: the nonzeros of rows in slots.
 */
export interface Packing {
  readonly form: 'bytes' | 'products' | 'rows' | 'bare' | 'sparse';
  readonly element: WorkType;
  /** Less the mean of the features. */
  readonly centred: boolean;
  /** Features below 0 count as 0. */
  readonly positive: boolean;
  /** Of sparse rows: what is summed over the features of two of them. */
  readonly sum?: SparseSum;
  /** … of rows less their mean, by what each adds to the sum. */
  readonly shifted?: boolean;
  /** … of bytes as they are stored: sums are exact, and their one factor comes later. */
  readonly raw?: boolean;
}

/** How a kernel is evaluated: the number type of its planes, and how each measure's rows are packed. */
export interface EvaluationPlan {
  readonly work: WorkType;
  readonly packings: readonly Packing[];
  readonly packingOf: ReadonlyMap<Measure, Packing>;
}

/** Beyond it, integer squared distances of bytes would not be below 2^31. */
const MOST_BYTE_FEATURES = Math.floor((2 ** 31 - 1) / 255 ** 2);
const MOST_FLOAT_INTEGER = 2 ** 24;
/** Features are kept within these bounds, so that squared distances are finite. */
export const largestFeature: Readonly<Record<WorkType, number>> = { float32: 1e15, float64: 1e140 };
const largestEntry: Readonly<Record<TileDtype, number>> = {
  float16: 65504,
  float32: 2 ** 127,
  float64: 1e300,
};

/** All leaves, from left to right. */
export function leavesOf(kernel: KernelFunction): LeafKernel[] {
  switch (kernel.kind) {
    case 'sum':
      return kernel.terms.flatMap(leavesOf);
    case 'product':
      return kernel.factors.flatMap(leavesOf);
    case 'scale':
      return leavesOf(kernel.of);
    case 'precomputed':
      throw new MlmlError(
        'MLML_USAGE',
        '--kernel=precomputed: there are no rows to compare; choose a kernel function',
      );
    default:
      return [kernel];
  }
}

export function measureOf(kernel: LeafKernel): Measure {
  switch (kernel.kind) {
    case 'rbf':
    case 'laplacian':
    case 'matern':
      return 'distance';
    case 'laplacian_l1':
      return 'l1';
    case 'chi2':
      return 'chi2';
    case 'custom':
      return 'custom';
    default:
      return 'product';
  }
}

/**
 * Plans the evaluation of a kernel on rows; `MLML_USAGE` when it has no evaluator or its entries do not fit the dtype,
 * `MLML_BAD_DATA` when the norms of the rows are beyond all reason.
 *
 * Products are exact integers where the stored rows are bytes that one common factor scales (for kernels of products:
 * that nothing is added to). Otherwise rows become floats, or doubles when `needsDoubles`.
 */
export function planEvaluation(
  kernel: KernelFunction,
  geometry: RowGeometry,
  dtype: TileDtype,
): EvaluationPlan {
  const leaves = leavesOf(kernel);
  if (geometry.layout.longest !== undefined && leaves.some(({ kind }) => kind === 'custom')) {
    throw new MlmlError(
      'MLML_USAGE',
      `kernel ${kernelName(kernel)}: a custom function is given whole rows, these are sparse; import the rows with --dense`,
    );
  }
  const norm = Math.max(geometry.maxNorm, geometry.maxCentredNorm);
  if (!(norm <= largestFeature.float64)) {
    throw new MlmlError(
      'MLML_BAD_DATA',
      `scaled rows have norms up to ${norm}, beyond ${largestFeature.float64}: their distances are no numbers; use --scale=standard`,
    );
  }
  const bound = largestValue(kernel, geometry);
  if (!(bound <= largestEntry[dtype])) {
    throw new MlmlError(
      'MLML_USAGE',
      `kernel ${kernelName(kernel)}: entries may reach ${bound.toPrecision(3)}, more than ${dtype} holds ` +
        `(${largestEntry[dtype].toPrecision(3)}); use a wider --dtype, a smaller --gamma or another --scale`,
    );
  }
  const doubles = dtype === 'float64' || leaves.some((leaf) => needsDoubles(leaf, geometry, dtype));
  const work = doubles || bound > largestEntry.float32 ? 'float64' : 'float32';
  const packings: Packing[] = [];
  const packingOf = new Map<Measure, Packing>();
  for (const measure of leaves.map(measureOf)) {
    const wanted = packingFor(measure, geometry, work);
    const same = packings.find((packing) => samePacking(packing, wanted));
    if (same === undefined) packings.push(wanted);
    packingOf.set(measure, same ?? wanted);
  }
  return { work, packings, packingOf };
}

function samePacking(a: Packing, b: Packing): boolean {
  return (
    a.form === b.form &&
    a.element === b.element &&
    a.centred === b.centred &&
    a.positive === b.positive &&
    a.sum === b.sum &&
    a.shifted === b.shifted &&
    a.raw === b.raw
  );
}

function packingFor(measure: Measure, geometry: RowGeometry, work: WorkType): Packing {
  const plain = { element: work, centred: false, positive: false } as const;
  if (geometry.layout.longest !== undefined) return sparsePacking(measure, geometry, work);
  if (exactProducts(measure, geometry)) return { ...plain, form: 'bytes' };
  switch (measure) {
    case 'distance':
      return { ...plain, form: 'products', centred: true };
    case 'product':
      return { ...plain, form: 'products' };
    case 'l1':
      return { ...plain, form: 'rows', centred: true };
    case 'chi2':
      return { ...plain, form: 'rows', positive: true };
    case 'custom':
      return { ...plain, form: 'bare', element: 'float64' };
  }
}

/** Distances need no centring: what is added to all rows drops out of them. */
function sparsePacking(measure: Measure, geometry: RowGeometry, work: WorkType): Packing {
  const packing = { form: 'sparse', element: work, centred: false, positive: measure === 'chi2' } as const;
  switch (measure) {
    case 'l1':
      return { ...packing, sum: 'smaller' };
    case 'chi2':
      return { ...packing, sum: 'harmonic' };
    default: {
      if (exactProducts(measure, geometry)) return { ...packing, sum: 'product', raw: true };
      const shifted = measure === 'product' && isShifted(geometry);
      return { ...packing, sum: 'product', shifted };
    }
  }
}

/** What planning asks of all features, once for each geometry: plans are made for many budgets, and there may be very many features. */
interface ScalingTraits {
  /** One factor scales all features. */
  readonly alike: boolean;
  /** Something is added to a feature. */
  readonly adds: boolean;
}

const traits = new WeakMap<RowGeometry, ScalingTraits>();

function traitsOf(geometry: RowGeometry): ScalingTraits {
  const known = traits.get(geometry);
  if (known !== undefined) return known;
  const { multiply, add, unscaled = false } = geometry;
  const found = {
    alike: unscaled || multiply.every((factor) => factor === multiply[0]),
    adds: !unscaled && add.some((term) => term !== 0),
  };
  traits.set(geometry, found);
  return found;
}

function isShifted(geometry: RowGeometry): boolean {
  return geometry.layout.longest !== undefined && traitsOf(geometry).adds;
}

function exactProducts(measure: Measure, geometry: RowGeometry): boolean {
  const { layout, multiply, maxCentredNorm } = geometry;
  if (measure !== 'distance' && measure !== 'product') return false;
  if (dtypeBytes[layout.dtype] !== 1) return false;
  if (layout.longest === undefined && layout.d > MOST_BYTE_FEATURES) return false;
  // Sums of sparse rows are made of floats, which hold integers up to here.
  if (layout.longest !== undefined && !((maxCentredNorm / multiply[0]!) ** 2 < MOST_FLOAT_INTEGER))
    return false;
  if (multiply[0] === 0 || !traitsOf(geometry).alike) return false;
  // What is added to both rows drops out of their distance.
  return measure === 'distance' || !traitsOf(geometry).adds;
}

/** Rows this short have products near the smallest floats. */
const SMALLEST_NORM = 2 ** -40;

/** Largest error of an entry through float32 rows that is let pass. */
const visible = { float16: 2 ** -13, float32: 2 ** -18 } as const;

/**
 * Whether the roundings of float32 products would show in tiles of the dtype. Two centred rows of norm R have a squared
 * distance that is off by about 2·2^−24·R²; the kernel's slope makes that an error of its entries:
 *
 *   rbf          R²/(2ℓ²)·2^−23             matern 3/2, 5/2   3R²/(2ℓ²)·2^−23, 5R²/(6ℓ²)·2^−23
 *   laplacian, matern ½   R/ℓ·√(2^−23), at the smallest distances, where the root is steepest
 *   sigmoid      γR²·2^−24, R the norm without centring
 *   laplacian_l1, chi2    γ·√d·R·2^−23
 *
 * Rows beyond the range in which float32 products keep their digits count too. Integer products have none of it. The tangent kernel's slope has no bound at equal rows: always in doubles.
 */
function needsDoubles(kernel: LeafKernel, geometry: RowGeometry, dtype: TileDtype): boolean {
  if (dtype === 'float64' || kernel.kind === 'arc_cosine' || kernel.kind === 'ntk') return true;
  if (exactProducts(measureOf(kernel), geometry)) return false;
  // Subtracting what the mean adds leaves little of a float.
  if (measureOf(kernel) === 'product' && isShifted(geometry)) return true;
  const { maxNorm, maxCentredNorm: radius, layout } = geometry;
  if (Math.max(maxNorm, radius) > largestFeature.float32 || Math.min(maxNorm, radius) < SMALLEST_NORM)
    return true;
  const unit = 2 ** -23;
  const terms = layout.longest === undefined ? layout.d : 4 * layout.longest;
  const error = () => {
    switch (kernel.kind) {
      case 'rbf':
        return (unit * radius ** 2) / (2 * kernel.lengthscale ** 2);
      case 'laplacian':
        return (Math.sqrt(unit) * radius) / kernel.lengthscale;
      case 'matern': {
        const ratio = radius / kernel.lengthscale;
        return kernel.nu === 0.5
          ? Math.sqrt(unit) * ratio
          : (kernel.nu === 1.5 ? 3 / 2 : 5 / 6) * unit * ratio ** 2;
      }
      case 'sigmoid':
        return (unit / 2) * kernel.gamma * maxNorm ** 2;
      case 'laplacian_l1':
        return unit * kernel.gamma * Math.sqrt(terms) * radius;
      case 'chi2':
        return unit * kernel.gamma * Math.sqrt(terms) * maxNorm;
      default:
        return 0;
    }
  };
  return error() > visible[dtype];
}

/** Bound on |k(x, y)| over the training rows; a custom function counts as 0. */
function largestValue(kernel: KernelFunction, geometry: RowGeometry): number {
  const square = geometry.maxNorm ** 2;
  switch (kernel.kind) {
    case 'linear':
    case 'arc_cosine':
      return square;
    case 'ntk':
      return (kernel.depth + 1) * square;
    case 'polynomial':
      return (kernel.gamma * square + Math.abs(kernel.coef0)) ** kernel.degree;
    case 'sum':
      return kernel.terms.reduce((sum, term) => sum + largestValue(term, geometry), 0);
    case 'product':
      return kernel.factors.reduce((product, factor) => product * largestValue(factor, geometry), 1);
    case 'scale':
      return kernel.factor * largestValue(kernel.of, geometry);
    case 'custom':
    case 'precomputed':
      return 0;
    default:
      return 1;
  }
}
