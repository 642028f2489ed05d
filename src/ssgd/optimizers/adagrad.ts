import type { Optimizer } from './optimizer.js';

const EPSILON = 1e-8;

/** AdaGrad (Duchi, Hazan, Singer, JMLR 2011): s ← s + g², W ← W − rate·g/(√s + ε). Momentum is not used. */
export const adagrad: Optimizer = {
  name: 'adagrad',
  matrices: 2,
  stepWeights({ kernels, x, m, stride, slopes, k, w, state, scale, decay, rate }) {
    const [gradient, squares] = state as [number, number];
    kernels.gradient32(x, m, stride, slopes, k, w, gradient, scale, decay);
    kernels.adagradStep(w, gradient, squares, k * stride, rate, EPSILON);
  },
  shrinkWeights({ kernels, w, state, k, stride, rate }, l1) {
    kernels.softThresholdScaled(w, state[1]!, k * stride, rate * l1, EPSILON);
  },
  stepIntercept({ values, gradient, state, rate }) {
    const squares = state[1]!;
    for (let c = 0; c < values.length; c++) {
      squares[c]! += gradient[c]! ** 2;
      values[c]! -= (rate * gradient[c]!) / (Math.sqrt(squares[c]!) + EPSILON);
    }
  },
};
