import type { RowReader } from './rowFile.js';
import type { RowLayout } from './rowLayout.js';
import type { RowSelection } from './rowSelection.js';

/** The rows of a file that are not held out, numbered 0, 1, 2 … without gaps, in stored order. */
export class KeptRows implements RowReader {
  readonly layout: RowLayout;
  readonly rows: number;
  readonly #file: RowReader;
  readonly #selection: RowSelection;

  constructor(file: RowReader, selection: RowSelection) {
    this.layout = file.layout;
    this.rows = selection.kept;
    this.#file = file;
    this.#selection = selection;
  }

  /**
   * Reads in pieces as long as what is left of the target, and closes the gaps of held-out rows in place: the piece
   * that follows is as long as the gaps were.
   */
  async readRows(target: Uint8Array, firstRow: number, count: number): Promise<void> {
    const { rowBytes } = this.layout;
    const selection = this.#selection;
    let row = count > 0 ? selection.keptRow(firstRow) : 0;
    for (let done = 0; done < count; ) {
      while (selection.isHeld(row)) row++;
      let end = Math.min(row + count - done, selection.rows);
      while (selection.isHeld(end - 1)) end--;
      await this.#file.readRows(target.subarray(done * rowBytes), row, end - row);
      done += closeGaps(target, done, rowBytes, row, end, (each) => !selection.isHeld(each));
      row = end;
    }
  }
}

/**
 * Rows `from` to `end` of a file lie in `target` from its row `at` on: moves those that are wanted together there, in
 * order, and returns how many they are.
 */
export function closeGaps(
  target: Uint8Array,
  at: number,
  rowBytes: number,
  from: number,
  end: number,
  wanted: (row: number) => boolean,
): number {
  let to = at;
  for (let row = from; row < end; ) {
    if (!wanted(row)) {
      row++;
      continue;
    }
    const run = row;
    while (row < end && wanted(row)) row++;
    const source = at + run - from;
    if (source !== to) target.copyWithin(to * rowBytes, source * rowBytes, (source + row - run) * rowBytes);
    to += row - run;
  }
  return to - at;
}
