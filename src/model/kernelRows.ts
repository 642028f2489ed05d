import { openAnyDataset } from '../data/dataset.js';
import { RowFile } from '../data/rowFile.js';
import { rowsAs } from '../data/sparse/rowViews.js';
import { rowsByNumber } from '../data/sparse/slotFile.js';
import { MlmlError } from '../errors.js';
import type { KernelModel } from '../kernel/kernelModel.js';
import { type RowSource, SelectedRows } from '../kernel/tiles/rowSource.js';
import type { Storage } from '../storage/storage.js';

/** The training rows of a kernel model, open for reading. */
export interface ModelRowSource {
  readonly rows: RowSource;
  close(): Promise<void>;
}

/**
 * Opens the rows a kernel model compares with, to be read in the layout of its geometry, or in another that holds them.
 *
 * @throws MlmlError `MLML_NOT_FOUND` when the data set it refers to is not where it was, `MLML_MISMATCH` when another is
 */
export async function openModelRows(
  storage: Storage,
  model: KernelModel,
  layout = model.geometry.layout,
): Promise<ModelRowSource> {
  const { rows, n, geometry, fingerprint } = model;
  const chosen = (file: RowFile) => {
    const read = rowsAs(file, layout);
    return rows.indices === undefined ? read.first(n) : new SelectedRows(read, rows.indices);
  };
  if (rows.kind === 'file') {
    const stored = (await storage.status(rows.path))?.byteLength ?? 0;
    const all = rows.indices === undefined ? n : Math.floor(stored / geometry.layout.rowBytes);
    const file = await RowFile.open(storage, geometry.layout, [{ path: rows.path, rows: all }]);
    return { rows: chosen(file), close: () => file.close() };
  }
  const dataset = await openAnyDataset(storage, rows.path).catch((error) => {
    if (!(error instanceof MlmlError) || error.code !== 'MLML_NOT_FOUND') throw error;
    throw new MlmlError(
      'MLML_NOT_FOUND',
      `${rows.path}: the data set with the training rows of the model is not there; put it back (fingerprint ` +
        `${fingerprint}), or train with --copy-rows, which keeps the rows in the model`,
    );
  });
  try {
    const found = dataset.description.fingerprint;
    if (found !== fingerprint) {
      throw new MlmlError(
        'MLML_MISMATCH',
        `${rows.path}: has fingerprint ${found}, the model was trained on rows of fingerprint ${fingerprint}`,
      );
    }
    const { train } = await rowsByNumber(dataset);
    return { rows: chosen(train), close: () => dataset.close() };
  } catch (error) {
    await dataset.close();
    throw error;
  }
}
