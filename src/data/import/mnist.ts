import { hexWord, idxBytes, readIdxHeader } from '../arrays/idxArray.js';
import { labelDtypeFor } from '../convert.js';
import type { DatasetWriter } from '../datasetWriter.js';
import type { PartName } from '../format.js';
import { ByteReader } from './byteReader.js';
import type { ImportOptions } from './importOptions.js';
import { layoutOf, type RawSet } from './rawSet.js';
import { RowBatch } from './rowBatch.js';
import { SourceFiles } from './sourceFiles.js';
import { writeDataset } from './writeDataset.js';

const SIDE = 28;
const D = SIDE * SIDE;
const IMAGES_MAGIC = 0x0803;
const LABELS_MAGIC = 0x0801;
const IMAGES_AT_ONCE = 64;
const officialRows = { train: 60000, test: 10000 };

const stems = ['train-images', 'train-labels', 't10k-images', 't10k-labels'];

/** Both spellings in circulation, compressed or not. */
function namesOf(stem: string): string[] {
  const kind = stem.endsWith('images') ? 'idx3-ubyte' : 'idx1-ubyte';
  return [`${stem}-${kind}.gz`, `${stem}-${kind}`, `${stem}.${kind}.gz`, `${stem}.${kind}`];
}

const homes = [
  'https://ossci-datasets.s3.amazonaws.com/mnist/',
  'https://storage.googleapis.com/cvdf-datasets/mnist/',
];
const hashes: Record<string, string> = {
  'train-images': '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
  'train-labels': '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
  't10k-images': '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
  't10k-labels': 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
};

/** The MNIST digits, from four idx files (gzip or not). */
export const mnist: RawSet = {
  name: 'mnist',
  layouts: [layoutOf('idx', stems.map(namesOf))],
  publicFiles: stems.map((stem) => {
    const name = namesOf(stem)[0]!;
    return { name, urls: homes.map((home) => home + name), sha256: hashes[stem]! };
  }),

  async read(storage, located, options) {
    const sources = new SourceFiles(storage, 'mnist', options);
    try {
      const readers: ByteReader[] = [];
      for (const path of located.paths) readers.push(await openIdx(sources, path));
      const dtype = options.dtype ?? 'uint8';
      const given = {
        name: 'mnist',
        task: 'classification',
        d: D,
        k: 10,
        dtype,
        labelDtype: labelDtypeFor(dtype, 10),
        classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
        image: { height: SIDE, width: SIDE, channels: 1 },
      } as const;
      return await writeDataset(storage, options.out, given, async (writer) => {
        const [trainImages, trainLabels, testImages, testLabels] = readers;
        try {
          await readPart(writer, 'train', trainImages!, trainLabels!, options);
          await readPart(writer, 'test', testImages!, testLabels!, options);
        } finally {
          for (const reader of readers) await reader.close();
        }
        return {
          description: 'MNIST handwritten digits (LeCun, Cortes, Burges), idx files',
          files: await sources.records(),
        };
      });
    } finally {
      await sources.close();
    }
  },
};

async function openIdx(sources: SourceFiles, path: string): Promise<ByteReader> {
  const { chunks, unit } = idxBytes(await sources.open(path));
  return new ByteReader(chunks(), path, unit);
}

/** Reads an idx header; returns the number of items. */
async function readHeader(reader: ByteReader, magic: number, dimensions: readonly number[]): Promise<number> {
  const { magic: found, shape } = await readIdxHeader(reader);
  if (found !== magic)
    throw reader.fault(`the idx header begins with ${hexWord(found)} instead of ${hexWord(magic)}`, 0);
  const [count = 0, ...sizes] = shape;
  for (const [i, size] of sizes.entries()) {
    if (dimensions[i] === size) continue;
    throw reader.fault(`images are ${dimensions[i]}x${dimensions[i]} pixels, not ${size}`, 8 + 4 * i);
  }
  if (count === 0) throw reader.fault('the header says there are 0 items', 4);
  return count;
}

async function readPart(
  writer: DatasetWriter,
  part: PartName,
  images: ByteReader,
  labels: ByteReader,
  options: ImportOptions,
): Promise<void> {
  const count = await readHeader(images, IMAGES_MAGIC, [SIDE, SIDE]);
  const labelCount = await readHeader(labels, LABELS_MAGIC, []);
  if (labelCount !== count) {
    throw labels.fault(
      `the header says ${labelCount} labels, but ${images.path} says ${count} images; these files do not belong together`,
      4,
    );
  }
  if (count !== officialRows[part]) {
    options.onWarning?.(
      `${images.path}: ${count} ${part} images; the official MNIST has ${officialRows[part]}`,
    );
  }
  const batch = new RowBatch(writer, part, 'uint8', part === 'train' ? options.n : undefined);
  const pixels = new Uint8Array(IMAGES_AT_ONCE * D);
  const view = new DataView(pixels.buffer);
  const classes = new Uint8Array(IMAGES_AT_ONCE);
  for (let first = 0; first < count; first += IMAGES_AT_ONCE) {
    const many = Math.min(IMAGES_AT_ONCE, count - first);
    const imageStart = images.position;
    const labelStart = labels.position;
    await images.read(pixels.subarray(0, many * D), `images ${first} to ${first + many - 1} of ${count}`);
    await labels.read(classes.subarray(0, many), `labels ${first} to ${first + many - 1} of ${count}`);
    for (let i = 0; i < many; i++) {
      const label = classes[i]!;
      if (label > 9) {
        throw labels.fault(
          `label ${label} of image ${first + i} is not a digit 0 to 9`,
          labelStart + i,
          'MLML_BAD_DATA',
        );
      }
      const full = batch.add(view, i * D, label, (j) =>
        j === D ? labels.place(labelStart + i) : images.place(imageStart + i * D + j),
      );
      if (full) await batch.flush();
    }
  }
  await images.expectEnd();
  await labels.expectEnd();
  await batch.flush();
}
