import { labelDtypeCodes } from '../arithmetic/gather.js';
import type { DatasetDescription } from '../data/format.js';
import type { RowFile } from '../data/rowFile.js';
import type { RowLayout } from '../data/rowLayout.js';
import { scanBytes, scanRows } from '../data/scanRows.js';
import { MlmlError } from '../errors.js';
import type { Region } from '../memory/plan.js';
import { checkLabels } from '../ssgd/checkLabels.js';
import type { Workspace } from '../threads/workspace.js';

const ROWS_AT_ONCE = 256;
const LARGEST_READ = 1 << 19;

/** Columns of Y: one for each class, or each output of a regression. */
export function targetColumns(description: Pick<DatasetDescription, 'task' | 'k'>): number {
  return description.task === 'classification' ? Math.max(description.k, 2) : description.k;
}

/** What `readTargets` needs while it reads; free afterwards. */
export function targetRegions({ rowBytes, labels }: RowLayout): Region[] {
  const rows = Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(LARGEST_READ / rowBytes)));
  return [
    { name: 'label rows', bytes: scanBytes(rows, rowBytes) },
    { name: 'labels', bytes: 8 * labels * rows },
  ];
}

/**
 * Reads the labels of a file into `targets` [n][width]: one-hot classes, or the values themselves, repeated for each
 * of `copies` systems; columns behind them are 0.
 *
 * @throws MlmlError `MLML_BAD_DATA` for a label that is no class number, or a target that is not finite
 */
export async function readTargets(
  file: RowFile,
  description: Pick<DatasetDescription, 'task' | 'k'>,
  { arena, kernels }: Workspace,
  targets: Float64Array,
  width: number,
  copies: number,
  signal?: AbortSignal,
): Promise<void> {
  const { rowBytes, labelOffset, labelDtype, labels: labelsOfRow } = file.layout;
  const k = targetColumns(description);
  const labels = arena.float64('labels');
  const code = labelDtypeCodes.indexOf(labelDtype);
  targets.fill(0);
  for await (const block of scanRows(file, arena, 'label rows', signal)) {
    kernels.gatherLabels(
      block.base,
      rowBytes,
      labelOffset,
      code,
      labelsOfRow,
      0,
      0,
      block.to,
      labels.byteOffset,
    );
    if (description.task === 'classification') checkLabels(labels, block.to, k);
    for (let i = 0; i < block.to; i++) {
      const row = (block.firstRow + i) * width;
      if (description.task === 'classification') {
        for (let l = 0; l < copies; l++) targets[row + l * k + labels[i]!] = 1;
        continue;
      }
      for (let c = 0; c < k; c++) {
        const target = labels[i * k + c]!;
        if (!Number.isFinite(target)) throw badTarget(block.firstRow + i, target);
        for (let l = 0; l < copies; l++) targets[row + l * k + c] = target;
      }
    }
  }
}

/** What to say of a target that cannot be used. */
export function badTarget(row: number, target: number): MlmlError {
  return new MlmlError(
    'MLML_BAD_DATA',
    `training row ${row} has target ${target}, which is not a finite number; remove the row`,
  );
}
