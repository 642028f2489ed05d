type FusedStep = (
  x: number,
  m: number,
  stride: number,
  from: number,
  to: number,
  slopes: number,
  k: number,
  w: number,
  v: number,
  scale: number,
  decay: number,
  rate: number,
  momentum: number,
) => void;

/**
 * See assembly/step.ts for the formulas. Matrices are byte addresses of floats, rows `stride` floats apart; features
 * [from, to), multiples of 16, are worked on.
 */
export interface StepKernels {
  gradient32(
    x: number,
    m: number,
    stride: number,
    from: number,
    to: number,
    slopes: number,
    k: number,
    w: number,
    target: number,
    scale: number,
    decay: number,
  ): void;
  momentumStep: FusedStep;
  nesterovStep: FusedStep;
  adagradStep(w: number, g: number, s: number, count: number, rate: number, epsilon: number): void;
  adamStep(
    w: number,
    g: number,
    u: number,
    s: number,
    count: number,
    rate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
  ): void;
  softThreshold(w: number, count: number, threshold: number): void;
  softThresholdScaled(w: number, s: number, count: number, threshold: number, epsilon: number): void;
  averageStep(a: number, w: number, count: number, share: number): void;
}

export function plainSteps(buffer: SharedArrayBuffer): StepKernels {
  const floats = new Float32Array(buffer);

  /** Calls `use(offset of w, g)` for each place. */
  const forGradient = (
    x: number,
    m: number,
    stride: number,
    from: number,
    to: number,
    slopes: number,
    k: number,
    w: number,
    scale: number,
    decay: number,
    use: (place: number, gradient: number) => void,
  ) => {
    for (let c = 0; c < k; c++) {
      for (let j = from; j < to; j++) {
        let sum = 0;
        for (let i = 0; i < m; i++)
          sum += floats[(slopes >>> 2) + i * k + c]! * floats[(x >>> 2) + i * stride + j]!;
        const place = c * stride + j;
        use(place, scale * sum + decay * floats[(w >>> 2) + place]!);
      }
    }
  };

  const fused =
    (nesterov: boolean): FusedStep =>
    (x, m, stride, from, to, slopes, k, w, v, scale, decay, rate, momentum) => {
      forGradient(x, m, stride, from, to, slopes, k, w, scale, decay, (place, gradient) => {
        const change = rate * gradient + momentum * floats[(v >>> 2) + place]!;
        floats[(v >>> 2) + place] = change;
        floats[(w >>> 2) + place]! -= nesterov ? rate * gradient + momentum * change : change;
      });
    };

  return {
    gradient32(x, m, stride, from, to, slopes, k, w, target, scale, decay) {
      forGradient(x, m, stride, from, to, slopes, k, w, scale, decay, (place, gradient) => {
        floats[(target >>> 2) + place] = gradient;
      });
    },
    momentumStep: fused(false),
    nesterovStep: fused(true),
    adagradStep(w, g, s, count, rate, epsilon) {
      for (let i = 0; i < count; i++) {
        const gradient = floats[(g >>> 2) + i]!;
        floats[(s >>> 2) + i]! += gradient * gradient;
        floats[(w >>> 2) + i]! -= (rate * gradient) / (Math.sqrt(floats[(s >>> 2) + i]!) + epsilon);
      }
    },
    adamStep(w, g, u, s, count, rate, beta1, beta2, epsilon) {
      for (let i = 0; i < count; i++) {
        const gradient = floats[(g >>> 2) + i]!;
        const first = beta1 * floats[(u >>> 2) + i]! + (1 - beta1) * gradient;
        const second = beta2 * floats[(s >>> 2) + i]! + (1 - beta2) * gradient * gradient;
        floats[(u >>> 2) + i] = first;
        floats[(s >>> 2) + i] = second;
        floats[(w >>> 2) + i]! -= (rate * first) / (Math.sqrt(second) + epsilon);
      }
    },
    softThreshold(w, count, threshold) {
      for (let i = 0; i < count; i++) {
        const weight = floats[(w >>> 2) + i]!;
        floats[(w >>> 2) + i] = Math.sign(weight) * Math.max(Math.abs(weight) - threshold, 0);
      }
    },
    softThresholdScaled(w, s, count, threshold, epsilon) {
      for (let i = 0; i < count; i++) {
        const weight = floats[(w >>> 2) + i]!;
        const scaled = threshold / (Math.sqrt(floats[(s >>> 2) + i]!) + epsilon);
        floats[(w >>> 2) + i] = Math.sign(weight) * Math.max(Math.abs(weight) - scaled, 0);
      }
    },
    averageStep(a, w, count, share) {
      for (let i = 0; i < count; i++)
        floats[(a >>> 2) + i]! += share * (floats[(w >>> 2) + i]! - floats[(a >>> 2) + i]!);
    },
  };
}
