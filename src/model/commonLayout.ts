import { RowFile } from '../data/rowFile.js';
import type { RowLayout } from '../data/rowLayout.js';
import { commonDtype, rowsAs } from '../data/sparse/rowViews.js';
import { slotLayout, slotRows } from '../data/sparse/slotFile.js';
import { SparseRowFile } from '../data/sparse/sparseRowFile.js';
import { MlmlError } from '../errors.js';
import type { KernelModel } from '../kernel/kernelModel.js';

/** Rows as stored: dense, or sparse of any length. */
type AnyRows = Pick<RowFile, 'rows' | 'layout'> | SparseRowFile;

/**
 * The layout in which rows are compared with those of a kernel model: its own, of sparse rows with room for the longest of both.
 * Dense and sparse rows of one number of features are compared too.
 *
 * @throws MlmlError `MLML_MISMATCH` when the number type of the model's rows does not hold those of the others
 */
export function commonLayout(model: KernelModel, file: AnyRows): RowLayout {
  const own = model.geometry.layout;
  const given = file.layout;
  const dtype = commonDtype(own.dtype, given.dtype);
  const mismatch = () =>
    new MlmlError(
      'MLML_MISMATCH',
      `the rows hold numbers of ${given.dtype}, those that the model was trained on of ${own.dtype}; import the rows again with --dtype=${own.dtype}`,
    );
  if (own.longest !== undefined) {
    if (dtype === undefined) throw mismatch();
    const longest = file instanceof SparseRowFile ? file.sizes.longestRow : own.d;
    return slotLayout(own.d, dtype, Math.max(own.longest, longest));
  }
  if (file instanceof SparseRowFile && dtype !== own.dtype) throw mismatch();
  return own;
}

/** Rows of a file in the layout that `commonLayout` chose; a file that needs no other is returned as it is. */
export function rowsIn(file: RowFile | SparseRowFile, layout: RowLayout): RowFile {
  if (file instanceof RowFile) return layout.longest === undefined ? file : rowsAs(file, layout);
  return rowsAs(slotRows(file, Math.max(1, file.sizes.longestRow)), layout);
}

/** The model with its rows in another layout. */
export function comparedIn(model: KernelModel, layout: RowLayout): KernelModel {
  return { ...model, geometry: { ...model.geometry, layout } };
}
