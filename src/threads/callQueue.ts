import { type ErrorCode, errorCodes, MlmlError } from '../errors.js';
import { MOST_ARGUMENTS, type Task } from './threads.js';

/** Calls that lie in shared memory at once; longer lists are run in batches. */
export const QUEUE_CALLS = 256;
/** Looks at the queue before a thread goes to sleep: about 20 µs, less than being woken takes. */
const SPINS = 10_000;
const ERROR_BYTES = 4096;
const CALL_NUMBERS = 1 + MOST_ARGUMENTS;

// Places of the control words.
/** Counted up with each batch; threads sleep on it. */
const BATCH = 0;
/** Tickets: the next call to take, the end of the batch, calls done. They only grow (and wrap). */
const NEXT = 1;
const END = 2;
const DONE = 3;
/** 1 once a call of this batch failed, 2 once its error lies in the error bytes. */
const FAILED = 4;
const ERROR_LENGTH = 5;
/** 1 once a worker has ended. */
const DEAD = 6;
const CONTROL_WORDS = 16;
const CALLS_AT = CONTROL_WORDS * 4;
const ERROR_AT = CALLS_AT + QUEUE_CALLS * CALL_NUMBERS * 8;

/**
 * The list of calls in shared memory. Every thread takes the next ticket until there are none: a ticket is taken by
 * compare-and-exchange and never given out twice, so a thread that wakes late from an earlier batch finds either
 * nothing or a call that is really open.
 */
export class CallQueue {
  readonly buffer: SharedArrayBuffer;
  readonly #control: Int32Array;
  readonly #calls: Float64Array;
  readonly #error: Uint8Array;
  readonly #args = new Float64Array(MOST_ARGUMENTS);

  constructor(buffer = new SharedArrayBuffer(ERROR_AT + ERROR_BYTES)) {
    this.buffer = buffer;
    this.#control = new Int32Array(buffer, 0, CONTROL_WORDS);
    this.#calls = new Float64Array(buffer, CALLS_AT, QUEUE_CALLS * CALL_NUMBERS);
    this.#error = new Uint8Array(buffer, ERROR_AT, ERROR_BYTES);
  }

  /** Publishes calls [from, to) of a list of task numbers with `MOST_ARGUMENTS` arguments each; the last batch is done. */
  publish(list: Float64Array, from: number, to: number, sleepers: number): void {
    const control = this.#control;
    const end = Atomics.load(control, END);
    for (let call = from; call < to; call++) {
      const place = ((end + call - from) >>> 0) % QUEUE_CALLS;
      for (let i = 0; i < CALL_NUMBERS; i++)
        this.#calls[place * CALL_NUMBERS + i] = list[call * CALL_NUMBERS + i]!;
    }
    Atomics.store(control, FAILED, 0);
    Atomics.store(control, END, (end + to - from) | 0);
    Atomics.add(control, BATCH, 1);
    if (sleepers > 0) Atomics.notify(control, BATCH, sleepers);
  }

  /** Makes calls until none is open. What the first failing one threw is returned when it failed here. */
  work(tasks: readonly Task[]): unknown {
    let error: unknown;
    for (let call = this.#take(); call >= 0; call = this.#take()) {
      try {
        if (Atomics.load(this.#control, FAILED) === 0) this.#make(call, tasks);
      } catch (thrown) {
        if (this.fail(thrown)) error = thrown;
      }
      const done = (Atomics.add(this.#control, DONE, 1) + 1) | 0;
      if (done === Atomics.load(this.#control, END)) Atomics.notify(this.#control, DONE);
    }
    return error;
  }

  /** Place of an open call, now this thread's, or -1. */
  #take(): number {
    const control = this.#control;
    for (;;) {
      const ticket = Atomics.load(control, NEXT);
      if (((Atomics.load(control, END) - ticket) | 0) <= 0) return -1;
      if (Atomics.compareExchange(control, NEXT, ticket, (ticket + 1) | 0) === ticket)
        return (ticket >>> 0) % QUEUE_CALLS;
    }
  }

  #make(place: number, tasks: readonly Task[]): void {
    const start = place * CALL_NUMBERS;
    for (let i = 0; i < MOST_ARGUMENTS; i++) this.#args[i] = this.#calls[start + 1 + i]!;
    tasks[this.#calls[start]!]!(this.#args);
  }

  /** Waits for a batch after `seen`, looking for a while before it sleeps. */
  waitForBatch(seen: number): void {
    for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(this.#control, BATCH) !== seen) return;
    Atomics.wait(this.#control, BATCH, seen);
  }

  get batch(): number {
    return Atomics.load(this.#control, BATCH);
  }

  /** Calls of the batch that other threads have yet to finish. */
  get open(): number {
    return (Atomics.load(this.#control, END) - Atomics.load(this.#control, DONE)) | 0;
  }

  /** Waits until a call is done, at most so many milliseconds. False when the time is over. */
  waitForDone(milliseconds: number): boolean {
    for (let spin = 0; spin < SPINS; spin++) if (this.open === 0) return true;
    const done = Atomics.load(this.#control, DONE);
    if (done === Atomics.load(this.#control, END)) return true;
    return Atomics.wait(this.#control, DONE, done, milliseconds) !== 'timed-out';
  }

  /** Keeps an error for the main thread; false when another call failed before. */
  fail(thrown: unknown): boolean {
    if (Atomics.compareExchange(this.#control, FAILED, 0, 1) !== 0) return false;
    const code = thrown instanceof MlmlError ? thrown.code : 'MLML_INTERNAL';
    const message = thrown instanceof MlmlError ? thrown.message : `a task failed in a thread: ${thrown}`;
    const bytes = new TextEncoder().encode(`${code}\n${message}`).subarray(0, ERROR_BYTES);
    this.#error.set(bytes);
    Atomics.store(this.#control, ERROR_LENGTH, bytes.length);
    Atomics.store(this.#control, FAILED, 2);
    return true;
  }

  /** The error of the batch that is done, when it failed. */
  error(): MlmlError | undefined {
    if (Atomics.load(this.#control, FAILED) !== 2) return undefined;
    const text = new TextDecoder().decode(this.#error.slice(0, Atomics.load(this.#control, ERROR_LENGTH)));
    const end = text.indexOf('\n');
    const code = text.slice(0, end);
    const known = Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'MLML_INTERNAL';
    return new MlmlError(known, text.slice(end + 1));
  }

  /** Tells the main thread that a worker has ended. */
  markDead(): void {
    Atomics.store(this.#control, DEAD, 1);
    Atomics.notify(this.#control, DONE);
  }

  get dead(): boolean {
    return Atomics.load(this.#control, DEAD) === 1;
  }
}
