import type { WritableFile } from '../../storage/storage.js';
import { mergeRuns, type SortedStream } from './mergeRuns.js';
import type { RankPlan } from './rankPlan.js';

/**
 * Scores of rows, sorted for each class: those of its own rows and those of the rest, in runs as long as the plan has room for.
 * One run stays in memory; when there are more all lie in a scratch file.
 */
export class ScoreRuns {
  readonly #plan: RankPlan;
  readonly #makeFile: () => Promise<WritableFile>;
  /**
   * Of each class one stretch: scores of its rows from the front, the others from the back. They are kept with their signs turned, so that
   * the highest come first. An ordinary buffer, since the engine sorts shared memory in a copy.
   */
  readonly #scores: Float64Array;
  /** Per run and class: scores of the class, scores of the rest. */
  readonly #counts: Float64Array;
  #file: WritableFile | undefined;
  #runs = 0;
  #rows = 0;

  /** `makeFile` is asked for a scratch file once, when a second run begins. */
  constructor(plan: RankPlan, makeFile: () => Promise<WritableFile>) {
    this.#plan = plan;
    this.#makeFile = makeFile;
    this.#scores = new Float64Array(plan.columns * plan.runRows);
    this.#counts = new Float64Array(2 * plan.columns * plan.mostRuns);
  }

  /** Whether `add` has room for another row; if not, `spill` makes it. */
  get full(): boolean {
    return this.#rows === this.#plan.runRows;
  }

  /** Whether all runs the plan has room for are taken. */
  get exhausted(): boolean {
    return this.full && this.#runs + 1 >= this.#plan.mostRuns;
  }

  /** Bytes in the scratch file. */
  get scratchBytes(): number {
    return this.#file === undefined ? 0 : this.#runs * this.#scores.byteLength;
  }

  /** The score of the next row for a class. All classes of a row are added before `endRow`. */
  add(column: number, score: number, positive: boolean): void {
    const { columns, runRows } = this.#plan;
    const at = 2 * (this.#runs * columns + column);
    const counts = this.#counts;
    const start = column * runRows;
    if (positive) this.#scores[start + counts[at]!++] = -score;
    else this.#scores[start + runRows - ++counts[at + 1]!] = -score;
  }

  endRow(): void {
    this.#rows++;
  }

  /** Sorts the run in memory and moves it to the scratch file. */
  async spill(): Promise<void> {
    this.#sort();
    this.#file ??= await this.#makeFile();
    const bytes = new Uint8Array(this.#scores.buffer);
    await this.#file.write(bytes, this.#runs * bytes.length);
    this.#runs++;
    this.#rows = 0;
  }

  /** Ends the adding. */
  async sort(): Promise<void> {
    if (this.#file !== undefined && this.#rows > 0) await this.spill();
    else this.#sort();
  }

  /** How many scores of a class were added: of its own rows, and of the rest. */
  counts(column: number): { own: number; others: number } {
    let [own, others] = [0, 0];
    for (let at = 2 * column; at < this.#counts.length; at += 2 * this.#plan.columns) {
      own += this.#counts[at]!;
      others += this.#counts[at + 1]!;
    }
    return { own, others };
  }

  /**
   * Goes through the different scores of a class, from the highest down, with the numbers of its own rows and of the rest that have it.
   * After `sort`, any number of times, one at a time.
   */
  async merge(
    column: number,
    visit: (score: number, positives: number, negatives: number) => void,
  ): Promise<void> {
    await mergeRuns(this.#streams(column), (number, positives, negatives) =>
      visit(-number, positives, negatives),
    );
  }

  #sort(): void {
    const { columns, runRows } = this.#plan;
    for (let column = 0; column < columns; column++) {
      const at = 2 * (this.#runs * columns + column);
      const [own, others] = [this.#counts[at]!, this.#counts[at + 1]!];
      const [start, end] = [column * runRows, (column + 1) * runRows];
      this.#scores.subarray(start, start + own).sort();
      this.#scores.subarray(end - others, end).sort();
    }
  }

  /** What is to be merged for a class. Streams from the file share the memory of the run that is no longer there. */
  #streams(column: number): SortedStream[] {
    const { columns, runRows } = this.#plan;
    const file = this.#file;
    const runs = file === undefined ? 1 : this.#runs;
    const piece = Math.floor(this.#scores.length / (2 * runs));
    const streams: SortedStream[] = [];
    for (let run = 0; run < runs; run++) {
      const at = 2 * (run * columns + column);
      const [own, others] = [this.#counts[at]!, this.#counts[at + 1]!];
      const [start, end] = [column * runRows, (column + 1) * runRows];
      for (const [positive, first, length] of [
        [true, start, own],
        [false, end - others, others],
      ] as const) {
        if (file === undefined) {
          streams.push({ positive, length, values: this.#scores.subarray(first, first + length) });
          continue;
        }
        const values = this.#scores.subarray(piece * streams.length, piece * (streams.length + 1));
        const position = 8 * (run * columns * runRows + first);
        streams.push({ positive, length, values, refill: refillFrom(file, values, position) });
      }
    }
    return streams;
  }
}

/** Reads the next values of a stream that begins at a position of a file. */
function refillFrom(file: WritableFile, values: Float64Array, start: number) {
  return (from: number, count: number) =>
    file.readInto(new Uint8Array(values.buffer, values.byteOffset, 8 * count), start + 8 * from);
}
