import type { MissingWords } from '../columns/cells.js';
import type { Cell } from '../columns/columnMapping.js';
import { ColumnProfile } from './columnProfile.js';
import { numbersOf, type TableBatch } from './tableSource.js';

/** Looks at the columns of several labels, which are all to be numbers: only what is none is looked at closely. */
export class LabelProfiles {
  readonly profiles: readonly ColumnProfile[];
  /** Rows that have all labels. */
  labelled = 0;
  readonly #columns: readonly number[];
  readonly #numbers: Float64Array;
  /** Whether a label of a row is missing. */
  readonly #missing: Uint8Array;

  /** @param names of all columns of the table @param columns those of the labels @param blockRows rows taken at once, at most */
  constructor(
    names: readonly string[],
    columns: readonly number[],
    blockRows: number,
    missing: MissingWords,
  ) {
    this.#columns = columns;
    this.#numbers = new Float64Array(blockRows);
    this.#missing = new Uint8Array(blockRows);
    this.profiles = columns.map((column) => new ColumnProfile(names[column]!, 0, { bytes: 0 }, missing));
  }

  /** Takes `count` rows from row `from`; `onMissing` is told of each label that is missing. */
  add(
    batch: TableBatch,
    from: number,
    count: number,
    onMissing: (place: () => string, cell: Cell, column: number) => void,
  ): void {
    const missing = this.#missing.fill(0, 0, count);
    for (const [c, column] of this.#columns.entries()) {
      const profile = this.profiles[c]!;
      numbersOf(batch, column, from, count, this.#numbers);
      const counted = profile.spread.addAll(this.#numbers, count);
      profile.addNumbers(counted);
      for (let i = 0; counted < count && i < count; i++) {
        if (!Number.isNaN(this.#numbers[i]!)) continue;
        const place = () => batch.place(from + i);
        const cell = batch.cell(from + i, column);
        if (!profile.add(cell, place).missing) continue;
        missing[i] = 1;
        onMissing(place, cell, column);
      }
    }
    for (let i = 0; i < count; i++) if (missing[i] === 0) this.labelled++;
  }
}
