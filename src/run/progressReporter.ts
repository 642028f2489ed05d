import type { TrainEvent } from '../ssgd/events.js';
import { formatCount, formatLoss, formatQuality, formatSeconds } from './numbers.js';
import { planLine } from './planText.js';
import { type MemoryState, ProgressMeter, type ProgressState, progressBar } from './progressMeter.js';

/** The stream progress goes to, usually stderr. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface ReporterOptions {
  readonly stream: ProgressStream;
  readonly quiet: boolean;
  /** Milliseconds, from any origin. */
  readonly clock: () => number;
  readonly memory?: () => MemoryState;
}

const REDRAW_MS = 100;
const PLAIN_MS = 5000;
const WIDEST_BAR = 20;
const NARROWEST_BAR = 5;
const CLEAR = '\r\u001b[K';
const COLUMNS = [
  ['time', 9],
  ['step', 12],
  ['samples', 13],
  ['epoch', 6],
  ['loss', 12],
  ['rate', 11],
] as const;

/** Of verbs that have no epochs. */
const PASS_COLUMNS = COLUMNS.map(([name, width]) =>
  name === 'epoch' ? (['passes', width + 1] as const) : ([name, width] as const),
);

/** Events count epochs from 0 and always have one; people count from 1, and only while training. */
function withEpoch(event: Extract<TrainEvent, { type: 'progress' }>): ProgressState {
  const { phase, done, total, bytesRead, bytesWritten } = event;
  const state = { phase, done, total, bytesRead, bytesWritten };
  return phase === 'train' ? { epoch: event.epoch + 1, ...state } : state;
}

/** When an evaluation was made. */
function after({ epoch, passes }: Extract<TrainEvent, { type: 'evaluation' }>): string {
  if (passes !== undefined) return ` after ${passes} ${passes === 1 ? 'pass' : 'passes'}`;
  return epoch > 0 ? ` after epoch ${epoch}` : '';
}

/** Shows a job on a terminal: a redrawn line there, plain timed lines elsewhere, rows of figures on both. */
export class ProgressReporter {
  readonly #stream: ProgressStream;
  readonly #quiet: boolean;
  readonly #clock: () => number;
  readonly #memory: (() => MemoryState) | undefined;
  readonly #meter = new ProgressMeter();
  readonly #startMs: number;
  #lastShownMs: number;
  #barShown = false;
  #headerShown = false;

  constructor(options: ReporterOptions) {
    this.#stream = options.stream;
    this.#quiet = options.quiet;
    this.#clock = options.clock;
    this.#memory = options.memory;
    this.#startMs = options.clock();
    this.#lastShownMs = this.#startMs;
  }

  /** Prints a line of its own, above the bar. */
  line(text: string): void {
    if (this.#quiet) return;
    this.#stream.write(`${this.#barShown ? CLEAR : ''}${text}\n`);
    this.#barShown = false;
  }

  /** Shows a warning, also when quiet: it is news about the result. */
  warn(message: string): void {
    this.#stream.write(`${this.#barShown ? CLEAR : ''}warning: ${message}\n`);
    this.#barShown = false;
  }

  /** Since the reporter was made. */
  time(): string {
    return formatSeconds((this.#clock() - this.#startMs) / 1000);
  }

  progress(state: ProgressState): void {
    if (this.#quiet) return;
    const now = this.#clock();
    this.#meter.observe(state, now);
    if (now - this.#lastShownMs < (this.#stream.isTTY ? REDRAW_MS : PLAIN_MS)) return;
    this.#lastShownMs = now;
    const facts = this.#meter.facts(state, now, this.#memory?.());
    if (!this.#stream.isTTY) {
      this.line(`${this.time().padStart(9)}  ${facts.join(', ')}`);
      return;
    }
    const text = facts.join('  ');
    const columns = (this.#stream.columns ?? 80) - 1;
    const width = Math.min(WIDEST_BAR, columns - text.length - '[]  '.length);
    const bar =
      state.total > 0 && width >= NARROWEST_BAR ? `${progressBar(state.done / state.total, width)}  ` : '';
    this.#stream.write(`${CLEAR}${(bar + text).slice(0, columns)}`);
    this.#barShown = true;
  }

  /** Takes any event of training. */
  event(event: TrainEvent): void {
    switch (event.type) {
      case 'plan':
        this.line(planLine(event.plan));
        if (event.plan.hint !== undefined) this.line(`  - ${event.plan.hint}`);
        return;
      case 'rate':
        if (event.model !== undefined) return;
        return this.line(`rate: eta0 ${formatLoss(event.eta0)} (${event.reason})`);
      case 'warning':
        return this.warn(
          event.model === undefined ? event.message : `model ${event.model}: ${event.message}`,
        );
      case 'progress':
        return this.progress(withEpoch(event));
      case 'row':
        if (event.model === undefined) this.#row(event);
        return;
      case 'evaluation':
        if (event.model !== undefined) return;
        return this.line(
          `${this.time().padStart(9)}  ${event.part === 'holdout' ? 'held out' : event.part}${after(event)}: ` +
            `loss ${formatLoss(event.evaluation.loss)}, ${formatQuality(event.evaluation)}`,
        );
      case 'checkpoint':
        return this.line(`${this.time().padStart(9)}  saved after ${formatCount(event.done)} ${event.unit}`);
      case 'resumed':
        return this.line(
          `resumed: ${formatCount(event.done)} of ${formatCount(event.total)} ${event.unit} done before`,
        );
      case 'sweep':
        return this.#sweep(event);
      case 'stopped': {
        if (event.model !== undefined) return;
        const since = `no epoch since epoch ${event.bestEpoch} was better on the held-out rows`;
        return this.line(`${this.time().padStart(9)}  stopped after epoch ${event.epoch}: ${since}`);
      }
      // The result tells of folds.
      case 'folds':
      case 'log':
        return;
    }
  }

  #sweep({ samples, models }: Extract<TrainEvent, { type: 'sweep' }>): void {
    const best = models[0];
    if (best?.heldOut === undefined) return;
    const training = models.filter(({ fate }) => fate === 'trained').length;
    const values = Object.entries(best.options).map(([name, value]) => `${name}=${value}`);
    this.line(
      `${this.time().padStart(9)}  ${formatCount(samples)} samples, ${training} of ${models.length} models training; ` +
        `best ${values.join(' ')}: ${formatQuality(best.heldOut)} held out`,
    );
  }

  #row(row: Extract<TrainEvent, { type: 'row' }>): void {
    const { passes } = row;
    const columns = passes === undefined ? COLUMNS : PASS_COLUMNS;
    if (!this.#headerShown) this.line(columns.map(([name, width]) => name.padStart(width)).join(''));
    this.#headerShown = true;
    const cells = [
      this.time(),
      formatCount(row.step),
      formatCount(row.samples),
      String(passes ?? row.epoch + 1),
      formatLoss(row.loss),
      formatLoss(row.learningRate),
    ];
    this.line(cells.map((cell, i) => cell.padStart(columns[i]![1])).join(''));
  }

  /** Removes the bar. */
  end(): void {
    if (this.#barShown) this.#stream.write(CLEAR);
    this.#barShown = false;
  }
}
