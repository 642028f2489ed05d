import { labelDtypeCodes } from '../arithmetic/gather.js';
import type { DatasetDescription } from '../data/format.js';
import type { RowFile } from '../data/rowFile.js';
import { scanBytes, scanRows } from '../data/scanRows.js';
import { MlmlError } from '../errors.js';
import type { Region } from '../memory/plan.js';
import { checkLabels } from '../ssgd/checkLabels.js';
import type { Workspace } from '../threads/workspace.js';

const ROWS_AT_ONCE = 256;
const LARGEST_READ = 1 << 19;

/** Columns of Y: one for each class, or the target itself. */
export function targetColumns(description: Pick<DatasetDescription, 'task' | 'k'>): number {
  return description.task === 'classification' ? Math.max(description.k, 2) : 1;
}

/** What `readTargets` needs while it reads; free afterwards. */
export function targetRegions(rowBytes: number): Region[] {
  const rows = Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(LARGEST_READ / rowBytes)));
  return [
    { name: 'label rows', bytes: scanBytes(rows, rowBytes) },
    { name: 'labels', bytes: 8 * rows },
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
  const { rowBytes, labelOffset, labelDtype } = file.layout;
  const k = targetColumns(description);
  const labels = arena.float64('labels');
  const code = labelDtypeCodes.indexOf(labelDtype);
  targets.fill(0);
  for await (const block of scanRows(file, arena, 'label rows', signal)) {
    kernels.gatherLabels(block.base, rowBytes, labelOffset, code, 0, 0, block.to, arena.address('labels'));
    if (description.task === 'classification') checkLabels(labels, block.to, k);
    for (let i = 0; i < block.to; i++) {
      const label = labels[i]!;
      const row = (block.firstRow + i) * width;
      if (description.task === 'classification') {
        for (let l = 0; l < copies; l++) targets[row + l * k + label] = 1;
        continue;
      }
      if (!Number.isFinite(label)) {
        throw new MlmlError(
          'MLML_BAD_DATA',
          `training row ${block.firstRow + i} has target ${label}, which is not a finite number; remove the row`,
        );
      }
      for (let l = 0; l < copies; l++) targets[row + l] = label;
    }
  }
}
