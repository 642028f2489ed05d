import { basename, dirname, extname } from 'node:path';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import { labelDtypeFor } from '../convert.js';
import type { DatasetDescription } from '../format.js';
import type { ImportOptions } from '../import/importOptions.js';
import { SourceFiles } from '../import/sourceFiles.js';
import { writeDataset } from '../import/writeDataset.js';
import { plainLabelNames } from '../labelNames.js';
import { chooseArrays } from './chooseArrays.js';
import { LabelCensus, type LabelMeaning } from './labelCensus.js';
import { LabelledRows } from './labelledRows.js';
import { severalTargets } from './severalTargets.js';
import { readable } from './unpackColumns.js';
import { writeRows } from './writeRows.js';

/**
 * Makes a data set of arrays in a file that `arrayFormat` knows: one pass over the labels tells what they mean, one over all
 * rows copies them. Memory is bounded whatever the sizes. Labels are a column of the features, an array in the same file, or a
 * file of their own.
 */
export async function importArrays(
  storage: Storage,
  path: string,
  options: ImportOptions,
): Promise<DatasetDescription> {
  const sources = new SourceFiles(storage, basename(path), options);
  const scratches: Scratch[] = [];
  const close = async () => {
    for (const scratch of scratches.splice(0)) await scratch.close();
  };
  try {
    const { train, test } = await chooseArrays(storage, sources, path, options);
    const unpacked = async (rows: LabelledRows) => {
      const makeScratch = async (bytes: number) => {
        const scratch = await Scratch.open(storage, dirname(options.out), bytes);
        scratches.push(scratch);
        return scratch;
      };
      const x = await readable(rows.x, makeScratch);
      const y = rows.y && (await readable(rows.y, makeScratch));
      return new LabelledRows(x, y, rows.y === undefined ? rows.labelColumn : undefined);
    };
    const parts = {
      train: await unpacked(train),
      ...(test === undefined ? {} : { test: await unpacked(test) }),
    };
    const name = basename(path, extname(path));
    if (train.y === undefined && options.labelColumn === undefined)
      options.onNotice?.(
        `the labels are ${train.labelName}, the last; --labels=<file> or --label-column=<number> says otherwise`,
      );
    return await importLabelledRows(storage, name, parts, options, async () => {
      // Before the data set has its name: who is told that it is there cleans up after nobody.
      await close();
      return {
        description: `arrays of ${basename(path)}: ${rowsText(parts.train)}`,
        files: await sources.records(),
      };
    });
  } finally {
    await close();
    await sources.close();
  }
}

/** What one label in each row means, of the training rows and the test rows. */
async function meaningOf(
  train: LabelledRows,
  test: LabelledRows | undefined,
  { task, signal }: ImportOptions,
): Promise<LabelMeaning> {
  const census = new LabelCensus(train.labelName, task);
  for await (const labels of train.labels(signal)) for (const label of labels) census.add(label);
  if (test !== undefined)
    for await (const labels of test.labels(signal)) for (const label of labels) census.add(label, true);
  return census.finish();
}

const rowsText = ({ x, layout, labelName }: LabelledRows) =>
  `${layout.d} features of ${x.stored.type.name} in each row, labels ${basename(labelName)}`;

/** Makes a data set of rows with labels: in two parts, or in one that is divided at random. */
export async function importLabelledRows(
  storage: Storage,
  name: string,
  { train, test }: { readonly train: LabelledRows; readonly test?: LabelledRows },
  options: ImportOptions,
  sourceOf: () => Promise<DatasetDescription['source']>,
): Promise<DatasetDescription> {
  const several = train.layout.labels > 1 || (test?.layout.labels ?? 1) > 1;
  const meaning = several
    ? await severalTargets(train, test, options)
    : await meaningOf(train, test, options);
  if (meaning.notice !== undefined) options.onNotice?.(meaning.notice);
  const { task, k, classNames } = meaning;
  const dtype = options.dtype ?? train.x.dtype;
  const labelDtype = task === 'regression' ? (train.y ?? train.x).dtype : labelDtypeFor(dtype, k);
  const { d } = train.layout;
  const image = train.image;
  const dataset = {
    name,
    task,
    d,
    k,
    dtype,
    labelDtype,
    classNames,
    ...(several ? { labelNames: plainLabelNames(k) } : {}),
    ...(image === undefined ? {} : { image }),
  };
  return await writeDataset(storage, options.out, dataset, async (writer) => {
    await writeRows(writer, train, meaning, options, test === undefined ? undefined : 'train');
    if (test !== undefined) await writeRows(writer, test, meaning, options, 'test');
    return await sourceOf();
  });
}
