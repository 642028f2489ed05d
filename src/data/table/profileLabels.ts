import { ColumnProfile } from './columnProfile.js';
import { numbersOf, type TableBatch } from './tableSource.js';

/** Rows whose numbers are looked at together. */
const BLOCK_ROWS = 1024;

/** Looks at the columns of several labels, which are all to be numbers: only what is none is looked at closely. */
export class LabelProfiles {
  readonly profiles: readonly ColumnProfile[];
  /** Rows that have all labels. */
  labelled = 0;
  readonly #columns: readonly number[];
  readonly #numbers = new Float64Array(BLOCK_ROWS);
  /** Whether a label of a row is missing. */
  readonly #missing = new Uint8Array(BLOCK_ROWS);

  constructor(names: readonly string[], columns: readonly number[]) {
    this.#columns = columns;
    this.profiles = columns.map((column) => new ColumnProfile(names[column]!, 0, { bytes: 0 }));
  }

  /** Takes `count` rows from row `from`; `onMissing` is told of each label that is missing. */
  add(
    batch: TableBatch,
    from: number,
    count: number,
    onMissing: (batch: TableBatch, row: number, name: string) => void,
  ): void {
    const missing = this.#missing.fill(0, 0, count);
    for (const [c, column] of this.#columns.entries()) {
      const profile = this.profiles[c]!;
      numbersOf(batch, column, from, count, this.#numbers);
      let counted = 0;
      for (let i = 0; i < count; i++) {
        if (!Number.isNaN(this.#numbers[i]!)) {
          counted++;
          continue;
        }
        if (!profile.add(batch.cell(from + i, column), () => batch.place(from + i))) continue;
        missing[i] = 1;
        onMissing(batch, from + i, profile.name);
      }
      profile.addNumbers(counted);
    }
    for (let i = 0; i < count; i++) if (missing[i] === 0) this.labelled++;
  }
}
