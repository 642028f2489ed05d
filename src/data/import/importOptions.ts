import type { Dtype } from '../../arithmetic/dtype.js';
import type { Task } from '../format.js';
import type { OnNan } from '../onNan.js';
import type { RawRows } from '../rawRows.js';
import type { TableFileImport } from '../table/importTableFiles.js';

/** How far an import is. `total` is 0 when it is not known. */
export interface ImportProgress {
  readonly phase: 'download' | 'import';
  /** The file or data set being worked on. */
  readonly what: string;
  /** Bytes of the original files read, or bytes downloaded. */
  readonly done: number;
  readonly total: number;
}

/** Options of `importDataset`. */
export interface ImportOptions {
  /** The folder to make; `MLML_EXISTS` when it is there. */
  readonly out: string;
  /** Where raw files are looked for first. */
  readonly dataDir?: string;
  /** Number type to store; a value that does not fit is an error. Default: that of the original (spam: float32). */
  readonly dtype?: Dtype;
  /** Share of rows used for training where the original has no test set. Default 0.8. */
  readonly percentage?: number;
  /** Keep only the first n training rows; for generated data, the number of training rows. Default: all. */
  readonly n?: number;
  /** Test rows of generated data. */
  readonly nt?: number;
  /** Of the train/test split and of generated data. Default 0. */
  readonly seed?: number;
  /** What is done with NaN and infinities of the original; see `NanRepair`. Default error. */
  readonly onNan?: OnNan;
  /** Of a file of several arrays (.npz, .mat): the one with the features. Default: one with a usual name, such as X_train or X. */
  readonly features?: string;
  /** Labels of arrays: the name of an array in the same file, or a file of their own. Default: a usual name, or `labelColumn`. */
  readonly labels?: string;
  /** Column of the features that is the label; from the end when below 0. Default −1, the last. */
  readonly labelColumn?: number;
  /** Of arrays and LIBSVM text: the file of test rows. Default: a share of the rows, see `percentage`. */
  readonly testFile?: string;
  /** Labels of `testFile`, as `labels`. */
  readonly testLabels?: string;
  /** What labels of arrays are. Default: classes when they are whole and at most 20 different ones; else numbers. */
  readonly task?: Task;
  /** Images are stretched to this, `<width>x<height>`. Default: all have the same size already. */
  readonly imageSize?: string;
  /** What is kept of images. Default rgb. */
  readonly channels?: 'gray' | 'rgb';
  /** Describes raw row files; needed to import a path that is one. */
  readonly raw?: RawRows;
  /** Says that the source is a table, and how it is read. What counts for all sources counts for it too. */
  readonly table?: Omit<TableFileImport, 'out'>;
  /** Of LIBSVM text: number of features. Default: as many as the largest index tells. */
  readonly d?: number;
  /** Of LIBSVM text: 1 for targets of a regression, else the number of classes at least. Default: what the labels tell. */
  readonly k?: number;
  /** Of LIBSVM text: store dense rows. Default false: sparse ones. */
  readonly dense?: boolean;
  /** Of LIBSVM text: memory; a line may take a sixteenth. Default 10e6. */
  readonly bufferBytes?: number;
  readonly signal?: AbortSignal;
  /** Is told now and then how far it is. */
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Told what was decided. */
  readonly onNotice?: (message: string) => void;
  /** Is told of what is odd and no error. */
  readonly onWarning?: (message: string) => void;
}
