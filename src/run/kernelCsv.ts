import type { KernelEvent } from '../kernel/events.js';
import { bestIndex } from './kernelReporter.js';
import type { RunLog } from './runLog.js';

/**
 * The CSV log of a kernel job: a line for every `frequency`-th pass, with the residual as the loss (of the regularization
 * that is best on held-out rows; else the largest), and a last line with the accuracies of the finished model.
 */
export class KernelCsv {
  readonly #log: RunLog;
  readonly #frequency: number;
  readonly #classification: boolean;
  #trainAccuracy: number | undefined;
  #testAccuracy: number | undefined;

  constructor(log: RunLog, frequency: number, classification: boolean) {
    this.#log = log;
    this.#frequency = frequency;
    this.#classification = classification;
  }

  event(event: KernelEvent): void {
    if (event.type === 'evaluation') {
      if (event.part === 'train') this.#trainAccuracy = event.evaluation.accuracy;
      else this.#testAccuracy = event.evaluation.accuracy;
    }
    if (event.type !== 'pass' || this.#frequency === 0 || event.pass % this.#frequency !== 0) return;
    const { pass, residuals, heldOut } = event;
    const residual =
      heldOut === undefined ? Math.max(...residuals) : residuals[bestIndex(heldOut, this.#classification)]!;
    this.#line(pass, residual);
  }

  /** The last line: passes in all and the residual of the model kept. */
  end(passes: number, residual: number): void {
    if (this.#frequency > 0) this.#line(passes, residual);
  }

  #line(pass: number, residual: number): void {
    this.#log.record({
      type: 'log',
      step: pass,
      loss: residual,
      trainAccuracy: this.#trainAccuracy,
      testAccuracy: this.#testAccuracy,
    });
  }
}
