import { dirname } from 'node:path';
import { MlmlError } from '../../errors.js';
import { labelDtypeFor } from '../convert.js';
import type { DatasetWriter } from '../datasetWriter.js';
import type { PartName } from '../format.js';
import { ByteReader } from './byteReader.js';
import {
  PIXELS,
  type PickledBatch,
  readBinaryBatch,
  readPickledImages,
  readPickledLabels,
} from './cifarBatch.js';
import { gunzip } from './decompress.js';
import type { ImportOptions } from './importOptions.js';
import { type Layout, layoutOf, type RawSet } from './rawSet.js';
import { RowBatch } from './rowBatch.js';
import { type SourceFile, SourceFiles } from './sourceFiles.js';
import { tarEntries } from './tarEntries.js';
import { writeDataset } from './writeDataset.js';

const classNames = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const officialRows = { train: 50000, test: 10000 };
const trainNames = [1, 2, 3, 4, 5].map((number) => `data_batch_${number}`);
const binaryHome = 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz';

/** Loose binary batches; the test batch may have any name `test_batch….bin`. */
function binaryLayout(subfolder?: string): Layout {
  const train = layoutOf(
    'binary',
    trainNames.map((name) => [`${name}.bin`]),
    subfolder,
  );
  return {
    ...train,
    find(names) {
      const { files, missing } = train.find(names);
      const official = names.filter((name) => name === 'test_batch.bin');
      const tests = official.length > 0 ? official : names.filter((name) => /^test_batch.*\.bin$/.test(name));
      return {
        files: [...files, ...tests],
        missing: tests.length > 0 ? missing : [...missing, 'test_batch.bin'],
      };
    },
  };
}

const pickleRoles = [...trainNames, 'test_batch'].map((name) => [name]);

/** The CIFAR-10 images, from the binary or the Python version, unpacked or in the official archive. */
export const cifar10: RawSet = {
  name: 'cifar-10',
  layouts: [
    binaryLayout(),
    binaryLayout('cifar-10-batches-bin'),
    layoutOf('binary-archive', [['cifar-10-binary.tar.gz']]),
    layoutOf('pickles', pickleRoles),
    layoutOf('pickles', pickleRoles, 'cifar-10-batches-py'),
    layoutOf('pickle-archive', [['cifar-10-python.tar.gz']]),
  ],
  publicFiles: [
    {
      name: 'cifar-10-binary.tar.gz',
      urls: [binaryHome],
      sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
    },
  ],

  async read(storage, located, options) {
    const sources = new SourceFiles(storage, 'cifar-10', options);
    try {
      const files: SourceFile[] = [];
      for (const path of located.paths) files.push(await sources.open(path));
      const dtype = options.dtype ?? 'uint8';
      const given = {
        name: 'cifar-10',
        task: 'classification',
        d: PIXELS,
        k: 10,
        dtype,
        labelDtype: labelDtypeFor(dtype, 10),
        classNames,
        image: { height: 32, width: 32, channels: 3 },
      } as const;
      return await writeDataset(storage, options.out, given, async (writer) => {
        const pickled = located.layout.startsWith('pickle');
        const visit = located.layout.endsWith('archive') ? archiveVisit(files[0]!) : looseVisit(files);
        await readBatches(writer, visit, pickled, located.paths[0]!, options);
        return {
          description: `CIFAR-10 colour images (Krizhevsky 2009), ${pickled ? 'Python' : 'binary'} version`,
          files: await sources.records(),
        };
      });
    } finally {
      await sources.close();
    }
  },
};

interface BatchFile {
  readonly name: string;
  readonly byteLength: number;
  readonly reader: ByteReader;
}

/** Goes once over all batch files in stored order. */
type Visit = () => AsyncGenerator<BatchFile>;

function looseVisit(files: readonly SourceFile[]): Visit {
  return async function* () {
    for (const file of files) {
      const name = file.path.slice(file.path.lastIndexOf('/') + 1);
      yield { name, byteLength: file.byteLength, reader: new ByteReader(file.chunks(), file.path) };
    }
  };
}

function archiveVisit(file: SourceFile): Visit {
  return () => tarEntries(gunzip(file.chunks(), file.path), file.path);
}

/**
 * Reads the five training batches in the order of their numbers, whatever their order in an archive (the official
 * one holds 1, 3, 4, test, 5, 2), so every version of the files makes the same rows. An archive is gone over again
 * until no batch is left; each pass takes at least one.
 */
async function readBatches(
  writer: DatasetWriter,
  visit: Visit,
  pickled: boolean,
  path: string,
  options: ImportOptions,
): Promise<void> {
  const extension = pickled ? '' : '.bin';
  const isTest = (name: string) => (pickled ? name === 'test_batch' : /^test_batch.*\.bin$/.test(name));
  const rows = {
    train: new RowBatch(writer, 'train', 'uint8', options.n),
    test: new RowBatch(writer, 'test', 'uint8'),
  };
  const counts = { train: 0, test: 0 };
  const labels = pickled ? await readAllLabels(visit, isTest) : new Map<string, PickledBatch>();
  const takeRows = async (part: PartName, { name, byteLength, reader }: BatchFile) => {
    counts[part] += pickled
      ? await readPickledImages(reader, labels.get(name)!, rows[part])
      : await readBinaryBatch(reader, byteLength, rows[part]);
  };
  const tests = new Set<string>();
  let next = 0;
  for (let pass = 0, taken = 1; pass === 0 || next < trainNames.length; pass++) {
    if (taken === 0) throw missingError(path, `${trainNames[next]}${extension}`);
    taken = 0;
    for await (const file of visit()) {
      if (file.name === `${trainNames[next]}${extension}`) {
        await takeRows('train', file);
        next++;
        taken++;
      } else if (pass === 0 && isTest(file.name) && !tests.has(file.name)) {
        await takeRows('test', file);
        tests.add(file.name);
      }
    }
  }
  if (tests.size === 0) throw missingError(path, `test_batch${extension}`);
  for (const part of ['train', 'test'] as const) {
    await rows[part].flush();
    if (counts[part] === officialRows[part]) continue;
    options.onWarning?.(
      `cifar-10: ${counts[part]} ${part} images in ${dirname(path)}; the official set has ${officialRows[part]}`,
    );
  }
}

async function readAllLabels(visit: Visit, isTest: (name: string) => boolean) {
  const labels = new Map<string, PickledBatch>();
  for await (const { name, reader } of visit()) {
    if (labels.has(name) || !(trainNames.includes(name) || isTest(name))) continue;
    labels.set(name, await readPickledLabels(reader));
  }
  return labels;
}

function missingError(path: string, name: string): MlmlError {
  return new MlmlError('MLML_BAD_FILE', `${path}: there is no ${name} in it; get the file anew`);
}
