import type { RowBlock } from '../../data/rowBlock.js';
import type { Arena } from '../../memory/arena.js';
import type { Threads } from '../../threads/threads.js';
import { NEXT, STOP } from './hogwildThread.js';
import type { StreamingPlan } from './planStreaming.js';
import { OUTCOME, SEGMENT_BATCHES } from './streamingThreads.js';
import type { Trainee } from './trainee.js';

/** The threads of hsgd, seen from the main thread: gives them the batches of a block, and tells the trainee what came of it. */
export class Hogwild {
  readonly #plan: Pick<StreamingPlan, 'chosen' | 'regions'>;
  readonly #arena: Arena;
  readonly #threads: Threads;
  readonly #control: Int32Array;
  readonly #outcomes: Float64Array;
  readonly #squareBound: number;

  /** @param squareBound largest squared norm that a row can have */
  constructor(
    plan: Pick<StreamingPlan, 'chosen' | 'regions'>,
    arena: Arena,
    threads: Threads,
    squareBound: number,
  ) {
    this.#squareBound = squareBound;
    this.#plan = plan;
    this.#arena = arena;
    this.#threads = threads;
    this.#control = arena.int32('hogwild control');
    this.#outcomes = arena.float64('hogwild outcomes');
  }

  /** Trains on whole batches from position `from` of a block on; returns the position behind them. */
  train(
    trainee: Trainee,
    block: RowBlock,
    from: number,
    epoch: number,
    progress: (done: number, total: number, epoch: number) => void,
  ): number {
    const { batch } = this.#plan.chosen;
    let at = from;
    while (block.to - at >= batch) {
      const batches = Math.min(SEGMENT_BATCHES, Math.floor((block.to - at) / batch));
      at += batch * this.#segment(trainee, block, at, batches, epoch, progress);
    }
    return at;
  }

  /** One segment; returns how many of its batches were taken. */
  #segment(
    trainee: Trainee,
    { base, order }: RowBlock,
    from: number,
    batches: number,
    epoch: number,
    progress: (done: number, total: number, epoch: number) => void,
  ): number {
    const threads = this.#threads;
    const { steps, samples, total, eta0, model } = trainee;
    const job = [base, order, from, batches, steps, samples, total, eta0, model.curvature, this.#squareBound];
    this.#control[NEXT] = 0;
    this.#control[STOP] = 0;
    for (let thread = 0; thread < threads.count; thread++) threads.add('trainSegment', ...job);
    threads.run();
    const taken = Math.min(batches, Atomics.load(this.#control, NEXT));
    const outcomes = this.#outcomes.subarray(0, OUTCOME * taken);
    if (!trainee.observe(outcomes, this.#plan.chosen.batch, epoch, progress)) this.#clearState();
    return taken;
  }

  /** Forgets the optimiser state of the other threads, after a divergence. */
  #clearState(): void {
    for (const { name, bytes } of this.#plan.regions) {
      if (!/^thread \d+ (intercept )?state /.test(name)) continue;
      new Uint8Array(this.#arena.buffer, this.#arena.address(name), bytes).fill(0);
    }
  }
}
