import { labelDtypeCodes } from '../../arithmetic/gather.js';
import type { RowBlock } from '../../data/rowBlock.js';
import type { RowLayout } from '../../data/rowLayout.js';
import type { Threads } from '../../threads/threads.js';
import type { WeightStep } from '../optimizers/optimizer.js';
import { type OptimizerName, optimizerNames } from '../options.js';
import { Pace } from './pace.js';

/** Features are shared out in multiples of this. */
const FEATURES = 16;

/**
 * One step of stochastic gradient descent by several threads: rows are gathered and scored, and features updated, each
 * by one of them. Every number is the sum it would be with one thread, so the bits are the same. `pace` says whether it
 * is worth while.
 */
export class SharedStep {
  readonly pace = new Pace();
  readonly #threads: Threads;
  readonly #scores: Float32Array;

  /** @param scores work space of a float for each thread while rows are gathered: where scores of as many rows come to lie later */
  constructor(threads: Threads, scores: Float32Array) {
    this.#threads = threads;
    this.#scores = scores;
  }

  /** Positions [from, from + count) of a block into scaled floats at `target`. With `squares` it returns their largest squared norm. */
  gather(
    { base, order }: RowBlock,
    layout: RowLayout,
    from: number,
    count: number,
    stride: number,
    scaling: number,
    target: number,
    squares: boolean,
  ): number {
    const threads = this.#threads;
    const code = labelDtypeCodes.indexOf(layout.dtype);
    const part = Math.ceil(count / threads.count);
    let parts = 0;
    for (let row = 0; row < count; row += part, parts++) {
      const rows = Math.min(part, count - row);
      const to = target + 4 * stride * row;
      threads.add(
        'gatherRows',
        code,
        base,
        layout.rowBytes,
        order,
        from + row,
        rows,
        layout.d,
        stride,
        scaling,
        to,
        squares ? this.#scores.byteOffset + 4 * parts : 0,
      );
    }
    threads.run();
    let largest = 0;
    for (let i = 0; squares && i < parts; i++) if (!(this.#scores[i]! <= largest)) largest = this.#scores[i]!;
    return largest;
  }

  /** As the kernel `scores32`; parts begin at even rows, which it takes in pairs. */
  score(
    x: number,
    rows: number,
    stride: number,
    w: number,
    k: number,
    intercept: number,
    scores: number,
  ): void {
    const threads = this.#threads;
    const part = 2 * Math.ceil(rows / 2 / threads.count);
    for (let row = 0; row < rows; row += part) {
      const count = Math.min(part, rows - row);
      threads.add('scoreRows', x + 4 * stride * row, count, stride, w, k, intercept, scores + 4 * k * row);
    }
    threads.run();
  }

  /** The update of all weights; `l1` is the penalty's weight over the number of rows. */
  update(optimizer: OptimizerName, step: WeightStep, l1: number): void {
    const threads = this.#threads;
    const { x, m, stride, slopes, k, w, scale, decay, rate, momentum, t, state } = step;
    const number = optimizerNames.indexOf(optimizer);
    const part = FEATURES * Math.ceil(stride / FEATURES / threads.count);
    for (let from = 0; from < stride; from += part) {
      const to = Math.min(stride, from + part);
      threads.add(
        'stepFeatures',
        number,
        l1,
        x,
        m,
        stride,
        from,
        to,
        slopes,
        k,
        w,
        scale,
        decay,
        rate,
        momentum,
        t,
        state[0]!,
        state[1] ?? 0,
        state[2] ?? 0,
      );
    }
    threads.run();
  }
}
