import { labelDtypeCodes } from '../../arithmetic/gather.js';
import type { DatasetDescription } from '../../data/format.js';
import type { RowLayout } from '../../data/rowLayout.js';
import type { Region } from '../../memory/plan.js';
import { checkLabels } from '../../ssgd/checkLabels.js';
import type { Workspace } from '../../threads/workspace.js';
import { badTarget, targetColumns } from '../targets.js';
import type { RowSource } from '../tiles/rowSource.js';

/** Rows whose labels are read at once. */
const ROWS = 64;

/** What a `TargetReader` needs. */
export function targetReaderRegions({ rowBytes, labels }: RowLayout): Region[] {
  return [
    { name: 'target rows', bytes: ROWS * rowBytes },
    { name: 'target labels', bytes: 8 * labels * ROWS },
  ];
}

/** Reads targets of any rows of a source: one-hot classes, or the values themselves. */
export class TargetReader {
  bytesRead = 0;
  readonly #workspace: Workspace;
  readonly #source: RowSource;
  readonly #layout: RowLayout;
  readonly #description: Pick<DatasetDescription, 'task' | 'k'>;
  readonly #numbers: Uint32Array | undefined;

  constructor(
    workspace: Workspace,
    source: RowSource,
    layout: RowLayout,
    description: Pick<DatasetDescription, 'task' | 'k'>,
    /** Row i of the source is training row `numbers[i]`; without them it is row i. */
    numbers?: Uint32Array,
  ) {
    this.#workspace = workspace;
    this.#source = source;
    this.#layout = layout;
    this.#description = description;
    this.#numbers = numbers;
  }

  /**
   * Writes the targets of `rows` rows from `firstRow` on, [rows][k].
   *
   * @throws MlmlError `MLML_BAD_DATA` for a label that is no class number, or a target that is not finite
   */
  async read(firstRow: number, rows: number, target: Float64Array): Promise<void> {
    const { arena, kernels } = this.#workspace;
    const { rowBytes, labelOffset, labelDtype, labels: labelsOfRow } = this.#layout;
    const { task } = this.#description;
    const k = targetColumns(this.#description);
    const bytes = arena.uint8('target rows');
    const labels = arena.float64('target labels');
    const code = labelDtypeCodes.indexOf(labelDtype);
    target.fill(0);
    for (let row = 0; row < rows; row += ROWS) {
      const count = Math.min(ROWS, rows - row);
      await this.#source.readRows(bytes, firstRow + row, count);
      this.bytesRead += count * rowBytes;
      kernels.gatherLabels(
        bytes.byteOffset,
        rowBytes,
        labelOffset,
        code,
        labelsOfRow,
        0,
        0,
        count,
        labels.byteOffset,
      );
      if (task === 'classification') checkLabels(labels, count, k);
      for (let i = 0; i < count; i++) {
        if (task === 'classification') {
          target[(row + i) * k + labels[i]!] = 1;
          continue;
        }
        const number = firstRow + row + i;
        for (let at = i * k; at < (i + 1) * k; at++) {
          if (!Number.isFinite(labels[at]!)) throw badTarget(this.#numbers?.[number] ?? number, labels[at]!);
          target[row * k + at] = labels[at]!;
        }
      }
    }
  }
}
