import { setImmediate } from 'node:timers/promises';
import { MlmlError } from '../../errors.js';
import { Random } from '../../memory/random.js';

/** First number of every random stream of the shuffles, after the seed; keeps them apart from other purposes. */
const SHUFFLING = 0x53484646;

/** What a random stream is for. */
export const purposes = { order: 0, buckets: 1, bucketOrder: 2, merge: 3, blocks: 4 } as const;

export function shuffleRandom(seed: number, purpose: keyof typeof purposes, ...numbers: number[]): Random {
  return Random.of(seed, SHUFFLING, purposes[purpose], ...numbers);
}

/** Writes 0, 1, 2 … into `order[0..count)` and shuffles them. */
export function shuffledOrder(order: Uint32Array, count: number, random: Random): void {
  for (let i = 0; i < count; i++) order[i] = i;
  random.shuffle(order, 0, count);
}

/** Checks that epochs are asked for in order. */
export class EpochCounter {
  readonly #epochs: number;
  #next = 0;

  /** `first`: the epoch a stream goes on in that was begun before. */
  constructor(epochs: number, first = 0) {
    this.#epochs = epochs;
    this.#next = first;
  }

  take(epoch: number): void {
    if (epoch !== this.#next || epoch >= this.#epochs) {
      throw new MlmlError(
        'MLML_INTERNAL',
        `epoch ${epoch} was asked for; ${this.#next} of ${this.#epochs} planned epochs have been run`,
      );
    }
    this.#next++;
  }
}

const TURN_MS = 20;

/** Lets timers, signals and other jobs have their turn now and then: reads answered at once never do. */
export class EventLoopTurn {
  #last = performance.now();

  /** Undefined most of the time; otherwise wait for it. */
  due(): Promise<void> | undefined {
    const now = performance.now();
    if (now - this.#last < TURN_MS) return undefined;
    return setImmediate().then(() => {
      this.#last = performance.now();
    });
  }
}

/** Bytes read and written by one stream. */
export interface Traffic {
  bytesRead: number;
  bytesWritten: number;
}
