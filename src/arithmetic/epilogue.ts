import { numberToHalf } from './dtype.js';

/** Number type of the planes that kernel values are worked out in. */
export type WorkType = 'float32' | 'float64';

type Suffix = '32' | '64';
type Both<Name extends string, F> = Record<`${Name}${Suffix}`, F>;
type PlaneFunction<Parameters extends number[]> = (
  source: number,
  target: number,
  count: number,
  ...parameters: Parameters
) => void;
type NormFunction<Parameters extends number[]> = (
  source: number,
  target: number,
  aNorms: number,
  bNorms: number,
  rows: number,
  stride: number,
  ...parameters: Parameters
) => void;
type Distances = (plane: number, aNorms: number, bNorms: number, rows: number, stride: number) => void;
type DirectSums = (
  a: number,
  rows: number,
  b: number,
  columns: number,
  d: number,
  target: number,
  stride: number,
) => void;
type Store = (
  source: number,
  stride: number,
  rows: number,
  columns: number,
  target: number,
  targetStride: number,
) => void;

/**
 * From products of rows to entries of a kernel matrix, on planes: rows × stride numbers of a work type (suffix 32 or
 * 64), stride a multiple of 8. Formulas: assembly/epilogueProducts.ts, epilogueFunctions.ts, epilogueDirect.ts,
 * epilogueStore.ts.
 */
export type EpilogueKernels = Both<'byteDistances' | 'floatDistances', Distances> &
  Both<'convertProducts', (plane: number, count: number) => void> &
  Both<'absoluteDistances' | 'chiSquares', DirectSums> &
  Both<'clamp', (address: number, count: number, low: number, high: number) => void> &
  Both<'exponentials' | 'scalePlane', PlaneFunction<[scale: number]>> &
  Both<'materns', PlaneFunction<[scale: number, order: number]>> &
  Both<'powers', PlaneFunction<[scale: number, offset: number, degree: number]>> &
  Both<'tangents', PlaneFunction<[scale: number, offset: number]>> &
  Both<'addPlane' | 'multiplyPlane', PlaneFunction<[]>> &
  Both<'cosines', NormFunction<[]>> & {
    arcCosines64: NormFunction<[scale: number, depth: number, tangent: number]>;
  } & Record<'store16From32' | 'store16From64' | 'store32From32' | 'store32From64' | 'store64From64', Store>;

const LARGEST_FLOAT = 2 ** 128 - 2 ** 104;

/** tanh and the rest are those of the language; rounded once to the work type when they are stored. */
export function plainEpilogue(buffer: SharedArrayBuffer): EpilogueKernels {
  return { ...plainOf(buffer, 'float32', '32'), ...plainOf(buffer, 'float64', '64') } as EpilogueKernels;
}

/** The kernels of one work type, under their names with its suffix. */
function plainOf(buffer: SharedArrayBuffer, work: WorkType, suffix: Suffix): Record<string, unknown> {
  const numbers = work === 'float32' ? new Float32Array(buffer) : new Float64Array(buffer);
  const integers = new Int32Array(buffer);
  const [halves, floats, doubles] = [
    new Uint16Array(buffer),
    new Float32Array(buffer),
    new Float64Array(buffer),
  ];
  const size = numbers.BYTES_PER_ELEMENT;
  const rounded = work === 'float32' ? Math.fround : (x: number) => x;

  const each =
    <P extends number[]>(f: (x: number, parameters: P, before: number) => number): PlaneFunction<P> =>
    (source, target, count, ...parameters) => {
      for (let i = 0; i < count; i++) {
        const place = target / size + i;
        numbers[place] = f(numbers[source / size + i]!, parameters, numbers[place]!);
      }
    };
  const withNorms =
    <P extends number[]>(
      f: (x: number, left: number, right: number, parameters: P) => number,
    ): NormFunction<P> =>
    (source, target, aNorms, bNorms, rows, stride, ...parameters) => {
      for (let i = 0; i < rows * stride; i++) {
        const left = numbers[aNorms / size + Math.floor(i / stride)]!;
        const right = numbers[bNorms / size + (i % stride)]!;
        numbers[target / size + i] = f(numbers[source / size + i]!, left, right, parameters);
      }
    };
  /** Where the integer products of a plane lie: for doubles in its second half. */
  const productsOf = (plane: number, count: number) => (plane + (size - 4) * count) / 4;
  const floatDistances = withNorms<[]>((product, left, right) =>
    Math.max(0, rounded(rounded(left + right) - 2 * product)),
  );
  const direct =
    (term: (x: number, y: number) => number): DirectSums =>
    (a, rows, b, columns, d, target, stride) => {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          let sum = 0;
          for (let j = 0; j < d; j++) {
            sum += term(numbers[a / size + r * d + j]!, numbers[b / size + c * d + j]!);
          }
          numbers[target / size + r * stride + c] = sum;
        }
      }
    };
  const store =
    (view: Uint16Array | Float32Array | Float64Array, entry: (x: number) => number): Store =>
    (source, stride, rows, columns, target, targetStride) => {
      for (let r = 0; r < rows; r++) {
        const place = target / view.BYTES_PER_ELEMENT + r * targetStride;
        for (let c = 0; c < columns; c++) view[place + c] = entry(numbers[source / size + r * stride + c]!);
      }
    };
  const between = (x: number, largest: number) => Math.min(Math.max(x, -largest), largest);

  const kernels = {
    byteDistances: ((plane, aNorms, bNorms, rows, stride) => {
      const products = productsOf(plane, rows * stride);
      for (let i = 0; i < rows * stride; i++) {
        const norms = integers[aNorms / 4 + Math.floor(i / stride)]! + integers[bNorms / 4 + (i % stride)]!;
        numbers[plane / size + i] = (norms - 2 * integers[products + i]!) | 0;
      }
    }) satisfies Distances,
    floatDistances: ((plane, aNorms, bNorms, rows, stride) =>
      floatDistances(plane, plane, aNorms, bNorms, rows, stride)) satisfies Distances,
    convertProducts: (plane: number, count: number) => {
      const products = productsOf(plane, count);
      for (let i = 0; i < count; i++) numbers[plane / size + i] = integers[products + i]!;
    },
    absoluteDistances: direct((x, y) => Math.abs(x - y)),
    chiSquares: direct((x, y) => (x + y === 0 ? 0 : (x - y) ** 2 / (x + y))),
    clamp: (address: number, count: number, low: number, high: number) => {
      for (let i = address / size; i < address / size + count; i++)
        numbers[i] = Math.max(low, Math.min(high, numbers[i]!));
    },
    exponentials: each<[scale: number]>((x, [scale]) => Math.exp(scale * x)),
    materns: each<[scale: number, order: number]>((x, [scale, order]) => {
      const t = Math.min(1000, scale * Math.sqrt(x));
      return [1, 1 + t, 1 + t + (t * t) / 3][order]! * Math.exp(-t);
    }),
    powers: each<[scale: number, offset: number, degree: number]>(
      (x, [scale, offset, degree]) => (scale * x + offset) ** degree,
    ),
    tangents: each<[scale: number, offset: number]>((x, [scale, offset]) => Math.tanh(scale * x + offset)),
    scalePlane: each<[scale: number]>((x, [scale]) => scale * x),
    addPlane: each<[]>((x, _, before) => before + x),
    multiplyPlane: each<[]>((x, _, before) => before * x),
    cosines: withNorms<[]>(cosine),
    arcCosines: withNorms<[scale: number, depth: number, tangent: number]>(arcCosine),
    store16From: store(halves, (x) => numberToHalf(between(Math.fround(x), 65504))),
    store32From: store(floats, (x) => between(x, LARGEST_FLOAT)),
    store64From: store(doubles, (x) => between(x, Number.MAX_VALUE)),
  };
  return Object.fromEntries(Object.entries(kernels).map(([name, kernel]) => [name + suffix, kernel]));
}

function cosine(product: number, left: number, right: number): number {
  const norms = Math.sqrt(left * right);
  return norms === 0 ? 0 : Math.min(1, Math.max(-1, product / norms));
}

function arcCosine(
  product: number,
  left: number,
  right: number,
  [scale, depth, tangent]: [scale: number, depth: number, tangent: number],
): number {
  let c = cosine(product, left, right);
  let t = c;
  for (let layer = 0; layer < depth; layer++) {
    const rest = Math.PI - Math.acos(c);
    c = Math.min(1, (Math.sqrt((1 - c) * (1 + c)) + rest * c) / Math.PI);
    t = c + (t * rest) / Math.PI;
  }
  return Math.sqrt(left * right) * scale * (tangent === 1 ? t : c);
}
