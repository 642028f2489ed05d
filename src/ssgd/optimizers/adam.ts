import { type Optimizer, stretchesOf } from './optimizer.js';

const BETA2 = 0.999;
const EPSILON = 1e-8;

/** α·√(1−β₂ᵗ)/(1−β₁ᵗ): the step size with both bias corrections folded in. */
function corrected(rate: number, beta1: number, t: number): number {
  return (rate * Math.sqrt(1 - BETA2 ** t)) / (1 - beta1 ** t);
}

/** Adam (Kingma & Ba, ICLR 2015), β₁ = momentum, β₂ = 0.999. */
export const adam: Optimizer = {
  name: 'adam',
  matrices: 3,
  stepWeights(step) {
    const { kernels, x, m, stride, from, to, slopes, k, w, state, scale, decay, rate, momentum, t } = step;
    const [gradient, first, second] = state as [number, number, number];
    kernels.gradient32(x, m, stride, from, to, slopes, k, w, gradient, scale, decay);
    const epsilon = EPSILON * Math.sqrt(1 - BETA2 ** t);
    const size = corrected(rate, momentum, t);
    const { stretches, length } = stretchesOf(step);
    for (let c = 0; c < stretches; c++) {
      const at = 4 * (c * stride + from);
      kernels.adamStep(
        w + at,
        gradient + at,
        first + at,
        second + at,
        length,
        size,
        momentum,
        BETA2,
        epsilon,
      );
    }
  },
  shrinkWeights(step, l1) {
    const { kernels, w, state, stride, from, rate, momentum, t } = step;
    const epsilon = EPSILON * Math.sqrt(1 - BETA2 ** t);
    const { stretches, length } = stretchesOf(step);
    for (let c = 0; c < stretches; c++) {
      const at = 4 * (c * stride + from);
      kernels.softThresholdScaled(w + at, state[2]! + at, length, corrected(rate, momentum, t) * l1, epsilon);
    }
  },
  stepIntercept({ values, gradient, state, rate, momentum, t }) {
    const [, first, second] = state as [Float32Array, Float32Array, Float32Array];
    const epsilon = EPSILON * Math.sqrt(1 - BETA2 ** t);
    for (let c = 0; c < values.length; c++) {
      first[c] = momentum * first[c]! + (1 - momentum) * gradient[c]!;
      second[c] = BETA2 * second[c]! + (1 - BETA2) * gradient[c]! ** 2;
      values[c]! -= (corrected(rate, momentum, t) * first[c]!) / (Math.sqrt(second[c]!) + epsilon);
    }
  },
};
