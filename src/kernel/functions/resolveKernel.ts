import { MlmlError } from '../../errors.js';
import type { KernelChoice } from '../options.js';
import { customBlock } from './customKernel.js';
import type { KernelFunction } from './kernelFunction.js';
import { checkParameters, type NamedKind } from './kernelParameters.js';
import type { DistanceMeasure } from './medianDistance.js';
import { type KernelExpression, kindsOf, parseKernel } from './parseKernel.js';

/** What is known of the rows that a kernel is chosen for. */
export interface KernelFacts {
  /** Features. */
  readonly d: number;
  /** The smallest scaled feature of the training rows, where it is known. chi2 wants none below 0. */
  readonly smallestFeature?: number;
  /** Median of this distance between training rows; see `medianDistance`. Asked only when it is needed. */
  medianDistance(measure: DistanceMeasure): Promise<number>;
}

export interface ResolvedKernel {
  readonly kernel: KernelFunction;
  /** Where its parameters come from, one sentence: `lengthscale 9.21 is the median distance …`, or `parameters as given`. */
  readonly reason: string;
  /** Something the user should know: the kernel is not positive definite. */
  readonly warning?: string;
}

/**
 * The kernel function a choice means for these rows, with every parameter set. sigma is the lengthscale of rbf, laplacian
 * and matern and 1/gamma of laplacian_l1 and chi2; gamma is 1/(2·lengthscale²) of rbf, 1/lengthscale of laplacian and
 * matern. Without either, the lengthscale (1/gamma) is the median distance between training rows. polynomial and
 * sigmoid: gamma 1/d, coef0 1, degree 3; matern: nu 1.5; arc_cosine and ntk: depth 1. Throws `MLML_USAGE`.
 */
export async function resolveKernel(choice: KernelChoice, facts: KernelFacts): Promise<ResolvedKernel> {
  const expression = parseKernel(choice.kernel);
  const kinds = kindsOf(expression);
  checkParameters(choice, kinds);
  if (kinds.includes('chi2') && facts.smallestFeature !== undefined && facts.smallestFeature < 0) {
    throw new MlmlError(
      'MLML_USAGE',
      `--kernel=${choice.kernel}: chi2 compares features that are not negative, the smallest scaled one is ` +
        `${facts.smallestFeature}; use --scale=unit, or another kernel`,
    );
  }
  const reasons = new Set<string>();
  const kernel = await build(expression, choice, facts, reasons);
  const reason = reasons.size === 0 ? 'parameters as given' : [...reasons].join('; ');
  const warning = warningOf(choice, kinds);
  return warning === undefined ? { kernel, reason } : { kernel, reason, warning };
}

function warningOf(choice: KernelChoice, kinds: readonly string[]): string | undefined {
  const advice = 'not positive definite: solvers may fail or need a larger --reg';
  if (kinds.includes('sigmoid')) return `the sigmoid kernel is ${advice}`;
  if (kinds.includes('polynomial') && (choice.coef0 ?? 1) < 0)
    return `the polynomial kernel with coef0 ${choice.coef0} is ${advice}`;
  return undefined;
}

async function build(
  expression: KernelExpression,
  choice: KernelChoice,
  facts: KernelFacts,
  reasons: Set<string>,
): Promise<KernelFunction> {
  const all = async (parts: readonly KernelExpression[]) => {
    const built: KernelFunction[] = [];
    for (const part of parts) built.push(await build(part, choice, facts, reasons));
    return built;
  };
  switch (expression.kind) {
    case 'sum':
      return { kind: 'sum', terms: await all(expression.terms) };
    case 'product':
      return { kind: 'product', factors: await all(expression.factors) };
    case 'scale': {
      const of = await build(expression.of, choice, facts, reasons);
      return { kind: 'scale', factor: expression.factor, of };
    }
    case 'custom':
      customBlock(expression.name);
      return { kind: 'custom', name: expression.name };
    default:
      return buildNamed(expression.kind, choice, facts, reasons);
  }
}

async function buildNamed(
  kind: NamedKind,
  choice: KernelChoice,
  facts: KernelFacts,
  reasons: Set<string>,
): Promise<KernelFunction> {
  const { sigma, gamma, degree = 3, coef0 = 1, nu = 1.5, depth = 1 } = choice;
  /** 1/(2·lengthscale²) = gamma, or 1/lengthscale = gamma. */
  const lengthscale = async (fromGamma: (gamma: number) => number) => {
    if (sigma !== undefined) return sigma;
    if (gamma !== undefined) return finite(fromGamma(gamma), choice);
    const median = await facts.medianDistance('l2');
    reasons.add(`lengthscale ${median} is the median distance between training rows (--sigma sets another)`);
    return median;
  };
  const rate = async (measure: 'l1' | 'chi2', name: string) => {
    if (gamma !== undefined) return gamma;
    if (sigma !== undefined) return finite(1 / sigma, choice);
    const median = await facts.medianDistance(measure);
    reasons.add(
      `gamma 1/${median} is 1 over the median ${name} between training rows (--gamma sets another)`,
    );
    return 1 / median;
  };
  const productRate = () => {
    if (gamma !== undefined) return gamma;
    reasons.add(`gamma 1/${facts.d} is 1 over the number of features (--gamma sets another)`);
    return 1 / facts.d;
  };
  switch (kind) {
    case 'rbf':
      return { kind, lengthscale: await lengthscale((g) => 1 / Math.sqrt(2 * g)) };
    case 'laplacian':
      return { kind, lengthscale: await lengthscale((g) => 1 / g) };
    case 'matern':
      return { kind, nu: nu as 0.5 | 1.5 | 2.5, lengthscale: await lengthscale((g) => 1 / g) };
    case 'laplacian_l1':
      return { kind, gamma: await rate('l1', 'sum of absolute differences') };
    case 'chi2':
      return { kind, gamma: await rate('chi2', 'chi2 distance') };
    case 'polynomial':
      return { kind, gamma: productRate(), coef0, degree };
    case 'sigmoid':
      return { kind, gamma: productRate(), coef0 };
    case 'arc_cosine':
    case 'ntk':
      return { kind, depth };
    default:
      return { kind };
  }
}

function finite(value: number, { sigma, gamma }: KernelChoice): number {
  if (Number.isFinite(value) && value > 0) return value;
  const given = gamma === undefined ? `--sigma=${sigma}` : `--gamma=${gamma}`;
  throw new MlmlError('MLML_USAGE', `${given}: its inverse is no number; choose one nearer to 1`);
}
