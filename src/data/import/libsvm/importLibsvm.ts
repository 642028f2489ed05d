import { basename, parse } from 'node:path';
import type { Dtype } from '../../../arithmetic/dtype.js';
import { MlmlError } from '../../../errors.js';
import { Random } from '../../../memory/random.js';
import type { Storage } from '../../../storage/storage.js';
import { labelDtypeFor } from '../../convert.js';
import { DatasetWriter } from '../../datasetWriter.js';
import { type DatasetDescription, MOST_FEATURES, type PartName } from '../../format.js';
import { sparseDtype } from '../../sparse/sparseRecord.js';
import { SparseWriter } from '../../sparse/sparseWriter.js';
import { tableDefaults } from '../../table/tableImportOptions.js';
import { gunzip } from '../decompress.js';
import type { ImportOptions } from '../importOptions.js';
import { type SourceFile, SourceFiles } from '../sourceFiles.js';
import { DenseRows, misfit } from './denseRows.js';
import { ClassNumbers } from './labelSet.js';
import { LibsvmReader, longestLine, looksLikeLibsvm } from './libsvmReader.js';
import { LibsvmRows, type RecordShape } from './libsvmRows.js';
import { allBytes, type LibsvmShape, ShapeSurvey } from './libsvmShape.js';
import type { RowSink } from './rowSink.js';

/** Rows from which the shape of a text is guessed. */
const GUESS_ROWS = 4096;
/** Parts a split is drawn from; see `shuffleRandom` for the first numbers of other purposes. */
const SPLITTING = 0x4c53504c;

/** Thrown when rows do not have the shape that the first of them had. */
class OtherShape extends Error {}

/** Whether a file begins like LIBSVM text, compressed or not. */
export async function isLibsvmFile(storage: Storage, path: string): Promise<boolean> {
  const status = await storage.status(path);
  if (status === undefined || status.isFolder || status.byteLength === 0) return false;
  const files = new SourceFiles(storage, path, {});
  const file = await files.open(path);
  const chunks = decompressed(file);
  try {
    const { value } = await chunks.next();
    return value !== undefined && looksLikeLibsvm((value as Uint8Array).slice(0, 4096));
  } catch (error) {
    if (error instanceof MlmlError) return false;
    throw error;
  } finally {
    await chunks.return(undefined);
    await files.close();
  }
}

/** The text of a file, whose name tells whether it is compressed. */
export function decompressed(file: SourceFile): AsyncGenerator<Uint8Array> {
  return /\.gz$/i.test(file.path) ? gunzip(file.chunks(), file.path) : file.chunks();
}

/**
 * Makes a data set of LIBSVM (SVMlight) text, sparse or dense, in one pass where the first rows show what all are like
 * (labels, number type, first index), else in two.
 */
export async function importLibsvm(
  storage: Storage,
  path: string,
  options: ImportOptions,
): Promise<DatasetDescription> {
  const { d, k } = options;
  for (const [name, value] of [
    ['d', d],
    ['k', k],
  ] as const) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      throw new MlmlError('MLML_USAGE', `--${name}=${value}: must be a positive whole number`);
  }
  const sources = new SourceFiles(storage, basename(path), options);
  try {
    const train = await sources.open(path);
    const test = options.testFile === undefined ? undefined : await sources.open(options.testFile);
    const job = new LibsvmImport(storage, sources, train, test, options);
    return await job.run();
  } finally {
    await sources.close();
  }
}

class LibsvmImport {
  readonly #storage: Storage;
  readonly #sources: SourceFiles;
  readonly #train: SourceFile;
  readonly #test: SourceFile | undefined;
  readonly #options: ImportOptions;
  readonly #rows = new LibsvmRows();

  constructor(
    storage: Storage,
    sources: SourceFiles,
    train: SourceFile,
    test: SourceFile | undefined,
    options: ImportOptions,
  ) {
    this.#storage = storage;
    this.#sources = sources;
    this.#train = train;
    this.#test = test;
    this.#options = options;
  }

  #reader(file: SourceFile): LibsvmReader {
    const { onNan, bufferBytes = tableDefaults.bufferBytes } = this.#options;
    return new LibsvmReader(decompressed(file), file.path, longestLine(bufferBytes), onNan, this.#rows);
  }

  async run(): Promise<DatasetDescription> {
    const { dense = false, d } = this.#options;
    // Dense rows need their length before the first.
    if (dense && d === undefined) return await this.#write(await this.#survey(Infinity), true);
    try {
      return await this.#write(await this.#survey(GUESS_ROWS), false);
    } catch (error) {
      if (!(error instanceof OtherShape)) throw error;
      return await this.#write(await this.#survey(Infinity), true);
    }
  }

  async #survey(rows: number): Promise<LibsvmShape> {
    const survey = new ShapeSurvey(this.#options.k);
    for (const file of [this.#train, this.#test]) {
      if (file === undefined) continue;
      const reader = this.#reader(file);
      try {
        await survey.read(reader, rows);
      } finally {
        await reader.close();
      }
    }
    return survey.shape;
  }

  /** Writes all rows by a shape; `certain`: it was found out from all of them. */
  async #write(shape: LibsvmShape, certain: boolean): Promise<DatasetDescription> {
    const { k, dense = false, d, n = Infinity, percentage = 0.8, seed = 0 } = this.#options;
    const targets = k === 1 || (k === undefined && shape.classes === undefined);
    const classes = targets ? undefined : this.#classes(shape, certain);
    const numbers = classes === undefined ? undefined : new ClassNumbers(classes);
    const first = shape.zeroBased ? 0 : 1;
    const sink = dense
      ? await this.#denseSink(shape, classes)
      : await this.#sparseSink(shape, classes, certain);
    const limit = Math.min(d ?? MOST_FEATURES, MOST_FEATURES);
    const records: RecordShape | undefined =
      sink.records === undefined ? undefined : { zero: first, features: limit, dtype: sink.records };
    let features = 0;
    let warned = false;
    let bad = '';
    let skipped = 0;
    let zeroed = 0;
    const split = Random.of(seed, SPLITTING);
    const kept = { train: 0, test: 0 };
    const copy = async (file: SourceFile, partOf: () => PartName) => {
      const reader = this.#reader(file);
      try {
        do {
          for (;;) {
            const rows = records === undefined ? undefined : reader.nextRows(records);
            if (rows !== undefined) {
              if (numbers !== undefined) numberLabels(reader, rows, numbers, certain);
              features = Math.max(features, rows.features);
              let from = 0;
              let part = partOf();
              for (let row = 1; row <= rows.rows; row++) {
                const next = row < rows.rows ? partOf() : undefined;
                if (next === part) continue;
                const to = part === 'train' ? Math.min(row, from + n - kept.train) : row;
                kept[part] += to - from;
                const room = to > from ? sink.appendRows(part, rows, from, to) : undefined;
                if (room !== undefined) await room;
                from = row;
                part = next ?? part;
              }
              continue;
            }
            if (!reader.next()) break;
            const { nonzeros, indices } = reader;
            const label = numbers === undefined ? reader.label : numbers.of(reader.label);
            if (label === undefined) {
              if (!certain) throw new OtherShape();
              throw reader.fault(unknownLabel(reader.label, classes!.length));
            }
            if (nonzeros > 0) {
              if (first === 1) {
                if (indices[0] === 0) throw new OtherShape();
                for (let i = 0; i < nonzeros; i++) indices[i]!--;
              }
              const last = indices[nonzeros - 1]!;
              if (d !== undefined && last >= d)
                throw reader.fault(`index ${last + first} is beyond the ${d} features of --d`);
              if (last >= features) features = last + 1;
            }
            const part = partOf();
            if (part === 'train' && kept.train >= n) continue;
            kept[part]++;
            const room = sink.append(part, label, reader);
            if (room !== undefined) await room;
          }
        } while (await reader.more());
        if (reader.sawQuery && !warned) {
          warned = true;
          this.#options.onWarning?.(`${file.path}: qid is ignored: rows are not ranked within queries`);
        }
        skipped += reader.skipped;
        zeroed += reader.zeroed;
        bad ||= reader.firstBad;
      } finally {
        await reader.close();
      }
    };
    try {
      const alone = this.#test === undefined && percentage < 1;
      await copy(this.#train, () => (alone && split.uniform() >= percentage ? 'test' : 'train'));
      if (this.#test !== undefined) await copy(this.#test, () => 'test');
      if (kept.train === 0)
        throw new MlmlError('MLML_BAD_DATA', `${this.#train.path}: there is no training row`);
      if (skipped > 0)
        this.#options.onWarning?.(`${skipped} rows with NaN or infinities are left out, the first at ${bad}`);
      if (zeroed > 0)
        this.#options.onWarning?.(
          `${zeroed} values that are NaN or infinite are taken as 0, the first at ${bad}`,
        );
      const source = { description: 'LIBSVM text', files: await this.#sources.records() };
      return await sink.finish(d ?? Math.max(features, 1), source);
    } catch (error) {
      await sink.discard();
      throw error;
    }
  }

  #classes(shape: LibsvmShape, certain: boolean): readonly number[] {
    const { k } = this.#options;
    const { classes } = shape;
    if (classes === undefined) {
      throw new MlmlError(
        'MLML_USAGE',
        `--k=${k}: the labels of ${this.#train.path} are not whole numbers of few classes; give --k=1 for a regression`,
      );
    }
    if (k !== undefined && k < classes.length)
      throw new MlmlError(
        'MLML_USAGE',
        `--k=${k}: ${this.#train.path} has ${classes.length} different labels`,
      );
    if (certain || classes.length >= 2) return classes;
    // The rows may be sorted by their labels.
    throw new OtherShape();
  }

  get #name(): string {
    return parse(this.#train.path.replace(/\.gz$/i, '')).name;
  }

  async #sparseSink(
    shape: LibsvmShape,
    classes: readonly number[] | undefined,
    certain: boolean,
  ): Promise<RowSink> {
    const { dtype: given, out, k } = this.#options;
    const dtype = given === undefined ? shape.dtype : sparseDtype(given);
    const writer = await SparseWriter.create(this.#storage, out, {
      name: this.#name,
      task: classes === undefined ? 'regression' : 'classification',
      dtype,
    });
    return {
      append: (part, label, reader) => {
        const { nonzeros, indices, values } = reader;
        if (dtype === 'uint8' && !allBytes(values, nonzeros)) {
          if (!certain && given === undefined) throw new OtherShape();
          throw misfit(reader, dtype);
        }
        if (dtype === 'float32' && !allFit(values, nonzeros)) throw misfit(reader, dtype);
        return writer.append(part, label, nonzeros, indices, values);
      },
      records: dtype,
      appendRows: (part, rows, from, to) => writer.appendRows(part, rows, from, to),
      finish: (d, source) =>
        writer.finish({
          d,
          k: classes === undefined ? 1 : Math.max(k ?? 2, classes.length),
          classNames: classes === undefined ? [] : classNames(classes),
          source,
        }),
      discard: () => writer.discard(),
    };
  }

  async #denseSink(shape: LibsvmShape, classes: readonly number[] | undefined): Promise<RowSink> {
    const { dtype = 'float32', out } = this.#options;
    const d = this.#options.d ?? Math.max(shape.largestIndex + (shape.zeroBased ? 1 : 0), 1);
    const k = classes === undefined ? 1 : Math.max(this.#options.k ?? 2, classes.length);
    const writer = await DatasetWriter.create(this.#storage, out, {
      name: this.#name,
      task: classes === undefined ? 'regression' : 'classification',
      d,
      k,
      dtype,
      labelDtype: classes === undefined ? floatOf(dtype) : labelDtypeFor(dtype, k),
      classNames: classes === undefined ? [] : classNames(classes),
    });
    return new DenseRows(writer, dtype);
  }
}

const unknownLabel = (label: number, classes: number) => `label ${label} is none of the ${classes} classes`;

/** Turns the labels of rows into class numbers. */
function numberLabels(reader: LibsvmReader, rows: LibsvmRows, numbers: ClassNumbers, certain: boolean): void {
  const { record } = rows;
  for (let row = 0; row < rows.rows; row++) {
    const word = rows.wordOf(row);
    const label = record.label(word);
    const number = numbers.of(label);
    if (number !== undefined) record.setLabel(word, number);
    else if (!certain) throw new OtherShape();
    else
      throw new MlmlError('MLML_BAD_DATA', `${reader.placeOf(row)}: ${unknownLabel(label, numbers.count)}`);
  }
}

function floatOf(dtype: Dtype): Dtype {
  return dtype === 'float64' ? 'float64' : 'float32';
}

/** Names, unless the labels are the class numbers themselves. */
function classNames(classes: readonly number[]): string[] {
  return classes.every((label, number) => label === number) ? [] : classes.map(String);
}

/** Whether single precision holds values, up to rounding: `fitsDtype` in a loop of its own. */
function allFit(values: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (!Number.isFinite(Math.fround(values[i]!))) return false;
  return true;
}
