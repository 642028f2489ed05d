/** Steps of a trial, and of those the first that do not count: threads may have to wake. */
const TRIAL = 24;
const WARM_UP = 8;
/** Steps between two pairs of trials. */
const STRETCH = 2000;

/**
 * Decides, step by step, whether several threads do better than one at this moment: both are timed for a few steps, and
 * the faster goes on for some thousand. Threads lose where the processors are busy with something else, since each
 * meeting waits for the last of them. The bits are the same either way.
 */
export class Pace {
  /** Whether the threads share the step under way. */
  shared = true;
  readonly #now: () => number;
  #trial: 'shared' | 'alone' | undefined = 'shared';
  /** Steps of this trial or stretch that have ended. */
  #steps = 0;
  #from = 0;
  #time = 0;
  #sharedTime = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A step begins. */
  begin(): void {
    if (this.#trial !== undefined) this.#from = this.#now();
  }

  /** It has ended. */
  end(): void {
    this.#steps++;
    if (this.#trial === undefined) {
      if (this.#steps === STRETCH) this.#go('shared', true);
      return;
    }
    if (this.#steps > WARM_UP) this.#time += this.#now() - this.#from;
    if (this.#steps < TRIAL) return;
    if (this.#trial === 'alone') return this.#go(undefined, this.#sharedTime < this.#time);
    this.#sharedTime = this.#time;
    this.#go('alone', false);
  }

  #go(trial: 'shared' | 'alone' | undefined, shared: boolean): void {
    this.#trial = trial;
    this.#steps = 0;
    this.#time = 0;
    this.shared = shared;
  }
}
