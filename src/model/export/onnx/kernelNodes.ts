import { MlmlError } from '../../../errors.js';
import type { KernelFunction } from '../../../kernel/functions/kernelFunction.js';
import { kernelName } from '../../../kernel/functions/kernelName.js';
import { arcCosine } from './arcCosineNodes.js';
import type { GraphBuilder, Value } from './graphBuilder.js';
import { pairSums } from './pairSums.js';

/** Rows of both sides, scaled: x [rows, d] and y [n, d], and the mean of the features, around which distances are taken. */
export interface KernelSides {
  readonly x: Value;
  readonly y: Value;
  /** Asked for where it is used. */
  readonly mean: () => Value;
  readonly n: number;
}

/** What several kernels of a sum or product have in common is worked out once. */
class Measures {
  readonly #graph: GraphBuilder;
  readonly #sides: KernelSides;
  readonly #known = new Map<string, Value>();

  constructor(graph: GraphBuilder, sides: KernelSides) {
    this.#graph = graph;
    this.#sides = sides;
  }

  #once(name: string, make: () => Value): Value {
    const known = this.#known.get(name) ?? make();
    this.#known.set(name, known);
    return known;
  }

  /** x·y, [rows, n]. */
  product(): Value {
    const { x, y } = this.#sides;
    return this.#once('product', () => this.#graph.add('Gemm', [x, y], { transB: { integer: 1 } }));
  }

  /** ‖x‖²·‖y‖², [rows, n]. */
  norms(): Value {
    const { x, y, n } = this.#sides;
    return this.#once('norms', () =>
      this.#graph.add('Mul', [this.#squares(x), this.#asRow(this.#squares(y), n)]),
    );
  }

  /** ‖x − y‖², [rows, n], by products of centred rows. */
  squaredDistance(): Value {
    const { x, y, mean, n } = this.#sides;
    const graph = this.#graph;
    return this.#once('squared distance', () => {
      const middle = mean();
      const [left, right] = [graph.add('Sub', [x, middle]), graph.add('Sub', [y, middle])];
      const less = graph.add('Gemm', [left, right, this.#asRow(this.#squares(right), n)], {
        alpha: { float: -2 },
        transB: { integer: 1 },
      });
      // Rounding may leave a little less than nothing.
      return graph.add('Relu', [graph.add('Add', [less, this.#squares(left)])]);
    });
  }

  distance(): Value {
    return this.#once('distance', () => this.#graph.add('Sqrt', [this.squaredDistance()]));
  }

  /** Σ |xⱼ − yⱼ|, or Σ (xⱼ − yⱼ)²/(xⱼ + yⱼ) over features that are not negative. */
  pairSum(kind: 'l1' | 'chi2'): Value {
    const { x, y, n } = this.#sides;
    const graph = this.#graph;
    return this.#once(kind, () => {
      if (kind === 'l1') return pairSums(graph, kind, x, y, n);
      return pairSums(graph, kind, graph.add('Relu', [x]), graph.add('Relu', [y]), n);
    });
  }

  /** The cosine of the angle between x and y, 0 where one is 0; and the product of the norms. */
  cosine(): { cosine: Value; norms: Value } {
    const graph = this.#graph;
    const norms = this.#once('root of norms', () => graph.add('Sqrt', [this.norms()]));
    const cosine = this.#once('cosine', () => {
      const none = graph.add('Equal', [norms, graph.scalar(0)]);
      const divisor = graph.add('Where', [none, graph.scalar(1), norms]);
      const quotient = graph.add('Div', [this.product(), divisor]);
      return graph.add('Where', [none, graph.scalar(0), quotient]);
    });
    return { cosine, norms };
  }

  /** Squared norms of rows, [count, 1]. */
  #squares(rows: Value): Value {
    return this.#once(`squares of ${rows}`, () =>
      this.#graph.add('ReduceSumSquare', [rows], { axes: { integers: [1] }, keepdims: { integer: 1 } }),
    );
  }

  #asRow(column: Value, n: number): Value {
    return this.#once(`row of ${column}`, () =>
      this.#graph.add('Reshape', [column, this.#graph.integers([1, n])]),
    );
  }
}

/** k(x, y) between all rows of both sides, [rows, n]. What ONNX has no operators for is `MLML_USAGE`. */
export function kernelNodes(graph: GraphBuilder, kernel: KernelFunction, sides: KernelSides): Value {
  return kernelValue(graph, kernel, new Measures(graph, sides));
}

function kernelValue(graph: GraphBuilder, kernel: KernelFunction, measures: Measures): Value {
  const times = (value: Value, factor: number) =>
    factor === 1 ? value : graph.add('Mul', [value, graph.scalar(factor)]);
  const exponential = (value: Value, rate: number) => graph.add('Exp', [times(value, -rate)]);
  const affine = (gamma: number, coef0: number) => {
    const scaled = times(measures.product(), gamma);
    return coef0 === 0 ? scaled : graph.add('Add', [scaled, graph.scalar(coef0)]);
  };
  const folded = (operation: 'Add' | 'Mul', parts: readonly KernelFunction[]) =>
    parts
      .map((part) => kernelValue(graph, part, measures))
      .reduce((before, value) => graph.add(operation, [before, value]));
  switch (kernel.kind) {
    case 'rbf':
      return exponential(measures.squaredDistance(), 1 / (2 * kernel.lengthscale ** 2));
    case 'laplacian':
      return exponential(measures.distance(), 1 / kernel.lengthscale);
    case 'laplacian_l1':
      return exponential(measures.pairSum('l1'), kernel.gamma);
    case 'chi2':
      return exponential(measures.pairSum('chi2'), kernel.gamma);
    case 'matern': {
      const t = times(measures.distance(), Math.sqrt(2 * kernel.nu) / kernel.lengthscale);
      if (kernel.nu === 0.5) return exponential(t, 1);
      const linear = graph.add('Add', [t, graph.scalar(1)]);
      if (kernel.nu === 1.5) return graph.add('Mul', [linear, exponential(t, 1)]);
      const square = times(graph.add('Mul', [t, t]), 1 / 3);
      return graph.add('Mul', [graph.add('Add', [linear, square]), exponential(t, 1)]);
    }
    case 'polynomial':
      return graph.add('Pow', [affine(kernel.gamma, kernel.coef0), graph.scalar(kernel.degree)]);
    case 'linear':
      return measures.product();
    case 'sigmoid':
      return graph.add('Tanh', [affine(kernel.gamma, kernel.coef0)]);
    case 'cosine':
      return measures.cosine().cosine;
    case 'arc_cosine':
    case 'ntk':
      return arcCosineKernel(graph, measures, kernel.depth, kernel.kind === 'ntk');
    case 'sum':
      return folded('Add', kernel.terms);
    case 'product':
      return folded('Mul', kernel.factors);
    case 'scale':
      return times(kernelValue(graph, kernel.of, measures), kernel.factor);
    default:
      throw new MlmlError(
        'MLML_USAGE',
        `--onnx: kernel ${kernelName(kernel)} is a function of a program, for which ONNX has no operators; ` +
          'predict with mlml, or train with a kernel that has a name',
      );
  }
}

/** Layer by layer: c ← (√(1 − c²) + (π − θ)·c)/π with θ = acos c, and for the tangent kernel t ← c' + t·(π − θ)/π. */
function arcCosineKernel(graph: GraphBuilder, measures: Measures, depth: number, isTangent: boolean): Value {
  const { cosine, norms } = measures.cosine();
  const one = graph.scalar(1);
  const bounded = (value: Value) => graph.add('Max', [graph.add('Min', [value, one]), graph.scalar(-1)]);
  let c = bounded(cosine);
  let t = c;
  for (let layer = 0; layer < depth; layer++) {
    const open = graph.add('Sub', [graph.scalar(Math.PI), arcCosine(graph, c)]);
    const share = graph.add('Mul', [open, graph.scalar(1 / Math.PI)]);
    const sine = graph.add('Sqrt', [graph.add('Sub', [one, graph.add('Mul', [c, c])])]);
    const first = graph.add('Mul', [sine, graph.scalar(1 / Math.PI)]);
    const next = graph.add('Add', [first, graph.add('Mul', [share, c])]);
    if (isTangent) t = graph.add('Add', [next, graph.add('Mul', [t, share])]);
    c = bounded(next);
  }
  return graph.add('Mul', [norms, isTangent ? t : c]);
}
