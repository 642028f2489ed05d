import type { Arena } from '../../memory/arena.js';
import type { Plan } from '../../memory/plan.js';
import type { Blocks } from '../../storage/stateFile.js';
import type { TraineeState } from './trainee.js';

/** Where a streaming run stands between two steps, beside the regions of its models. Plain data. */
export interface StreamingState {
  readonly epoch: number;
  /** Rows of the epoch that have been used. */
  readonly row: number;
  /** The models have been judged on the held-out rows after it. */
  readonly judged: boolean;
  readonly trainees: readonly TraineeState[];
  readonly group: { readonly rungsLeft: number };
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Of the stream, when its scratch is kept; see `RowStream`. */
  readonly shuffle?: unknown;
}

/** Regions that hold nothing between two steps, or nothing that cannot be read again. */
const PASSING =
  /^(shuffle .*|score .*|hogwild .*|initial model|result|scaling|((model|thread) \d+ )?(x|labels|kept labels|row folds|row weights|kept weights|scores|batch result|intercept gradient))$/;

/** The regions that belong to a state: weights, what optimisers remember, weights kept, averages; and `kept`, those of scratch that is kept. */
export function savedRegions(
  { regions }: Pick<Plan, 'regions'>,
  arena: Arena,
  kept: readonly string[] = [],
): Blocks {
  const ofModels = regions.map(({ name }) => name).filter((name) => !PASSING.test(name));
  return Object.fromEntries([...ofModels, ...kept].map((name) => [name, arena.uint8(name)]));
}

/**
 * The signal of a job as its stream sees it: aborted while the stream is being opened or brought to where it stood. After
 * `end` it is the job that stops, once it has saved its state.
 */
export class OpeningSignal {
  readonly #controller = new AbortController();
  readonly #source: AbortSignal | undefined;
  readonly #forward = () => this.#controller.abort(this.#source?.reason);

  constructor(source: AbortSignal | undefined) {
    this.#source = source;
    if (source?.aborted) this.#forward();
    else source?.addEventListener('abort', this.#forward);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#source?.removeEventListener('abort', this.#forward);
  }
}
