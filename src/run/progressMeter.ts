import { formatBytes } from '../memory/byteSize.js';
import { formatCount, formatSeconds } from './numbers.js';

export type Phase =
  | 'shuffle'
  | 'train'
  | 'solve'
  | 'evaluate'
  | 'download'
  | 'import'
  | 'predict'
  | 'calibrate'
  | 'generate'
  | 'precondition'
  | 'factor'
  | 'refine'
  | 'verify';

export interface ProgressState {
  readonly phase: Phase;
  readonly done: number;
  /** 0 when unknown. */
  readonly total: number;
  /** Counted from 1; absent when the job has none. */
  readonly epoch?: number;
  /** Passes over a kernel, counted from 1, when `done` and `total` are of one pass only. */
  readonly pass?: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What a progress line says about memory, in bytes. */
export interface MemoryState {
  /** Resident now, beyond what Node itself takes. */
  readonly usedBytes: number;
  /** The budget and what the heap may add to it. */
  readonly allowedBytes: number;
}

/** Of phases that count rows or tiles, the unit of their rate; other phases show none. */
const units: Partial<Record<Phase, string>> = {
  train: 'samples/s',
  shuffle: 'rows/s',
  evaluate: 'rows/s',
  predict: 'rows/s',
  calibrate: 'rows/s',
  generate: 'tiles/s',
  factor: 'tiles/s',
  verify: 'tiles/s',
};

/** Keeps what is needed to tell rates and the time left: the start of the current phase. */
export class ProgressMeter {
  #phase: Phase | undefined;
  #startMs = 0;
  #startDone = 0;
  #startBytes = 0;
  #pass: number | undefined;
  #lastDone = 0;

  /** Takes note of a state; called for every report, so that rates start with their phase. */
  observe(state: ProgressState, nowMs: number): void {
    if (state.phase !== this.#phase || state.pass !== this.#pass || state.done < this.#lastDone) {
      this.#phase = state.phase;
      this.#pass = state.pass;
      this.#startMs = nowMs;
      // The first report of a phase may come late; its work was done before it.
      this.#startDone = state.done;
      this.#startBytes = state.bytesRead + state.bytesWritten;
    }
    this.#lastDone = state.done;
  }

  /** Facts of the state last observed, most important first: `train 43 %`, `38.2 MB/s`, … */
  facts(state: ProgressState, nowMs: number, memory: MemoryState | undefined): string[] {
    const bytes = state.bytesRead + state.bytesWritten;
    const seconds = (nowMs - this.#startMs) / 1000;
    const rate = seconds > 0 ? (state.done - this.#startDone) / seconds : 0;
    const epoch = state.epoch === undefined ? '' : ` epoch ${state.epoch}`;
    const pass = state.pass === undefined ? '' : ` pass ${state.pass}`;
    const share =
      state.total > 0 ? `${Math.floor((100 * state.done) / state.total)} %` : formatCount(state.done);
    const facts = [`${state.phase}${epoch}${pass} ${share}`];
    if (seconds > 0 && bytes > this.#startBytes) {
      facts.push(`${((bytes - this.#startBytes) / seconds / 1e6).toPrecision(3)} MB/s`);
    }
    const unit = units[state.phase];
    if (rate > 0 && unit !== undefined)
      facts.push(`${rate < 10 ? rate.toPrecision(2) : formatCount(rate)} ${unit}`);
    if (rate > 0 && state.total > 0) {
      const left = formatSeconds(Math.max(0, state.total - state.done) / rate);
      facts.push(pass === '' ? `${left} left` : `${left} left in this pass`);
    }
    if (memory !== undefined) {
      facts.push(`RSS +${formatBytes(Math.max(0, memory.usedBytes))} of ${formatBytes(memory.allowedBytes)}`);
    }
    return facts;
  }
}

/** `[█████░░░░░]` for a share from 0 to 1. */
export function progressBar(share: number, width: number): string {
  const filled = Math.max(0, Math.min(width, Math.round(width * share)));
  return `[${'█'.repeat(filled)}${'░'.repeat(width - filled)}]`;
}
