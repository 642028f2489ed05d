import type { Dtype } from '../arithmetic/dtype.js';
import { MlmlError } from '../errors.js';
import { requireNew } from '../storage/requireNew.js';
import type { Storage } from '../storage/storage.js';
import { findRowFault } from './checkRows.js';
import type { ChecksummedWriter } from './checksumFile.js';
import type { ColumnMapping } from './columns/columnMapping.js';
import { Fingerprint } from './fingerprint.js';
import {
  type DatasetDescription,
  type FeatureStatistics,
  FORMAT_VERSION,
  type Part,
  type PartName,
  SEVERAL_LABELS_VERSION,
  type Task,
} from './format.js';
import { layoutOf, type RowLayout } from './rowLayout.js';
import { StagedFolder } from './stagedFolder.js';
import { StatisticsAccumulator } from './statistics.js';

/** What a data set is, before its rows are written. */
export interface NewDataset {
  readonly name: string;
  readonly task: Task;
  readonly d: number;
  /** Number of classes, or of outputs in regression. */
  readonly k: number;
  readonly dtype: Dtype;
  /** Default: the feature dtype. */
  readonly labelDtype?: Dtype;
  readonly classNames?: readonly string[];
  /** Of a regression with several labels; there must be k of them then. */
  readonly labelNames?: readonly string[];
  readonly image?: DatasetDescription['image'];
  readonly columns?: DatasetDescription['columns'];
}

/**
 * Writes a data set folder, streaming: rows are appended, statistics and checksums are kept on the way.
 * Nothing appears under the final name before `finish`; `discard` (or a crash) leaves no half-made data set.
 */
export class DatasetWriter {
  readonly layout: RowLayout;
  readonly #staged: StagedFolder;
  readonly #given: NewDataset;
  readonly #statistics: StatisticsAccumulator;
  readonly #classCounts: number[];
  readonly #files = new Map<PartName, ChecksummedWriter>();
  readonly #rows = { train: 0, test: 0 };
  readonly #fingerprint = new Fingerprint();
  #columns: ColumnMapping | undefined;

  private constructor(storage: Storage, folder: string, given: NewDataset) {
    this.#staged = new StagedFolder(storage, folder);
    this.#given = given;
    this.#columns = given.columns;
    this.layout = layoutOf({ ...given, labelDtype: given.labelDtype ?? given.dtype });
    this.#statistics = new StatisticsAccumulator(this.layout);
    this.#classCounts = new Array(given.task === 'classification' ? given.k : 0).fill(0);
  }

  /** `MLML_EXISTS` when the folder is there already. Leftovers of dead imports beside it are removed. */
  static async create(storage: Storage, folder: string, given: NewDataset): Promise<DatasetWriter> {
    await requireNew(storage, folder);
    if (given.task === 'classification' && given.k < 2)
      throw new MlmlError('MLML_USAGE', `k=${given.k}: classification needs at least 2 classes`);
    const writer = new DatasetWriter(storage, folder, given);
    await writer.#staged.open(async () => {
      for (const part of ['train', 'test'] as const)
        writer.#files.set(part, await writer.#staged.create(`${part}.rows`));
    });
    return writer;
  }

  /** Appends encoded rows (`count · layout.rowBytes` bytes). Labels are checked against k, floats for NaN. */
  async append(part: PartName, bytes: Uint8Array, count: number): Promise<void> {
    if (bytes.length !== count * this.layout.rowBytes) {
      throw new MlmlError(
        'MLML_INTERNAL',
        `append: ${bytes.length} bytes are not ${count} rows of ${this.layout.rowBytes}`,
      );
    }
    const { task, k } = this.#given;
    const counts = part === 'train' ? this.#classCounts : undefined;
    const fault = findRowFault(this.layout, bytes, count, task, k, counts);
    if (fault !== undefined) {
      const row = this.#rows[part] + fault.row;
      throw new MlmlError('MLML_BAD_DATA', `${part} row ${row}: ${fault.message}`);
    }
    if (part === 'train') this.#statistics.add(bytes, count);
    this.#fingerprint.add(part, bytes, count);
    await this.#files.get(part)!.append(bytes);
    this.#rows[part] += count;
  }

  /** Figures over the training rows appended so far. */
  statisticsSoFar(): FeatureStatistics {
    return this.#statistics.finish();
  }

  /** Replaces the mapping of columns that `finish` writes: means, for one, are known only at the end. */
  setColumns(columns: ColumnMapping): void {
    this.#columns = columns;
  }

  /** Syncs everything, writes `dataset.json`, and gives the folder its name. */
  async finish(source: DatasetDescription['source']): Promise<DatasetDescription> {
    if (this.#rows.train === 0)
      throw new MlmlError('MLML_BAD_DATA', `${this.#given.name}: there is no training row`);
    for (const file of this.#files.values()) await file.finish();
    const part = (name: PartName): Part => ({
      n: this.#rows[name],
      shards: [{ file: `${name}.rows`, rows: this.#rows[name], checksums: `${name}.rows.crc32c` }],
    });
    const { name, task, d, k, dtype, classNames = [], labelNames, image } = this.#given;
    const columns = this.#columns;
    const description: DatasetDescription = {
      format: 'mlml-dataset',
      version: labelNames === undefined ? FORMAT_VERSION : SEVERAL_LABELS_VERSION,
      name,
      task,
      d,
      k,
      dtype,
      labelDtype: this.layout.labelDtype,
      parts: { train: part('train'), test: part('test') },
      statistics: this.#statistics.finish(),
      classCounts: this.#classCounts,
      classNames,
      ...(labelNames === undefined ? {} : { labelNames }),
      ...(image === undefined ? {} : { image }),
      ...(columns === undefined ? {} : { columns }),
      source,
      fingerprint: this.#fingerprint.digest(task, k, this.layout),
    };
    await this.#staged.publish(description);
    return description;
  }

  /** Removes what was written so far. */
  async discard(): Promise<void> {
    await this.#staged.discard();
  }
}
