import { gather32Of, labelDtypeCodes } from '../../arithmetic/gather.js';
import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';
import type { WeightStep } from '../optimizers/optimizer.js';
import { optimizerOf } from '../optimizers/optimizers.js';
import { optimizerNames } from '../options.js';

/** Parts of one step of stochastic gradient descent. */
export function stepTasks({ kernels, buffer }: ThreadEnvironment): TaskTable {
  const floats = new Float32Array(buffer);
  const gathers = labelDtypeCodes.map((dtype) => gather32Of(kernels, dtype));
  const optimizers = optimizerNames.map(optimizerOf);
  const state = [0, 0, 0];
  const step: { -readonly [Field in keyof WeightStep]: WeightStep[Field] } = {
    ...{ kernels, x: 0, m: 0, stride: 0, from: 0, to: 0, slopes: 0, k: 0, w: 0, state },
    ...{ scale: 0, decay: 0, rate: 0, momentum: 0, t: 0 },
  };
  return {
    /** As the gather kernel of the dtype with that number in `labelDtypeCodes`; then the largest squared norm to the last address, unless it is 0. */
    gatherRows: (a) => {
      gathers[a[0]!]!(a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!, a[8]!, a[9]!);
      if (a[10]! > 0) floats[a[10]! >>> 2] = kernels.largestSquare32(a[9]!, a[5]!, a[7]!);
    },
    /** As the kernel. */
    scoreRows: (a) => kernels.scores32(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!),
    /**
     * stepFeatures(optimizer, l1, x, m, stride, from, to, slopes, k, w, scale, decay, rate, momentum, t, state…): the update of
     * features [from, to), with the proximal step of the penalty when l1 is not 0. The optimizer is its number in
     * `optimizerNames`.
     */
    stepFeatures: (a) => {
      const optimizer = optimizers[a[0]!]!;
      [step.x, step.m, step.stride, step.from, step.to] = [a[2]!, a[3]!, a[4]!, a[5]!, a[6]!];
      [step.slopes, step.k, step.w, step.scale, step.decay] = [a[7]!, a[8]!, a[9]!, a[10]!, a[11]!];
      [step.rate, step.momentum, step.t] = [a[12]!, a[13]!, a[14]!];
      for (let i = 0; i < state.length; i++) state[i] = a[15 + i]!;
      optimizer.stepWeights(step);
      if (a[1]! > 0) optimizer.shrinkWeights(step, a[1]!);
    },
  };
}
