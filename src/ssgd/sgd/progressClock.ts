import type { TrainListener } from '../events.js';

/** Milliseconds between progress events. */
const INTERVAL = 100;
/** Steps between looks at the clock. */
const STEPS_PER_LOOK = 32;

/** Plain data. */
export interface RunningLossState {
  readonly loss: number;
  readonly right: number;
  readonly rows: number;
}

/** Running figures over the rows since a mark. */
export class RunningLoss {
  loss = 0;
  right = 0;
  rows = 0;

  add(loss: number, right: number, rows: number): void {
    this.loss += loss;
    this.right += right;
    this.rows += rows;
  }

  reset(): void {
    this.loss = 0;
    this.right = 0;
    this.rows = 0;
  }

  get meanLoss(): number {
    return this.rows > 0 ? this.loss / this.rows : 0;
  }

  get accuracy(): number {
    return this.rows > 0 ? this.right / this.rows : 0;
  }

  state(): RunningLossState {
    return { loss: this.loss, right: this.right, rows: this.rows };
  }

  restore({ loss, right, rows }: RunningLossState): void {
    this.loss = loss;
    this.right = right;
    this.rows = rows;
  }
}

/** Plain data. */
export interface ProgressClockState {
  readonly testAccuracy: number | null;
  readonly holdoutAccuracy: number | null;
  readonly sinceRow: RunningLossState;
  readonly sinceLog: RunningLossState;
  readonly nextRow: number;
}

/**
 * Turns steps into events: rows at steps 1, 2, 4, 8 …, log lines every `logfreq` steps; says ten times a second
 * that progress is due.
 */
export class ProgressClock {
  /** Accuracy of the last evaluation on the test part. */
  testAccuracy: number | undefined;
  /** The same on the held-out rows. */
  holdoutAccuracy: number | undefined;
  readonly #emit: TrainListener;
  readonly #logfreq: number;
  readonly #classification: boolean;
  readonly #sinceRow = new RunningLoss();
  readonly #sinceLog = new RunningLoss();
  #nextRow = 1;
  #nextProgress = 0;

  constructor(emit: TrainListener, logfreq: number, classification: boolean) {
    this.#emit = emit;
    this.#logfreq = logfreq;
    this.#classification = classification;
  }

  /** To be called after each step. */
  step(
    now: {
      readonly step: number;
      readonly samples: number;
      readonly epoch: number;
      readonly learningRate: number;
    },
    lossSum: number,
    right: number,
    rows: number,
  ): void {
    this.#sinceRow.add(lossSum, right, rows);
    this.#sinceLog.add(lossSum, right, rows);
    if (now.step === this.#nextRow) {
      this.#emit({ type: 'row', ...now, loss: this.#sinceRow.meanLoss });
      this.#sinceRow.reset();
      this.#nextRow *= 2;
    }
    if (this.#logfreq > 0 && now.step % this.#logfreq === 0) this.log(now.step);
  }

  /** Whether it is time for a progress event, after this many steps; looks at the real clock now and then only. */
  progressDue(step: number): boolean {
    if (step % STEPS_PER_LOOK !== 0) return false;
    const now = performance.now();
    if (now < this.#nextProgress) return false;
    this.#nextProgress = now + INTERVAL;
    return true;
  }

  /** A log line for the rows since the last one, if there are any. */
  log(step: number): void {
    if (this.#sinceLog.rows === 0 || this.#logfreq === 0) return;
    this.#emit({
      type: 'log',
      step,
      loss: this.#sinceLog.meanLoss,
      trainAccuracy: this.#classification ? this.#sinceLog.accuracy : undefined,
      testAccuracy: this.testAccuracy,
      ...(this.holdoutAccuracy === undefined ? {} : { holdoutAccuracy: this.holdoutAccuracy }),
    });
    this.#sinceLog.reset();
  }

  /** Forgets what was counted since the last row and log line (after a restart from earlier weights). */
  forget(): void {
    this.#sinceRow.reset();
    this.#sinceLog.reset();
  }

  state(): ProgressClockState {
    return {
      testAccuracy: this.testAccuracy ?? null,
      holdoutAccuracy: this.holdoutAccuracy ?? null,
      sinceRow: this.#sinceRow.state(),
      sinceLog: this.#sinceLog.state(),
      nextRow: this.#nextRow,
    };
  }

  restore(state: ProgressClockState): void {
    this.testAccuracy = state.testAccuracy ?? undefined;
    this.holdoutAccuracy = state.holdoutAccuracy ?? undefined;
    this.#sinceRow.restore(state.sinceRow);
    this.#sinceLog.restore(state.sinceLog);
    this.#nextRow = state.nextRow;
  }
}
