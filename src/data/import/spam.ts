import { MlmlError } from '../../errors.js';
import { Random } from '../../memory/random.js';
import type { Storage } from '../../storage/storage.js';
import { matlabArrays } from '../arrays/matlabArrays.js';
import { allNumbers } from '../arrays/wholeArray.js';
import { labelDtypeFor } from '../convert.js';
import type { DatasetDescription } from '../format.js';
import { NanRepair } from '../onNan.js';
import { rowLayout } from '../rowLayout.js';
import type { ImportOptions } from './importOptions.js';
import { type LocatedFiles, layoutOf, type RawSet } from './rawSet.js';
import { RowBatch } from './rowBatch.js';
import { type SourceFile, SourceFiles } from './sourceFiles.js';
import { type Messages, readSpambase } from './spambase.js';
import { writeDataset } from './writeDataset.js';

const D = 57;
/** The official file has 200 000; anything much larger is another file, and is never allocated. */
const MOST_NUMBERS = 2 ** 21;
/** Random streams are numbered by purpose; this is the split's. */
const SPLIT_STREAM = 0x73706c74;

/** The spam messages, from spam.mat of the 2016 package or UCI's spambase.data; split at random. */
export const spam: RawSet = {
  name: 'spam',
  layouts: [layoutOf('matlab', [['spam.mat']]), layoutOf('uci', [['spambase.data']])],
  publicFiles: [
    {
      name: 'spambase.data',
      urls: ['https://archive.ics.uci.edu/ml/machine-learning-databases/spambase/spambase.data'],
    },
  ],

  async read(storage, located, options) {
    const sources = new SourceFiles(storage, 'spam', options);
    try {
      return await importSpam(storage, sources, located, options);
    } finally {
      await sources.close();
    }
  },
};

async function importSpam(
  storage: Storage,
  sources: SourceFiles,
  located: LocatedFiles,
  options: ImportOptions,
): Promise<DatasetDescription> {
  const file = await sources.open(located.paths[0]!);
  const matlab = located.layout === 'matlab';
  const { features, labels } = matlab ? await readSpamMatrix(file, options) : await readSpambase(file);
  const { percentage = 0.8, seed = 0, dtype = 'float32' } = options;
  const officialRows = matlab ? 3450 : 4601;
  if (labels.length !== officialRows)
    options.onWarning?.(`${file.path}: ${labels.length} rows; the official file has ${officialRows}`);
  const trainRows = Math.floor(percentage * labels.length);
  if (!(percentage > 0 && percentage <= 1) || trainRows < 1) {
    throw new MlmlError(
      'MLML_USAGE',
      `--percentage=${percentage}: leaves ${trainRows} of ${labels.length} rows for training; give a share up to 1, such as 0.8`,
    );
  }
  const given = {
    name: 'spam',
    task: 'classification',
    d: D,
    k: 2,
    dtype,
    labelDtype: labelDtypeFor(dtype, 2),
    classNames: ['ham', 'spam'],
  } as const;
  return await writeDataset(storage, options.out, given, async (writer) => {
    const order = Uint32Array.from({ length: labels.length }, (_, row) => row);
    Random.of(seed, SPLIT_STREAM).shuffle(order);
    const view = new DataView(features.buffer);
    const train = new RowBatch(writer, 'train', 'float64', options.n);
    const test = new RowBatch(writer, 'test', 'float64');
    for (const [place, row] of order.entries()) {
      const batch = place < trainRows ? train : test;
      const full = batch.add(view, row * D * 8, labels[row]!, () => `${file.path}: row ${row}`);
      if (full) await batch.flush();
    }
    await train.flush();
    await test.flush();
    return {
      description: matlab
        ? 'Spam messages, spam.mat of the 2016 package'
        : 'Spambase (Hopkins, Reeber, Forman, Suermondt 1999), UCI',
      files: await sources.records(),
    };
  });
}

async function readSpamMatrix(file: SourceFile, options: ImportOptions): Promise<Messages> {
  const variables = await matlabArrays(file);
  const missing = ['Xtrain', 'ytrain'].find((name) => !variables.names.includes(name));
  if (missing !== undefined) {
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${file.path}: byte ${file.byteLength}: the file ends and there was no variable '${missing}'`,
    );
  }
  const x = await variables.open('Xtrain');
  const y = await variables.open('ytrain');
  if (x.columns !== D || y.rows * y.columns !== x.rows) {
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${file.path}: Xtrain is ${x.rows} x ${x.columns} and ytrain ${y.rows} x ${y.columns}; ` +
        `n x ${D} and n labels are needed`,
    );
  }
  const xs = await allNumbers(x, MOST_NUMBERS);
  const ys = await allNumbers(y, MOST_NUMBERS);
  const features = new Float64Array(x.rows * D);
  const labels = new Float64Array(x.rows);
  const repair = new NanRepair(rowLayout(D, 'float64'), options.onNan ?? 'error', 1);
  const message = new Float64Array(D + 1);
  let rows = 0;
  for (let row = 0; row < x.rows; row++) {
    for (let column = 0; column < D; column++) message[column] = xs[column * x.rows + row]!;
    message[D] = ys[row]!;
    if (repair.apply(new Uint8Array(message.buffer), 1, 'train', row) === 0) continue;
    const wrong = message.findIndex((value, column) => column < D && !Number.isFinite(value));
    if (wrong >= 0) {
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${file.path}: Xtrain holds ${message[wrong]} in row ${row}, column ${wrong}; --on-nan=zero or --on-nan=skip goes on without it`,
      );
    }
    const label = message[D]!;
    if (label !== 0 && label !== 1)
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${file.path}: label ${label} of row ${row} of ytrain is neither 0 nor 1`,
      );
    features.set(message.subarray(0, D), rows * D);
    labels[rows++] = label;
  }
  if (repair.warning !== undefined) options.onWarning?.(repair.warning);
  return { features: features.subarray(0, rows * D), labels: labels.subarray(0, rows) };
}
