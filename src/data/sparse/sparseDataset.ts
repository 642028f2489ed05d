import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { Dataset } from '../dataset.js';
import type { DatasetDescription, PartName } from '../format.js';
import { openParts } from '../openParts.js';
import type { SparseDtype } from './sparseRecord.js';
import { SparseRowFile } from './sparseRowFile.js';
import { FEATURE_COLUMNS } from './sparseStatistics.js';

/** An open data set of sparse rows. */
export interface SparseDataset {
  readonly description: DatasetDescription;
  /** The folder it lies in. */
  readonly path: string;
  readonly train: SparseRowFile;
  readonly test: SparseRowFile;
  /** Reads one figure of each feature from feature `first` (0 unless given) on, as many as the target holds, at most to the last. */
  readFeatures(figure: (typeof FEATURE_COLUMNS)[number], target: Float64Array, first?: number): Promise<void>;
  /** Closes its files. */
  close(): Promise<void>;
}

/** Whether the rows of a data set are sparse. */
export function isSparse(dataset: Dataset | SparseDataset): dataset is SparseDataset {
  return dataset.description.sparse !== undefined;
}

/** Opens a data set folder whose description says that its rows are sparse; sizes are checked, contents are not. */
export async function openSparse(
  storage: Storage,
  folder: string,
  description: DatasetDescription,
): Promise<SparseDataset> {
  const { d, parts, sparse } = description;
  const layout = { d, dtype: description.dtype as SparseDtype };
  const open = (part: PartName) => {
    const { n, shards } = parts[part];
    const path = join(folder, shards[0]!.file);
    return SparseRowFile.open(storage, layout, path, n, sparse![part], part);
  };
  return {
    description,
    path: folder,
    ...(await openParts(open)),
    async readFeatures(figure, target, first = 0) {
      const path = join(folder, sparse!.features);
      const file = await storage.openRead(path);
      try {
        if (file.byteLength !== 8 * d * FEATURE_COLUMNS.length) {
          throw new MlmlError(
            'MLML_BAD_FILE',
            `${path}: has ${file.byteLength} bytes; the figures of ${d} features are ${8 * d * FEATURE_COLUMNS.length} bytes`,
          );
        }
        const bytes = new Uint8Array(
          target.buffer,
          target.byteOffset,
          8 * Math.min(target.length, d - first),
        );
        await file.readInto(bytes, 8 * (d * FEATURE_COLUMNS.indexOf(figure) + first));
      } finally {
        await file.close();
      }
    },
  };
}
