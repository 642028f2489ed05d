import { type Optimizer, stretchesOf } from './optimizer.js';

const EPSILON = 1e-8;

/** AdaGrad (Duchi, Hazan, Singer, JMLR 2011): s ← s + g², W ← W − rate·g/(√s + ε). Momentum is not used. */
export const adagrad: Optimizer = {
  name: 'adagrad',
  matrices: 2,
  stepWeights(step) {
    const { kernels, x, m, stride, from, to, slopes, k, w, state, scale, decay, rate } = step;
    const [gradient, squares] = state as [number, number];
    kernels.gradient32(x, m, stride, from, to, slopes, k, w, gradient, scale, decay);
    const { stretches, length } = stretchesOf(step);
    for (let c = 0; c < stretches; c++) {
      const at = 4 * (c * stride + from);
      kernels.adagradStep(w + at, gradient + at, squares + at, length, rate, EPSILON);
    }
  },
  shrinkWeights(step, l1) {
    const { kernels, w, state, stride, from, rate } = step;
    const { stretches, length } = stretchesOf(step);
    for (let c = 0; c < stretches; c++) {
      const at = 4 * (c * stride + from);
      kernels.softThresholdScaled(w + at, state[1]! + at, length, rate * l1, EPSILON);
    }
  },
  stepIntercept({ values, gradient, state, rate }) {
    const squares = state[1]!;
    for (let c = 0; c < values.length; c++) {
      squares[c]! += gradient[c]! ** 2;
      values[c]! -= (rate * gradient[c]!) / (Math.sqrt(squares[c]!) + EPSILON);
    }
  },
};
