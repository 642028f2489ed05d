import { deflateSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Storage } from '../../src/storage/storage.js';

export async function put(storage: Storage, path: string, bytes: Uint8Array): Promise<void> {
  const file = await storage.create(path);
  await file.write(bytes, 0);
  await file.close();
}

export function concat(...pieces: (Uint8Array | readonly number[] | string)[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : Buffer.from(piece))),
    ),
  );
}

function u32(value: number, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, littleEndian);
  return bytes;
}

/** Some bytes that differ from image to image. */
export function pixel(image: number, j: number): number {
  return (image * 31 + j * 7) % 256;
}

export function idxImages(count: number, first = 0): Uint8Array {
  const pixels = Uint8Array.from({ length: count * 784 }, (_, i) =>
    pixel(first + Math.floor(i / 784), i % 784),
  );
  return concat(u32(0x803, false), u32(count, false), u32(28, false), u32(28, false), pixels);
}

export function idxLabels(labels: readonly number[]): Uint8Array {
  return concat(u32(0x801, false), u32(labels.length, false), labels);
}

/** The four MNIST files, `train` and `test` images long, label = image number modulo 10. */
export function mnistFiles(train: number, test: number, gzip = true): Map<string, Uint8Array> {
  const classes = (count: number) => Array.from({ length: count }, (_, i) => i % 10);
  const plain: [string, Uint8Array][] = [
    ['train-images-idx3-ubyte', idxImages(train)],
    ['train-labels-idx1-ubyte', idxLabels(classes(train))],
    ['t10k-images-idx3-ubyte', idxImages(test, train)],
    ['t10k-labels-idx1-ubyte', idxLabels(classes(test))],
  ];
  return new Map(
    plain.map(([name, bytes]) => (gzip ? [`${name}.gz`, new Uint8Array(gzipSync(bytes))] : [name, bytes])),
  );
}

/** Images of a CIFAR-10 batch: `labels[i]` with pixels `pixel(first + i, j)`. */
export function cifarPixels(count: number, first: number): Uint8Array {
  return Uint8Array.from({ length: count * 3072 }, (_, i) => pixel(first + Math.floor(i / 3072), i % 3072));
}

export function cifarRecords(labels: readonly number[], first: number): Uint8Array {
  const pixels = cifarPixels(labels.length, first);
  return concat(...labels.flatMap((label, i) => [[label], pixels.subarray(i * 3072, (i + 1) * 3072)]));
}

function short(text: string): Uint8Array {
  return concat('U', [text.length], text);
}

/** A batch as Python 2 pickled it: protocol 2; labels before or after the pixels. */
export function cifarPickle(labels: readonly number[], first: number, labelsFirst = true): Uint8Array {
  const labelItem = concat(short('labels'), ']q\x04(', ...labels.map((label) => concat('K', [label])), 'e');
  const count = labels.length;
  const array = concat(
    short('data'),
    'cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85q\x09U\x01bq\x0a\x87q\x0bRq\x0c',
    '(K\x01M',
    [count & 255, count >> 8],
    'M\x00\x0c\x86q\x0dcnumpy\ndtype\nq\x0eU\x02u1q\x0fK\x00K\x01\x87q\x10Rq\x11',
    '(K\x03U\x01|q\x12NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x13b\x89T',
    u32(count * 3072, true),
    cifarPixels(count, first),
    'q\x14tq\x15b',
  );
  const names = concat(short('filenames'), ']q\x16(', ...labels.map((_, i) => short(`image_${i}.png`)), 'e');
  const items = labelsFirst ? [labelItem, array, names] : [array, names, labelItem];
  return concat('\x80\x02}q\x01(', short('batch_label'), short('batch'), ...items, 'u.');
}

/** A gzipped tar of the given files, in that order. */
export async function tarGz(files: readonly (readonly [string, Uint8Array])[]): Promise<Uint8Array> {
  const archive = pack();
  for (const [name, bytes] of files) archive.entry({ name }, Buffer.from(bytes));
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return new Uint8Array(gzipSync(Buffer.concat(chunks)));
}

function element(type: number, bytes: Uint8Array): Uint8Array {
  return concat(
    u32(type, true),
    u32(bytes.length, true),
    bytes,
    new Uint8Array((8 - (bytes.length % 8)) % 8),
  );
}

/** A miMATRIX element of doubles; `values` column-major. */
export function matlabMatrix(
  name: string,
  rows: number,
  columns: number,
  values: readonly number[],
): Uint8Array {
  const doubles = new Uint8Array(Float64Array.from(values).buffer);
  const shape = concat(u32(rows, true), u32(columns, true));
  const nameElement =
    name.length <= 4
      ? concat([1, 0, name.length, 0], name, new Uint8Array(4 - name.length))
      : element(1, concat(name));
  return element(
    14,
    concat(element(6, concat([6, 0, 0, 0, 0, 0, 0, 0])), element(5, shape), nameElement, element(9, doubles)),
  );
}

export function matlabFile(elements: readonly Uint8Array[], compressed: boolean): Uint8Array {
  const header = concat('MATLAB 5.0 MAT-file'.padEnd(116), new Uint8Array(8), [0, 1], 'IM');
  const stored = elements.map((bytes) => {
    if (!compressed) return bytes;
    const packed = deflateSync(bytes);
    return concat(u32(15, true), u32(packed.length, true), packed);
  });
  return concat(header, ...stored);
}
