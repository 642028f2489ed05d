import type { KernelEvent } from '../kernel/events.js';
import type { TrainEvent } from '../ssgd/events.js';
import type { Storage } from '../storage/storage.js';
import { LineFile } from './lineFile.js';
import { planFields } from './planText.js';
import type { RunPaths } from './runFolder.js';

/** Columns behind those of 2016, where a run has something to say in them. */
export type ExtraColumn = 'holdout' | 'model';
const extraHeaders: Record<ExtraColumn, string> = { holdout: 'Holdout Accuracy', model: 'Model' };

export const CSV_HEADER = 'i,Time,Loss,Train Accuracy,Test Accuracy';
const PROGRESS_MS = 1000;

/** Events of a run itself, beside those of training. */
export type RunEvent =
  | {
      readonly type: 'start';
      readonly verb: string;
      readonly dataset: string;
      readonly command: readonly string[];
    }
  | { readonly type: 'end'; readonly status: 'done' | 'failed'; readonly error?: string };

/** Writes `events.jsonl` and the CSV log while a run goes on. `record` may be called from code that cannot wait. */
export class RunLog {
  readonly #events: LineFile;
  readonly #csv: LineFile | undefined;
  readonly #clock: () => number;
  readonly #extra: readonly ExtraColumn[];
  readonly #memory: () => number;
  readonly #started: number;
  #lastProgress = Number.NEGATIVE_INFINITY;

  private constructor(
    events: LineFile,
    csv: LineFile | undefined,
    clock: () => number,
    memory: () => number,
    extra: readonly ExtraColumn[],
  ) {
    this.#events = events;
    this.#csv = csv;
    this.#clock = clock;
    this.#memory = memory;
    this.#extra = extra;
    this.#started = clock();
  }

  /** `csv` false makes no CSV log. `clock`: milliseconds; `memory`: resident bytes. */
  static async create(
    storage: Storage,
    paths: RunPaths,
    options: {
      readonly csv: boolean;
      readonly clock: () => number;
      readonly memory: () => number;
      readonly extraColumns?: readonly ExtraColumn[];
    },
  ): Promise<RunLog> {
    const events = await LineFile.create(storage, paths.events, options.clock);
    const extra = options.extraColumns ?? [];
    let csv: LineFile | undefined;
    if (options.csv) {
      csv = await LineFile.create(storage, paths.csv, options.clock).catch(async (error) => {
        await events.close().catch(() => {});
        throw error;
      });
      csv.append([CSV_HEADER, ...extra.map((column) => extraHeaders[column])].join(','));
    }
    return new RunLog(events, csv, options.clock, options.memory, extra);
  }

  /** Seconds since the log was made, to the millisecond. */
  #time(): number {
    return Math.round(this.#clock() - this.#started) / 1000;
  }

  record(event: TrainEvent | KernelEvent | RunEvent): void {
    const time = this.#time();
    if (event.type === 'log') {
      // The CSV log is for these; with --logfreq=1 they are too many for the other file.
      const line = `${event.step},${time},${event.loss},${event.trainAccuracy ?? ''},${event.testAccuracy ?? ''}`;
      const extra = this.#extra.map(
        (column) => `,${(column === 'holdout' ? event.holdoutAccuracy : event.model) ?? ''}`,
      );
      this.#csv?.append(line + extra.join(''), false);
      return;
    }
    if (event.type === 'progress') {
      const now = this.#clock();
      if (now - this.#lastProgress < PROGRESS_MS) return;
      this.#lastProgress = now;
      this.#events.append(JSON.stringify({ time, ...event, rssBytes: this.#memory() }), false);
      return;
    }
    const told = event.type === 'plan' ? { type: event.type, plan: planFields(event.plan) } : event;
    this.#events.append(JSON.stringify({ time, ...told }));
  }

  /** Writes what is left and closes both files. */
  async close(): Promise<void> {
    const dropped = this.#csv?.dropped ?? 0;
    if (dropped > 0) {
      const message = `${dropped} lines of the CSV log were dropped: the disk is slower than the log; raise --logfreq`;
      this.#events.append(JSON.stringify({ time: this.#time(), type: 'warning', message }));
    }
    const closed = await Promise.allSettled([this.#events.close(), this.#csv?.close()]);
    for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason;
  }
}
