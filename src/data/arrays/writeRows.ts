import { readNumber } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { findRowFault } from '../checkRows.js';
import type { DatasetWriter } from '../datasetWriter.js';
import type { PartName } from '../format.js';
import type { ImportOptions } from '../import/importOptions.js';
import { RowBatch } from '../import/rowBatch.js';
import { NanRepair } from '../onNan.js';
import { RowDraw, trainingRows } from '../table/splitRows.js';
import type { LabelMeaning } from './labelCensus.js';
import type { LabelledRows } from './labelledRows.js';

export type RowOptions = Pick<ImportOptions, 'percentage' | 'seed' | 'n' | 'onNan' | 'signal' | 'onWarning'>;

/** Writes all rows of a source to one part, or, without it, divides them at random, every class in the same proportion. */
export async function writeRows(
  writer: DatasetWriter,
  source: LabelledRows,
  meaning: LabelMeaning,
  options: RowOptions,
  part?: PartName,
): Promise<void> {
  const { rows, layout, rowsAtOnce } = source;
  const { task, strata } = meaning;
  const { percentage = 0.8, seed = 0, onNan = 'error' } = options;
  const draw = new RowDraw(strata, trainingRows(strata, percentage), seed);
  const batches = {
    train: new RowBatch(writer, 'train', layout.dtype, options.n),
    test: new RowBatch(writer, 'test', layout.dtype),
  };
  const block = new Uint8Array(rowsAtOnce * layout.rowBytes);
  const view = new DataView(block.buffer);
  const repair = new NanRepair(layout, onNan, rowsAtOnce);
  const inTrain = new Uint8Array(rowsAtOnce);
  const labels = new Float64Array(layout.labels);
  const labelsOf = (row: number) => {
    for (let c = 0; c < layout.labels; c++)
      labels[c] = readNumber(view, row + layout.labelOffset + 8 * c, 'float64');
  };
  const reader = source.open();
  try {
    for (let first = 0; first < rows; first += rowsAtOnce) {
      if (options.signal?.aborted) throw new MlmlError('MLML_INTERRUPTED', 'the import was interrupted');
      const count = Math.min(rowsAtOnce, rows - first);
      await reader.read(block, count);
      for (let i = 0; i < count; i++) {
        labelsOf(i * layout.rowBytes);
        const [label] = labels as unknown as [number];
        if (part !== undefined) inTrain[i] = part === 'train' ? 1 : 0;
        // Rows that are left out below are drawn too, so that which others train does not depend on them.
        else if (labels.every(Number.isFinite))
          inTrain[i] = draw.next(task === 'regression' ? 0 : meaning.valueOf(label)!) ? 1 : 0;
      }
      const left = repair.apply(block, count, part ?? 'train', first);
      const rowOf = (i: number) => first + repair.kept[i]!;
      const fault = findRowFault(layout, block, left, 'regression', 1);
      if (fault !== undefined) {
        const offset = fault.offset % layout.rowBytes;
        const behind = offset - layout.labelOffset;
        const j = behind < 0 ? Math.round((offset * layout.d) / layout.labelOffset) : layout.d + behind / 8;
        const place = reader.place(rowOf(fault.row), j);
        const label = behind >= 0;
        const what = label ? fault.message.replace('target', 'the label') : fault.message;
        const help = label
          ? '--on-nan=skip leaves such rows out'
          : '--on-nan=zero or --on-nan=skip goes on without it';
        throw new MlmlError('MLML_BAD_DATA', `${place}: ${what}; ${help}`);
      }
      for (let i = 0; i < left; i++) {
        const at = i * layout.rowBytes;
        labelsOf(at);
        const label = meaning.valueOf(labels[0]!);
        // Labels may be read from a file that somebody is changing.
        if (label === undefined)
          throw new MlmlError(
            'MLML_BAD_DATA',
            `${reader.place(rowOf(i), layout.d)}: the label was another when it was first read`,
          );
        const batch = inTrain[repair.kept[i]!] === 1 ? batches.train : batches.test;
        if (batch.add(view, at, label, (j) => reader.place(rowOf(i), j), labels)) await batch.flush();
      }
    }
    await batches.train.flush();
    await batches.test.flush();
  } finally {
    await reader.close();
  }
  if (repair.warning !== undefined) options.onWarning?.(repair.warning);
}
