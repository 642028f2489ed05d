import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { MlmlError } from '../../errors.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import { labelDtypeFor } from '../convert.js';
import type { DatasetWriter } from '../datasetWriter.js';
import { type DatasetDescription, MOST_DENSE_FEATURES } from '../format.js';
import type { ImportOptions } from '../import/importOptions.js';
import { RowBatch } from '../import/rowBatch.js';
import { writeDataset } from '../import/writeDataset.js';
import { RowDraw, trainingRows } from '../table/splitRows.js';
import { ImageDecoder, type ImageShape } from './decodeImage.js';
import type { ImageFolder } from './imageFolders.js';
import { ImageList } from './imageList.js';
import { ShuffledOrder } from './shuffledOrder.js';

/** `32x32`: width and height. */
export function parseImageSize(text: string): { readonly width: number; readonly height: number } {
  const [, width, height] = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/i.exec(text) ?? [];
  if (width !== undefined) return { width: Number(width), height: Number(height) };
  throw new MlmlError('MLML_USAGE', `--image-size=${text}: must be <width>x<height>, such as 32x32`);
}

/**
 * Makes a data set of folders of PNG and JPEG files, one for each class. Rows are bytes, in random order by seed. Memory is that of
 * one image, and the names of one folder.
 */
export async function importImages(
  storage: Storage,
  path: string,
  folders: readonly ImageFolder[],
  options: ImportOptions,
): Promise<DatasetDescription> {
  const { out, seed = 0, percentage, dtype = 'uint8', channels = 'rgb', signal } = options;
  const isParted = folders.some(({ part }) => part !== undefined);
  if (isParted && percentage !== undefined)
    throw new MlmlError('MLML_USAGE', `--percentage=${percentage}: ${path} has folders of test images`);
  const given = options.imageSize === undefined ? undefined : parseImageSize(options.imageSize);
  const decoder = await ImageDecoder.make(storage, path);
  const scratch = await Scratch.open(storage, dirname(out), 0);
  try {
    const list = await ImageList.make(storage, scratch, folders, signal);
    if (list.others > 0)
      options.onWarning?.(`${path}: ${list.others} files that are no PNG or JPEG left out`);
    const size = given ?? (await firstSize(decoder, list));
    const shape: ImageShape = { ...size, channels: channels === 'gray' ? 1 : 3 };
    const classNames = [...new Set(folders.map(({ className }) => className))].sort(byNumberOrName);
    const k = classNames.length;
    const d = shape.width * shape.height * shape.channels;
    if (d > MOST_DENSE_FEATURES)
      throw new MlmlError(
        'MLML_USAGE',
        `${path}: images of ${shape.width} x ${shape.height} have ${d} features, more than ${MOST_DENSE_FEATURES}; give a smaller --image-size=<width>x<height>, such as 32x32`,
      );
    const image = { height: shape.height, width: shape.width, channels: shape.channels };
    const kind = { name: basename(path), task: 'classification', d, k, dtype } as const;
    const dataset = { ...kind, labelDtype: labelDtypeFor(dtype, k), classNames, image };
    return await writeDataset(storage, out, dataset, async (writer) => {
      const classes = folders.map(({ className }) => classNames.indexOf(className));
      const strata = new Array<number>(k).fill(0);
      for (const [i, count] of list.counts.entries()) strata[classes[i]!]! += count;
      for (const [c, count] of strata.entries())
        if (count === 0) options.onWarning?.(`${path}: class ${classNames[c]} has no PNG or JPEG`);
      const draw = new RowDraw(strata, trainingRows(strata, percentage ?? 0.8), seed);
      const partOf = (folder: number) =>
        folders[folder]!.part ?? (draw.next(classes[folder]!) ? 'train' : 'test');
      const sha256 = await copyImages(
        writer,
        decoder,
        list,
        shape,
        { ...options, seed },
        partOf,
        classes,
        given !== undefined,
      );
      await scratch.close();
      return {
        description: `${list.count} images of ${k} classes, ${shape.width}x${shape.height} ${channels}`,
        files: [{ name: basename(path), sha256 }],
      };
    });
  } finally {
    await scratch.close();
  }
}

/** Folders named by numbers in the order of the numbers. */
function byNumberOrName(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  if (difference !== 0 && !Number.isNaN(difference)) return difference;
  return a < b ? -1 : 1;
}

/** The size of all images is that of the first, unless one is given. */
async function firstSize(decoder: ImageDecoder, list: ImageList): Promise<{ width: number; height: number }> {
  const { path } = await list.get(0);
  return await decoder.sizeOf(path, await decoder.read(path));
}

/** Decodes and appends all images; returns a hash of their names and bytes. */
async function copyImages(
  writer: DatasetWriter,
  decoder: ImageDecoder,
  list: ImageList,
  shape: ImageShape,
  options: ImportOptions & { readonly seed: number },
  partOf: (folder: number) => 'train' | 'test',
  classes: readonly number[],
  isResized: boolean,
): Promise<string> {
  const { signal, seed, n, onProgress } = options;
  const order = new ShuffledOrder(list.count, seed);
  const hash = createHash('sha256');
  const batches = {
    train: new RowBatch(writer, 'train', 'uint8', n),
    test: new RowBatch(writer, 'test', 'uint8'),
  };
  const pixels = new Uint8Array(shape.width * shape.height * shape.channels);
  const view = new DataView(pixels.buffer);
  let read = 0;
  for (let i = 0; i < list.count; i++) {
    signal?.throwIfAborted();
    const { path, folder } = await list.get(order.at(i));
    const bytes = await decoder.read(path);
    hash.update(`${basename(dirname(path))}/${basename(path)}\0${bytes.length}\0`).update(bytes);
    const { width, height } = await decoder.sizeOf(path, bytes);
    if (!isResized && (width !== shape.width || height !== shape.height))
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${path}: is ${width} x ${height} pixels, others are ${shape.width} x ${shape.height}; --image-size=${shape.width}x${shape.height} makes them all alike`,
      );
    await decoder.decode(path, bytes, shape, pixels);
    const batch = batches[partOf(folder)];
    if (batch.add(view, 0, classes[folder]!, () => path)) await batch.flush();
    read += bytes.length;
    onProgress?.({ phase: 'import', what: path, done: read, total: 0 });
  }
  await batches.train.flush();
  await batches.test.flush();
  return hash.digest('hex');
}
