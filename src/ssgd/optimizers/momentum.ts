import { type InterceptStep, type Optimizer, stretchesOf, type WeightStep } from './optimizer.js';

function stepIntercept({ values, gradient, state, rate, momentum }: InterceptStep, nesterov: boolean): void {
  const change = state[0]!;
  for (let c = 0; c < values.length; c++) {
    change[c] = rate * gradient[c]! + momentum * change[c]!;
    values[c]! -= nesterov ? rate * gradient[c]! + momentum * change[c]! : change[c]!;
  }
}

/** A constant gradient g moves a weight by rate·g/(1 − momentum) a step once Δ has settled. */
function shrinkWeights(step: WeightStep, l1: number): void {
  const { kernels, w, stride, from, rate, momentum } = step;
  const { stretches, length } = stretchesOf(step);
  for (let c = 0; c < stretches; c++) {
    kernels.softThreshold(w + 4 * (c * stride + from), length, (rate * l1) / (1 - momentum));
  }
}

/** Heavy ball (Polyak 1964), the rule of 2016: Δ ← rate·g + momentum·Δ, W ← W − Δ. */
export const sgd: Optimizer = {
  name: 'sgd',
  matrices: 1,
  stepWeights({ kernels, x, m, stride, from, to, slopes, k, w, state, scale, decay, rate, momentum }) {
    kernels.momentumStep(x, m, stride, from, to, slopes, k, w, state[0]!, scale, decay, rate, momentum);
  },
  stepIntercept: (step) => stepIntercept(step, false),
  shrinkWeights,
};

/** Nesterov's look-ahead, in the form of Sutskever et al. (ICML 2013): W ← W − (rate·g + momentum·Δ). */
export const nesterov: Optimizer = {
  name: 'nesterov',
  matrices: 1,
  stepWeights({ kernels, x, m, stride, from, to, slopes, k, w, state, scale, decay, rate, momentum }) {
    kernels.nesterovStep(x, m, stride, from, to, slopes, k, w, state[0]!, scale, decay, rate, momentum);
  },
  stepIntercept: (step) => stepIntercept(step, true),
  shrinkWeights,
};
