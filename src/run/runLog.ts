import { MlmlError } from '../errors.js';
import type { KernelEvent } from '../kernel/events.js';
import type { TrainEvent } from '../ssgd/events.js';
import type { Storage } from '../storage/storage.js';
import { LineFile } from './lineFile.js';
import { planFields } from './planText.js';
import type { RunPaths } from './runFolder.js';

/** Columns behind those of 2016, where a run has something to say in them. */
export type ExtraColumn = 'holdout' | 'model';
const extraHeaders: Record<ExtraColumn, string> = { holdout: 'Holdout Accuracy', model: 'Model' };

const CSV_HEADER = 'i,Time,Loss,Train Accuracy,Test Accuracy';
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

/** Where the files of a run stood when its state was saved. */
export interface LogMark {
  /** Which run: a job may be gone on with by another, whose files are its own. */
  readonly run: string;
  /** Worked so far. */
  readonly seconds: number;
  readonly eventBytes: number;
  readonly csvBytes: number;
}

export interface RunLogOptions {
  /** Where the CSV log of 2016 goes; undefined makes none. */
  readonly csv: string | undefined;
  /** Milliseconds. */
  readonly clock: () => number;
  /** Resident bytes. */
  readonly memory: () => number;
  /** Columns beside those of 2016. */
  readonly extraColumns?: readonly ExtraColumn[];
  /** Names the run in marks. */
  readonly run: string;
}

type LoggedEvent = TrainEvent | KernelEvent | RunEvent;

/** Writes `events.jsonl` and the CSV log while a run goes on. `record` may be called from code that cannot wait. */
export class RunLog {
  readonly #storage: Storage;
  readonly #paths: RunPaths;
  readonly #options: RunLogOptions;
  /** Undefined while it is not known where a run goes on. */
  #files: { readonly events: LineFile; readonly csv: LineFile | undefined } | undefined;
  /** What happened until then. */
  readonly #waiting: { readonly event: LoggedEvent; readonly at: number }[] = [];
  /** When the clock would have shown the start of the work, had it never been stopped. */
  #started: number;
  #lastProgress = Number.NEGATIVE_INFINITY;

  private constructor(storage: Storage, paths: RunPaths, options: RunLogOptions) {
    this.#storage = storage;
    this.#paths = paths;
    this.#options = options;
    this.#started = options.clock();
  }

  /** Makes the files. */
  static async create(storage: Storage, paths: RunPaths, options: RunLogOptions): Promise<RunLog> {
    const log = new RunLog(storage, paths, options);
    const { clock } = options;
    const events = await LineFile.create(storage, paths.events, clock);
    log.#files = await log.#withCsv(
      events,
      (path) => LineFile.create(storage, path, clock),
      () => true,
    );
    return log;
  }

  /** The log of a run that is gone on with. Its files are left as they are until `goOn` says from where. */
  static waiting(storage: Storage, paths: RunPaths, options: RunLogOptions): RunLog {
    return new RunLog(storage, paths, options);
  }

  async #withCsv(events: LineFile, open: (path: string) => Promise<LineFile>, isNew: () => boolean) {
    const path = this.#options.csv;
    if (path === undefined) return { events, csv: undefined };
    try {
      const csv = await open(path);
      const extra = (this.#options.extraColumns ?? []).map((column) => extraHeaders[column]);
      if (isNew()) csv.append([CSV_HEADER, ...extra].join(','));
      return { events, csv };
    } catch (error) {
      await events.close().catch(() => {});
      throw error;
    }
  }

  /**
   * Goes on from where the files stood when the state was saved that the job goes on from; from nothing without a mark, or with
   * one of another run. Does nothing when it has been called before.
   */
  async goOn(mark: LogMark | undefined): Promise<void> {
    if (this.#files !== undefined) return;
    const { clock, run } = this.#options;
    const own = mark?.run === run ? mark : undefined;
    if (own !== undefined) this.#started = clock() - 1000 * own.seconds;
    const events = await this.#reopen(this.#paths.events, own?.eventBytes ?? 0);
    let isNew = false;
    const openCsv = async (path: string) => {
      const csv = await this.#reopen(path, own?.csvBytes ?? 0);
      isNew = csv.isNew;
      return csv.file;
    };
    this.#files = await this.#withCsv(events.file, openCsv, () => isNew);
    // What was told while the state was being found has cost no work.
    for (const { event, at } of this.#waiting.splice(0)) this.#write(event, own === undefined ? at : clock());
  }

  /** A file of the run behind its first bytes. One that has lost some, or is gone, begins anew: no reason not to go on. */
  async #reopen(path: string, length: number): Promise<{ file: LineFile; isNew: boolean }> {
    const { clock } = this.#options;
    try {
      return { file: await LineFile.goOn(this.#storage, path, length, clock), isNew: length === 0 };
    } catch (error) {
      if (!(error instanceof MlmlError) || error.code !== 'MLML_BAD_FILE') throw error;
      const event = { type: 'warning', message: `${error.message}: it begins anew` } as const;
      this.#waiting.push({ event, at: clock() });
      return { file: await LineFile.goOn(this.#storage, path, 0, clock), isNew: true };
    }
  }

  /** Forces the files to the disk and says where they stand. */
  async mark(): Promise<LogMark> {
    await this.goOn(undefined);
    const { events, csv } = this.#files!;
    const [eventBytes, csvBytes] = [await events.mark(), (await csv?.mark()) ?? 0];
    return { run: this.#options.run, seconds: this.#time(this.#options.clock()), eventBytes, csvBytes };
  }

  /** Seconds of work, to the millisecond. */
  #time(at: number): number {
    return Math.round(at - this.#started) / 1000;
  }

  record(event: LoggedEvent): void {
    const at = this.#options.clock();
    if (this.#files === undefined) this.#waiting.push({ event, at });
    else this.#write(event, at);
  }

  #write(event: LoggedEvent, at: number): void {
    const { events, csv } = this.#files!;
    const time = this.#time(at);
    if (event.type === 'log') {
      // The CSV log is for these; with --logfreq=1 they are too many for the other file.
      const line = `${event.step},${time},${event.loss},${event.trainAccuracy ?? ''},${event.testAccuracy ?? ''}`;
      const extra = (this.#options.extraColumns ?? []).map(
        (column) => `,${(column === 'holdout' ? event.holdoutAccuracy : event.model) ?? ''}`,
      );
      csv?.append(line + extra.join(''), false);
      return;
    }
    if (event.type === 'progress') {
      if (at - this.#lastProgress < PROGRESS_MS) return;
      this.#lastProgress = at;
      events.append(JSON.stringify({ time, ...event, rssBytes: this.#options.memory() }), false);
      return;
    }
    const told = event.type === 'plan' ? { type: event.type, plan: planFields(event.plan) } : event;
    events.append(JSON.stringify({ time, ...told }));
  }

  /** Writes what is left and closes the files. A run that failed before it went on leaves them as they were. */
  async close(): Promise<void> {
    if (this.#files === undefined) return;
    const { events, csv } = this.#files;
    const dropped = csv?.dropped ?? 0;
    if (dropped > 0) {
      const message = `${dropped} lines of the CSV log were dropped: the disk is slower than the log; raise --logfreq`;
      events.append(JSON.stringify({ time: this.#time(this.#options.clock()), type: 'warning', message }));
    }
    const closed = await Promise.allSettled([events.close(), csv?.close()]);
    for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason;
  }
}
