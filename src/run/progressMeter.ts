import { formatBytes } from '../memory/byteSize.js';
import { formatCount, formatSeconds } from './numbers.js';

export type Phase = 'shuffle' | 'train' | 'solve' | 'evaluate' | 'download' | 'import' | 'predict';

export interface ProgressState {
  readonly phase: Phase;
  readonly done: number;
  /** 0 when unknown. */
  readonly total: number;
  /** 0 when the job has no epochs. */
  readonly epoch: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What a progress line says about memory, in bytes. */
export interface MemoryState {
  /** Resident now, beyond what Node itself takes. */
  readonly usedBytes: number;
  readonly budgetBytes: number;
  /** What the heap may add to the budget. */
  readonly allowanceBytes: number;
}

/** Of phases that count rows, what a row is called; other phases show no rate. */
const units: Partial<Record<Phase, string>> = {
  train: 'samples/s',
  shuffle: 'rows/s',
  evaluate: 'rows/s',
  predict: 'rows/s',
};

/** Keeps what is needed to tell rates and the time left: the start of the current phase. */
export class ProgressMeter {
  #phase: Phase | undefined;
  #startMs = 0;
  #startDone = 0;
  #startBytes = 0;
  #lastDone = 0;

  /** Takes note of a state; called for every report, so that rates start with their phase. */
  observe(state: ProgressState, nowMs: number): void {
    if (state.phase !== this.#phase || state.done < this.#lastDone) {
      this.#phase = state.phase;
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
    const epoch = state.epoch > 0 && state.phase === 'train' ? ` epoch ${state.epoch}` : '';
    const share =
      state.total > 0 ? `${Math.floor((100 * state.done) / state.total)} %` : formatCount(state.done);
    const facts = [`${state.phase}${epoch} ${share}`];
    if (seconds > 0 && bytes > this.#startBytes) {
      facts.push(`${((bytes - this.#startBytes) / seconds / 1e6).toPrecision(3)} MB/s`);
    }
    const unit = units[state.phase];
    if (rate > 0 && unit !== undefined) facts.push(`${formatCount(rate)} ${unit}`);
    if (rate > 0 && state.total > 0) {
      facts.push(`${formatSeconds(Math.max(0, state.total - state.done) / rate)} left`);
    }
    if (memory !== undefined) {
      const room = `${formatBytes(memory.budgetBytes)} + ${formatBytes(memory.allowanceBytes)}`;
      facts.push(`RSS +${formatBytes(Math.max(0, memory.usedBytes))} of ${room}`);
    }
    return facts;
  }
}

/** `[█████░░░░░]`; empty when the total is unknown. */
export function progressBar(done: number, total: number, width: number): string {
  if (total <= 0) return '';
  const filled = Math.max(0, Math.min(width, Math.round((width * done) / total)));
  return `[${'█'.repeat(filled)}${'░'.repeat(width - filled)}]`;
}
