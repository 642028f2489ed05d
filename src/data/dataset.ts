import { join } from 'node:path';
import { MlmlError } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import { readJson } from '../storage/textFile.js';
import { checkDescription, type DatasetDescription, DESCRIPTION_FILE, type PartName } from './format.js';
import { openParts } from './openParts.js';
import { RowFile } from './rowFile.js';
import { layoutOf, type RowLayout } from './rowLayout.js';
import type { RowSample } from './rowSample.js';
import { openSparse, type SparseDataset } from './sparse/sparseDataset.js';

/** An open data set: its description and its two row files. */
export interface Dataset {
  readonly description: DatasetDescription;
  /** The folder it lies in; for raw row files, the path of the training file. */
  readonly path: string;
  readonly layout: RowLayout;
  readonly train: RowFile;
  readonly test: RowFile;
  /** Of sparse rows in slots (see `openSlots`), whose description has none: figures of each feature, zeros counted. */
  readonly features?: {
    readonly mean: Float64Array;
    readonly variance: Float64Array;
    readonly min: Float64Array;
    readonly max: Float64Array;
  };
  /** The least of all features, where it is known without those figures. */
  readonly smallestFeature?: number;
  /** Set when the training rows are a sample of those stored. */
  readonly sample?: RowSample;
  /** Closes its files. */
  close(): Promise<void>;
}

/** Reads and checks `dataset.json`. */
export async function readDescription(storage: Storage, folder: string): Promise<DatasetDescription> {
  const path = join(folder, DESCRIPTION_FILE);
  if ((await storage.status(path)) === undefined) {
    throw new MlmlError(
      'MLML_NOT_FOUND',
      `${folder}: is not a data set folder (there is no ${DESCRIPTION_FILE} in it)`,
    );
  }
  return checkDescription(await readJson(storage, path), path);
}

/**
 * Opens a data set folder; sizes are checked, contents are not (see `verifyDataset`). One of sparse rows is `MLML_USAGE`: it is
 * opened by `openAnyDataset`.
 */
export async function openDataset(storage: Storage, folder: string): Promise<Dataset> {
  const description = await readDescription(storage, folder);
  if (description.sparse !== undefined) {
    throw new MlmlError(
      'MLML_USAGE',
      `${folder}: holds sparse rows, and dense ones are needed here; import the text again with --dense`,
    );
  }
  return await openDense(storage, folder, description);
}

/** Opens a data set folder of dense or of sparse rows; see `isSparse`. */
export async function openAnyDataset(storage: Storage, folder: string): Promise<Dataset | SparseDataset> {
  const description = await readDescription(storage, folder);
  if (description.sparse !== undefined) return await openSparse(storage, folder, description);
  return await openDense(storage, folder, description);
}

async function openDense(
  storage: Storage,
  folder: string,
  description: DatasetDescription,
): Promise<Dataset> {
  const layout = layoutOf(description);
  const open = (part: PartName) =>
    RowFile.open(
      storage,
      layout,
      description.parts[part].shards.map(({ file, rows }) => ({ path: join(folder, file), rows })),
      part,
    );
  return { description, path: folder, layout, ...(await openParts(open)) };
}
