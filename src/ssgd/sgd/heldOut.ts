import { closeGaps } from '../../data/keptRows.js';
import type { RowReader } from '../../data/rowFile.js';
import type { RowLayout } from '../../data/rowLayout.js';
import type { RowSelection } from '../../data/rowSelection.js';
import { scanRows } from '../../data/scanRows.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage, WritableFile } from '../../storage/storage.js';
import { heldOutShare, type TrainOptions } from '../options.js';

/** How many of `rows` training rows are held out. */
export function heldOutRows(options: TrainOptions, rows: number): number {
  const share = heldOutShare(options);
  if (share === 0) return 0;
  const held = Math.round(share * rows);
  if (held < 1 || held >= rows) {
    throw new MlmlError(
      'MLML_USAGE',
      `--holdout=${share}: holds out ${held} of ${rows} training rows; at least one must be held out and one be left`,
    );
  }
  return held;
}

/** The held-out rows of a part, copied to scratch, where they lie together and are read as often as needed. */
export class HeldOutRows implements RowReader {
  readonly layout: RowLayout;
  readonly rows: number;
  readonly #file: WritableFile;
  readonly #scratch: Scratch;

  private constructor(layout: RowLayout, rows: number, file: WritableFile, scratch: Scratch) {
    this.layout = layout;
    this.rows = rows;
    this.#file = file;
    this.#scratch = scratch;
  }

  /** Copies them in one pass over `file`, through the arena's region `region`. Call `close` in the end. */
  static async copy(
    file: RowReader,
    selection: RowSelection,
    arena: Arena,
    region: string,
    context: { readonly storage: Storage; readonly scratchFolder: string; readonly signal?: AbortSignal },
  ): Promise<HeldOutRows> {
    const { rowBytes } = file.layout;
    const scratch = await Scratch.open(context.storage, context.scratchFolder, selection.held * rowBytes);
    try {
      const copy = await scratch.create('heldout.rows', {});
      let written = 0;
      for await (const { base, firstRow, to } of scanRows(file, arena, region, context.signal)) {
        const rows = new Uint8Array(arena.buffer, base, to * rowBytes);
        const held = closeGaps(rows, 0, rowBytes, firstRow, firstRow + to, (row) => selection.isHeld(row));
        await copy.write(rows.subarray(0, held * rowBytes), written * rowBytes);
        written += held;
      }
      return new HeldOutRows(file.layout, written, copy, scratch);
    } catch (error) {
      await scratch.close();
      throw error;
    }
  }

  async readRows(target: Uint8Array, firstRow: number, count: number): Promise<void> {
    const { rowBytes } = this.layout;
    await this.#file.readInto(target.subarray(0, count * rowBytes), firstRow * rowBytes);
  }

  async close(): Promise<void> {
    await this.#scratch.close();
  }
}
