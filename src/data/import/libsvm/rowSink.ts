import type { DatasetDescription, PartName } from '../../format.js';
import type { SparseDtype } from '../../sparse/sparseRecord.js';
import type { LibsvmReader } from './libsvmReader.js';
import type { LibsvmRows } from './libsvmRows.js';

/** Where converted rows go. */
export interface RowSink {
  /** Undefined, or a promise to wait for before the next row. `place` says where the row stands. */
  append(part: PartName, label: number, reader: LibsvmReader): Promise<void> | undefined;
  /** The number type of records that `appendRows` takes; undefined where rows are taken one by one. */
  readonly records: SparseDtype | undefined;
  /** Rows from `from` to `to`, whose labels are class numbers by now; waited for like `append`. */
  appendRows(part: PartName, rows: LibsvmRows, from: number, to: number): Promise<void> | undefined;
  finish(d: number, source: DatasetDescription['source']): Promise<DatasetDescription>;
  discard(): Promise<void>;
}
