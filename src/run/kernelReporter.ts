import type { KernelEvent } from '../kernel/events.js';
import type { KernelFunction } from '../kernel/functions/kernelFunction.js';
import { formatCount, formatLoss, formatShare } from './numbers.js';
import type { ProgressReporter } from './progressReporter.js';

export interface KernelReporterOptions {
  /** A kernel with its parameters, in words. */
  readonly kernelName: (kernel: KernelFunction) => string;
  /** Held-out figures are accuracies, not rmse. */
  readonly classification: boolean;
  readonly regularizations: readonly number[];
  /** Print the notes of the plan too: the choices that were made for the user. */
  readonly notes: boolean;
}

/** Index of the best held-out figure: the largest accuracy, the smallest rmse; the first of equals. */
export function bestIndex(heldOut: readonly number[], classification: boolean): number {
  let best = 0;
  for (const [i, value] of heldOut.entries()) {
    if (classification ? value > heldOut[best]! : value < heldOut[best]!) best = i;
  }
  return best;
}

/** Shows the events of a kernel job: a line for each pass over the kernel, and what led to it. */
export class KernelReporter {
  readonly #reporter: ProgressReporter;
  readonly #options: KernelReporterOptions;
  #headerShown = false;

  constructor(reporter: ProgressReporter, options: KernelReporterOptions) {
    this.#reporter = reporter;
    this.#options = options;
  }

  event(event: KernelEvent): void {
    switch (event.type) {
      case 'plan':
        this.#reporter.event(event);
        if (this.#options.notes) for (const note of event.plan.notes) this.#reporter.line(`  - ${note}`);
        return;
      case 'kernel':
        return this.#reporter.line(`kernel: ${this.#options.kernelName(event.kernel)} (${event.reason})`);
      case 'progress': {
        const { phase, done, total, bytesRead, bytesWritten, epoch } = event;
        const state = { phase, done, total, bytesRead, bytesWritten };
        // Events count passes from 0, people from 1.
        return this.#reporter.progress(phase === 'solve' ? { pass: epoch + 1, ...state } : state);
      }
      case 'pass':
        return this.#pass(event);
      case 'checkpoint':
        return this.#timed(`checkpoint after pass ${event.pass}`);
      case 'resumed': {
        const all = event.total > 0 ? ` of ${formatCount(event.total)}` : '';
        return this.#reporter.line(`resumed: ${formatCount(event.done)}${all} done before`);
      }
      case 'evaluation':
      case 'warning':
        return this.#reporter.event(event);
    }
  }

  #timed(text: string): void {
    this.#reporter.line(`${this.#reporter.time().padStart(9)}  ${text}`);
  }

  #pass({ pass, residuals, exact, heldOut }: Extract<KernelEvent, { type: 'pass' }>): void {
    const { classification, regularizations } = this.#options;
    const several = regularizations.length > 1;
    if (!this.#headerShown) {
      const cells = ['pass'.padStart(7), 'residual'.padStart(12)];
      if (heldOut !== undefined) cells.push((classification ? 'held out' : 'rmse').padStart(11));
      if (heldOut !== undefined && several) cells.push('with reg'.padStart(11));
      this.#reporter.line('time'.padStart(9) + cells.join(''));
    }
    this.#headerShown = true;
    const cells = [String(pass).padStart(7), formatLoss(Math.max(...residuals)).padStart(12)];
    if (heldOut !== undefined) {
      const best = bestIndex(heldOut, classification);
      const figure = classification ? formatShare(heldOut[best]!) : formatLoss(heldOut[best]!);
      cells.push(figure.padStart(11));
      if (several) cells.push(String(regularizations[best]).padStart(11));
    }
    if (exact) cells.push('  (computed afresh)');
    this.#reporter.line(this.#reporter.time().padStart(9) + cells.join(''));
  }
}
