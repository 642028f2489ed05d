/**
 * `mlml/data`: data sets on disk.
 *
 * @example
 * import { importDataset, nodeStorage, openDataset } from 'mlml/data';
 *
 * await importDataset(nodeStorage, 'mnist', { out: 'data/mnist' });
 * const dataset = await openDataset(nodeStorage, 'data/mnist');
 * console.log(dataset.description.parts.train.n);
 * await dataset.close();
 *
 * @module
 */
export { type Dtype, dtypeBytes } from '../arithmetic/dtype.js';
export { type ErrorCode, errorCodes, MlmlError } from '../errors.js';
export type { CheckpointOptions } from '../storage/checkpoint.js';
export { MemoryStorage } from '../storage/memoryStorage.js';
export { nodeStorage } from '../storage/nodeStorage.js';
export type { SavingInterval } from '../storage/savingInterval.js';
export type { CreateOptions, FileStatus, ReadableFile, Storage, WritableFile } from '../storage/storage.js';
export type { NumericRow, NumericRowOptions, NumericRows } from './arrays/importNumericRows.js';
export {
  type BooleanColumn,
  type CategoryColumn,
  type Cell,
  type ColumnMapping,
  type DateColumn,
  type DatePart,
  datePartNames,
  type FeatureColumn,
  type HashedColumn,
  type LabelColumn,
  type Missing,
  type NumberColumn,
  type TextColumn,
} from './columns/columnMapping.js';
export { type Dataset, openAnyDataset, openDataset } from './dataset.js';
export { DatasetWriter, type NewDataset } from './datasetWriter.js';
export type {
  DatasetDescription,
  DatasetOrigin,
  FeatureStatistics,
  Part,
  PartName,
  Shard,
  SparsePart,
  SparseSizes,
  Task,
} from './format.js';
export { datasetNames } from './import/datasetNames.js';
export { importDataset } from './import/importDataset.js';
export type { ImportOptions, ImportProgress } from './import/importOptions.js';
export { importRows, type NamedRow, type NamedRowOptions, type NamedRows } from './import/importRows.js';
export { datasetFolder, type OpenOptions, openAnyByName, openByName } from './import/openByName.js';
export { type OnNan, onNanNames } from './onNan.js';
export { type OpenRawOptions, openRawRows, type RawRows } from './rawRows.js';
export type { RowFile, RowReader } from './rowFile.js';
export type { RowLayout } from './rowLayout.js';
export type { RowSample } from './rowSample.js';
export { makeScaling, type Scaling, type ScalingName, scalingNames } from './scaling.js';
export { isSparse, type SparseDataset } from './sparse/sparseDataset.js';
export { type RecordBatch, type RecordView, type SparseDtype, sparseDtypes } from './sparse/sparseRecord.js';
export type { SparseLayout, SparseRowFile } from './sparse/sparseRowFile.js';
export { type NewSparseDataset, type SparseEnd, SparseWriter } from './sparse/sparseWriter.js';
export { type SampleName, sampleNames } from './subset.js';
export { importTable } from './table/importTable.js';
export type { TableFileImport } from './table/importTableFiles.js';
export { type OpenTableOptions, openTable } from './table/openTable.js';
export { type ColumnKind, columnKinds, type TableImportOptions } from './table/tableImportOptions.js';
export type { ColumnType, TableBatch, TableSource } from './table/tableSource.js';
export { verifyDataset } from './verify.js';
